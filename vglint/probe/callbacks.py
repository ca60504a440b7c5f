"""Callbacks that watch a real run every few hundred steps and say what the probe would: for Lightning, Hugging Face's Trainer and Accelerate.

The frameworks are looked up when a callback is made; vglint does not depend on them. Findings are warnings, and go to the trainer's own
logger and metrics, from its first process only.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from torch import Tensor, nn

from vglint.finding import Finding
from vglint.probe.watcher import Report, VglintWarning, Watcher, first_process, warn

__all__ = ["VglintWarning", "Watcher", "accelerate_watcher", "lightning_callback", "trainer_callback"]


def lightning_callback(every: int = 100, report: Report | None = None) -> Any:
    """Returns a `Callback` for a Lightning Trainer; its `watcher` holds the findings once training has begun."""
    base = _first("lightning.pytorch", "pytorch_lightning").Callback

    class VglintCallback(base):  # type: ignore[misc, valid-type]
        watcher: Watcher | None = None
        loss: Any = None
        known = 0

        def on_train_start(self, trainer: Any, module: Any) -> None:
            if getattr(trainer, "is_global_zero", True):
                self.watcher = _watcher(module, every, report)

        def on_train_batch_start(self, trainer: Any, module: Any, *args: Any) -> None:
            if self.watcher is not None:
                self.watcher.before_step(getattr(trainer, "global_step", None))

        def on_before_backward(self, trainer: Any, module: Any, loss: Any) -> None:
            self.loss = loss.detach()

        def on_after_backward(self, trainer: Any, module: Any) -> None:
            watcher = self.watcher
            if watcher is None:
                return
            before = len(watcher.findings)
            watcher.after_backward(self.loss, getattr(trainer, "global_step", None))
            logger = getattr(trainer, "logger", None)
            if len(watcher.findings) > before and logger is not None:
                logger.log_metrics(dict(watcher.metrics), trainer.global_step)

        def on_train_end(self, trainer: Any, module: Any) -> None:
            if self.watcher is not None:
                self.watcher.close()

    return VglintCallback()


def trainer_callback(every: int = 100, report: Report | None = None) -> Any:
    """Returns a `TrainerCallback` for Hugging Face's Trainer; its `watcher` holds the findings once training has begun.

    The loss is what the model returns; where it returns none, as with a `compute_loss` of one's own, it is what the trainer logs.
    """
    base = _first("transformers").TrainerCallback

    class VglintCallback(base):  # type: ignore[misc, valid-type]
        watcher: Watcher | None = None
        hook: Any = None
        returned = False

        def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if getattr(state, "is_world_process_zero", True):
                self.watcher = _watcher(given["model"], every, report)
                self.hook = given["model"].register_forward_hook(self._forward)

        def _forward(self, module: Any, args: Any, output: Any) -> None:
            loss = output.get("loss") if isinstance(output, dict) else getattr(output, "loss", None)
            if self.watcher is not None and isinstance(loss, Tensor) and module.training:
                self.returned = True
                self.watcher.saw(loss)

        def on_step_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if self.watcher is not None:
                self.watcher.before_step(getattr(state, "global_step", None))

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            watcher = self.watcher
            if watcher is None:
                return
            before = len(watcher.findings)
            watcher.after_backward(step=getattr(state, "global_step", None))
            if len(watcher.findings) > before:
                state.log_history.append({**watcher.metrics, "step": watcher.step - 1})
                for finding in watcher.findings[before:]:
                    logging.getLogger("transformers.trainer").warning("%s %s", finding.rule, finding.message)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **given: Any) -> None:
            if self.watcher is not None and not self.returned and isinstance(logs, dict):
                self.watcher.saw(logs.get("loss"))

        def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if self.hook is not None:
                self.hook.remove()
            if self.watcher is not None:
                self.watcher.close()

    return VglintCallback()


def accelerate_watcher(accelerator: Any, model: nn.Module, every: int = 100, report: Report | None = None) -> Watcher:
    """Returns a watcher of a loop that calls `accelerator.backward(loss)`; call its `close` when training ends.

    Findings are logged by the accelerator's trackers too.
    """
    plain = accelerator.backward

    def told(finding: Finding) -> None:
        (report or warn)(finding)
        accelerator.log({"vglint/findings": float(len(watcher.findings))}, step=watcher.step)

    watcher = Watcher(model, every, told)
    if not accelerator.is_main_process:
        return watcher

    def backward(loss: Any, **options: Any) -> None:
        plain(loss, **options)
        if accelerator.sync_gradients:
            watcher.after_backward(loss)
        else:
            watcher.saw(loss)

    hook = model.register_forward_pre_hook(lambda module, args: watcher.before_step() if module.training else None)
    accelerator.backward = backward
    watcher.ends.extend((hook.remove, lambda: setattr(accelerator, "backward", plain)))
    return watcher


def _watcher(model: nn.Module, every: int, report: Report | None) -> Watcher | None:
    return Watcher(model, every, report or warn) if first_process() else None


def _first(*names: str) -> Any:
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    raise ImportError(f"none of {', '.join(names)} is installed")
