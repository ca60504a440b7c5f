"""Dynamic mode: a short, isolated training run that measures what the linter predicts. The module is its own main function:

    report = vglint.probe(model, batch=(x, y))          # in a notebook or a test, in this process
    outcome = vglint.probe.run_isolated(request)        # a file's model, in a process of its own

Importing it does not import torch; probing does.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from vglint.probe.faults import faults
from vglint.probe.isolate import run_isolated
from vglint.probe.planning import plan
from vglint.probe.record import Argument, Given, Inconclusive, Limits, Measured, Outcome, Request
from vglint.probe.result import ProbeReport
from vglint.probe.traced import trace_of
from vglint.probe.tree import copy_tree

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

__all__ = [
    "Argument",
    "Given",
    "Inconclusive",
    "Limits",
    "Measured",
    "Outcome",
    "ProbeReport",
    "Request",
    "assert_gradient_flow",
    "copy_tree",
    "faults",
    "plan",
    "probe",
    "run_isolated",
    "trace_of",
]


def probe(
    model: nn.Module,
    batch: object = None,
    loss: Callable[[Any, Any], Any] | None = None,
    optimizer: str | Optimizer | type[Optimizer] | None = None,
    *,
    lr: float | None = None,
    steps: int = 60,
    seeds: int = 2,
) -> ProbeReport:
    """Trains copies of `model` for a few steps in this process and returns what was measured; the model itself is left as it was.

    `batch` is (inputs, target), a dictionary of tensors or inputs alone; without one, inputs that the model accepts are made up.
    `loss` takes the model's output and the target. `optimizer` is sgd, adam, adamw or rmsprop, or torch's
    class or object of that name, whose learning rate then counts; None tries SGD and Adam. Raises ValueError for another optimiser.
    """
    from vglint.probe.inprocess import probe_model

    return probe_model(model, batch, loss, optimizer, lr, steps, seeds)


def assert_gradient_flow(
    model: nn.Module,
    batch: object = None,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    min_ratio: float = 1e-4,
    allow_inconclusive: bool = False,
    **options: Any,
) -> None:
    """Fails where some weight layer's measured gradient is below `min_ratio` of the last hidden one's, whatever the loss does in a few steps,
    or where a probe of the model shows another fault; for tests. Fails with the reason where nothing can be compared, unless that is allowed.
    """
    __tracebackhide__ = True
    report = probe(model, batch, loss, **options)
    flow = report.flow
    if flow is None:
        assert allow_inconclusive, f"the gradient's flow cannot be measured: {report.reason or _ALONE}\n{report}"
    else:
        assert flow.decades >= math.log10(min_ratio), f"{flow}, below {min_ratio:g}\n{report}"
    assert report.measured is None or report.ok, str(report)


_ALONE = "no weight layer feeds another, so there is nothing to compare"


class _Callable(ModuleType):
    """The package and its main function share the name `vglint.probe`."""

    def __call__(self, *args: Any, **kwargs: Any) -> ProbeReport:
        return probe(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
