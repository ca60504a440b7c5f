"""Probes a model that already stands in this process: a notebook's, a test's."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import nn

from vglint.probe.faults import faults
from vglint.probe.feeding import find_inputs
from vglint.probe.record import OptimizerName, Request
from vglint.probe.result import ProbeReport
from vglint.probe.session import measure
from vglint.probe.spans import span_of
from vglint.probe.task import given_task, teacher_task


def probe_model(
    model: nn.Module,
    batch: object,
    loss: Callable[[Any, Any], Any] | None,
    optimizer: str | None,
    rate: float | None,
    steps: int,
    seeds: int,
) -> ProbeReport:
    """Returns the report; the model, its gradients and torch's random state are left as they were."""
    start = time.monotonic()
    state = torch.get_rng_state()
    frozen = copy.deepcopy(model)
    names = (cast(OptimizerName, optimizer),) if optimizer is not None else ("sgd", "adam")
    request = Request(
        "", "", "", optimizers=cast(tuple[OptimizerName, ...], names), rate=rate, steps=steps, seeds=seeds
    )
    notes: list[str] = []
    try:
        if batch is not None:
            task = given_task(batch, loss)
        else:
            inputs = find_inputs(copy.deepcopy(frozen), ())
            task = teacher_task(copy.deepcopy(frozen), inputs, None)
            notes.append("inputs: " + "; ".join(str(choice) for choice in inputs))
        notes.append("loss: " + task.note)
        measured = measure(lambda seed: copy.deepcopy(frozen).train(), task, request, notes, start)
    finally:
        torch.set_rng_state(state)
    entry = type(model).__name__
    return ProbeReport(entry, measured, faults(measured, entry, span_of(type(model))))
