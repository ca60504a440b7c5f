"""Probes a model that already stands in this process: a notebook's, a test's."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any, cast, get_args

import torch
from torch import nn

from vglint.probe.faults import faults
from vglint.probe.feeding import find_inputs
from vglint.probe.record import OptimizerName, Request
from vglint.probe.result import ProbeReport
from vglint.probe.session import measure
from vglint.probe.spans import finder, span_of
from vglint.probe.task import given_task, teacher_task


def probe_model(
    model: nn.Module,
    batch: object,
    loss: Callable[[Any, Any], Any] | None,
    optimizer: str | torch.optim.Optimizer | type[torch.optim.Optimizer] | None,
    rate: float | None,
    steps: int,
    seeds: int,
) -> ProbeReport:
    """Returns the report; the model, its gradients and torch's random state are left as they were."""
    start = time.monotonic()
    state = torch.get_rng_state()
    frozen = copy.deepcopy(model)
    names = ("sgd", "adam") if optimizer is None else (_name(optimizer),)
    if rate is None and isinstance(optimizer, torch.optim.Optimizer):
        rate = float(optimizer.param_groups[0]["lr"])
    if batch is not None and not _random(frozen):
        seeds = 1
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
    return ProbeReport(entry, measured, faults(measured, entry, span_of(type(model)), find=finder(model)))


def _random(model: nn.Module) -> bool:
    """Says whether training the model twice on one batch may differ: it draws random numbers itself."""
    return any(isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0 for module in model.modules())


def _name(optimizer: str | torch.optim.Optimizer | type[torch.optim.Optimizer]) -> str:
    """Returns the name of one of the optimisers that the probe knows; raises ValueError for another."""
    if isinstance(optimizer, str):
        name = optimizer.lower()
    else:
        name = (optimizer if isinstance(optimizer, type) else type(optimizer)).__name__.lower()
    if name not in get_args(OptimizerName):
        raise ValueError(f"the probe knows no optimizer {name!r}: {', '.join(get_args(OptimizerName))}")
    return name
