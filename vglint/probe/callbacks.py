"""Callbacks that watch a real run every few hundred steps and say what the probe would: for Lightning and for HF's Trainer.

The frameworks are looked up when a callback is made; vglint does not depend on them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from torch import nn

from vglint.finding import Finding
from vglint.probe.faults import faults
from vglint.probe.measures import weight_ratio
from vglint.probe.record import Measured, Run, Snapshot
from vglint.probe.spans import finder, span_of
from vglint.probe.watch import Sight, watching
from vglint.rule import Scalar

Report = Callable[[Finding], None]


@dataclass(slots=True)
class Watcher:
    """Watches one step in `every`; findings that are new go to `report`, which prints by default."""

    model: nn.Module
    every: int = 100
    report: Report = lambda finding: print(f"{finding.span}: {finding.rule} {finding.name}: {finding.message}")
    findings: list[Finding] = field(default_factory=list)
    _step: int = 0
    _losses: list[float] = field(default_factory=list)
    _snapshots: list[Snapshot] = field(default_factory=list)
    _silent: set[str] | None = None
    _open: Any = None
    _sight: Sight | None = None

    def before_step(self) -> None:
        """Starts to watch, in a step whose turn it is."""
        if self._step % self.every == 0 and self._open is None:
            self._open = watching(self.model)
            self._sight = self._open.__enter__()

    def after_backward(self, loss: float) -> None:
        """Takes the gradients that backward has left, removes the hooks and judges; call it before the optimiser's step."""
        if self._open is not None and self._sight is not None:
            self._open.__exit__(None, None, None)
            self._losses.append(loss)
            self._snapshots.append(
                Snapshot(self._step, self._sight.layers(), tuple(self._sight.squashes), None, tuple(self._sight.times))
            )
            named = [(name, parameter) for name, parameter in self.model.named_parameters() if parameter.requires_grad]
            unheard = {name for name, parameter in named if parameter.grad is None or not bool(parameter.grad.any())}
            self._silent = unheard if self._silent is None else self._silent & unheard
            self._judge(self._sight)
            self._open = self._sight = None
        self._step += 1

    def close(self) -> None:
        """Removes the hooks of a step that never came to its end."""
        if self._open is not None:
            self._open.__exit__(None, None, None)
            self._open = self._sight = None

    def _judge(self, sight: Sight) -> None:
        measures: dict[str, Scalar] = {}
        ratio = weight_ratio(self._snapshots[-1].layers)
        if ratio is not None and self._step > 0:
            measures["log10_weight_gradient_ratio"] = ratio
        if len(self._losses) >= 3:
            measures["loss_drop"] = 1.0 - self._losses[-1] / self._losses[0] if self._losses[0] else 0.0
        silent = tuple(sorted(self._silent or ())) if len(self._snapshots) >= 2 else ()
        run = Run("given", 0.0, 0, tuple(self._losses), tuple(self._snapshots), measures, silent, sight.nonfinite)
        kind = type(self.model)
        for finding in faults(Measured(0, (), (run,)), kind.__name__, span_of(kind), find=finder(self.model)):
            if finding.name not in {known.name for known in self.findings}:
                self.findings.append(finding)
                self.report(finding)


def lightning_callback(every: int = 100, report: Report | None = None) -> Any:
    """Returns a `Callback` for a Lightning Trainer; its `watcher` holds the findings once training has begun."""
    base = _first("lightning.pytorch", "pytorch_lightning").Callback

    class VglintCallback(base):  # type: ignore[misc, valid-type]
        watcher: Watcher | None = None
        loss: float = 0.0

        def on_train_start(self, trainer: Any, module: Any) -> None:
            self.watcher = _watcher(module, every, report)

        def on_train_batch_start(self, trainer: Any, module: Any, *args: Any) -> None:
            if self.watcher is not None:
                self.watcher.before_step()

        def on_before_backward(self, trainer: Any, module: Any, loss: Any) -> None:
            self.loss = float(loss.detach())

        def on_after_backward(self, trainer: Any, module: Any) -> None:
            if self.watcher is not None:
                self.watcher.after_backward(self.loss)

        def on_train_end(self, trainer: Any, module: Any) -> None:
            if self.watcher is not None:
                self.watcher.close()

    return VglintCallback()


def trainer_callback(every: int = 100, report: Report | None = None) -> Any:
    """Returns a `TrainerCallback` for Hugging Face's Trainer; its `watcher` holds the findings once training has begun."""
    base = _first("transformers").TrainerCallback

    class VglintCallback(base):  # type: ignore[misc, valid-type]
        watcher: Watcher | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            self.watcher = _watcher(given["model"], every, report)

        def on_step_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if self.watcher is not None:
                self.watcher.before_step()

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if self.watcher is not None:
                history: Sequence[dict[str, float]] = [entry for entry in state.log_history if "loss" in entry]
                self.watcher.after_backward(history[-1]["loss"] if history else 1.0)

        def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if self.watcher is not None:
                self.watcher.close()

    return VglintCallback()


def _watcher(model: nn.Module, every: int, report: Report | None) -> Watcher:
    return Watcher(model, every) if report is None else Watcher(model, every, report)


def _first(*names: str) -> Any:
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    raise ImportError(f"none of {', '.join(names)} is installed")
