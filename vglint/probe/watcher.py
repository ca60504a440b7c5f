"""Watches one step in many of a real training run and judges what it saw; no step is changed."""

from __future__ import annotations

import os
import statistics
import warnings
from collections.abc import Callable
from typing import Any

import torch
from msgspec import Struct, field
from torch import Tensor, nn

from vglint.finding import Finding
from vglint.probe.faults import faults, shown_by
from vglint.probe.measures import weight_ratio
from vglint.probe.record import Measured, Run, Snapshot
from vglint.probe.spans import finder, span_of
from vglint.probe.watch import Sight, watching
from vglint.rule import Scalar
from vglint.span import Span

Report = Callable[[Finding], None]
_AGREEING = 3
"""Watched steps that all have to show that a parameter gets no gradient."""


class VglintWarning(UserWarning):
    """A fault that was measured in a running training."""


def warn(finding: Finding) -> None:
    """Warns of a finding, in place of printing it."""
    warnings.warn(f"{finding.span}: {finding.rule} {finding.name}: {finding.message}", VglintWarning, stacklevel=2)


class Watcher(Struct):
    """Watches one step in `every`; findings that are new go to `report`, which warns by default; `metrics` are those of the last watched step.

    Call `before_step` before forward, and `after_backward` after backward, before the optimiser's step.
    """

    model: nn.Module
    every: int = 100
    report: Report = warn
    findings: list[Finding] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    ends: list[Callable[[], object]] = field(default_factory=list)
    """What undoes what was put beside the training."""
    step: int = 0
    """Of the training, as its trainer counts."""
    _watched: int = -1
    _seen: list[Tensor | float] = field(default_factory=list)
    """The losses since the last watched step."""
    _losses: list[float] = field(default_factory=list)
    """Means over the steps between watched ones."""
    _snapshots: list[Snapshot] = field(default_factory=list)
    _silent: set[str] | None = None
    _open: Any = None
    _sight: Sight | None = None
    _place: Span | None = None

    def before_step(self, step: int | None = None) -> None:
        """Starts to watch, in a step whose turn it is; `step` is the trainer's own count."""
        self.step = self.step if step is None else step
        if self.step % self.every == 0 and self._open is None and self._watched != self.step:
            self._watched = self.step
            self._open = watching(self.model, whole=not self._snapshots)
            self._sight = self._open.__enter__()

    def saw(self, loss: object) -> None:
        """Takes the loss of one batch into the mean; it stays on its own device until then. Anything that is no number is left out."""
        if isinstance(loss, Tensor) and loss.numel():
            self._seen.append(loss.detach())
        elif isinstance(loss, (float, int)):
            self._seen.append(float(loss))

    def after_backward(self, loss: object = None, step: int | None = None) -> None:
        """Takes the gradients that backward has left, removes the hooks and judges."""
        self.saw(loss)
        self.step = self.step if step is None else step
        if self._open is not None and self._sight is not None:
            self._open.__exit__(None, None, None)
            self._settle()
            sight = self._sight
            self._snapshots.append(Snapshot(self.step, sight.layers(), tuple(sight.squashes), None, tuple(sight.times)))
            named = [(name, parameter) for name, parameter in self.model.named_parameters() if parameter.requires_grad]
            unheard = {name for name, parameter in named if parameter.grad is None or not bool(parameter.grad.any())}
            self._silent = unheard if self._silent is None else self._silent & unheard
            self._judge(sight)
            self._open = self._sight = None
        self.step += 1

    def close(self) -> None:
        """Removes the hooks of a step that never came to its end, and what was put beside the training."""
        while self.ends:
            self.ends.pop()()
        if self._open is not None:
            self._open.__exit__(None, None, None)
            self._open = self._sight = None

    def _settle(self) -> None:
        """Closes the mean of the losses since the last watched step."""
        if self._seen:
            held = [
                loss.float().mean() if loss.dim() else loss.float() for loss in self._seen if isinstance(loss, Tensor)
            ]
            numbers = [loss for loss in self._seen if not isinstance(loss, Tensor)]
            if held:  # read from their device at once
                numbers += torch.stack(held).tolist()
            self._losses.append(statistics.fmean(numbers))
            self._seen.clear()

    def _judge(self, sight: Sight) -> None:
        measures: dict[str, Scalar] = {}
        ratio = weight_ratio(self._snapshots[-1].layers)
        if ratio is not None and self.step > 0:
            measures["log10_weight_gradient_ratio"] = ratio
            self.metrics["vglint/log10_weight_gradient_ratio"] = ratio
        if len(self._losses) >= 3 and self._losses[0] > 0:
            measures["loss_drop"] = 1.0 - self._losses[-1] / self._losses[0]
        silent = tuple(sorted(self._silent or ())) if len(self._snapshots) >= _AGREEING else ()
        run = Run("given", 0.0, 0, tuple(self._losses), tuple(self._snapshots), measures, silent, sight.nonfinite)
        known = {finding.name for finding in self.findings}
        if any(rule.name not in known for rule in shown_by(run)):  # where the model is written is looked up only then
            self._place = self._place or span_of(type(self.model))
            one = Measured(0, (), (run,))
            for finding in faults(one, type(self.model).__name__, self._place, find=finder(self.model)):
                if finding.name not in known:
                    self.findings.append(finding)
                    self.report(finding)
        self.metrics["vglint/findings"] = float(len(self.findings))


def first_process() -> bool:
    """Says whether this process reports, of those that train together."""
    return os.environ.get("RANK", "0") == "0"
