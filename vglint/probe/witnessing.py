"""Puts a witness beside training code: torch's own global hooks, and wrappers that are all gone when the run ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from vglint.ops import has, having, kind
from vglint.probe.places import line_text
from vglint.probe.witness import Witness

_LOSSES = [
    name
    for name in having("takes_logits", "takes_probabilities", "takes_log_probabilities", "compares")
    if kind(name) == "loss" and hasattr(nn.functional, name)
]
"""Losses whose argument is looked at."""
_CLIPS = ("clip_grad_norm_", "clip_grad_norm")


@contextmanager
def witnessing(steps: int, seconds: float, wanted: str | None = None, *, on_cpu: bool = True) -> Iterator[Witness]:
    """Watches all training of this process while it lasts; raises EnoughError in the code after `steps` steps of each optimiser, or at
    the first call for a gradient of a module of the `wanted` class."""
    witness = Witness(steps, time.process_time() + seconds, wanted=wanted)
    witness.calls.on_cpu = on_cpu
    witness.calls.before_softmax = witness.weighed
    witness.calls.before_log_softmax = witness.normalised
    with ExitStack() as ends:
        ends.callback(witness.close)
        for hook in (
            register_optimizer_step_pre_hook(lambda optimizer, args, kwargs: witness.before_step(optimizer)),
            register_optimizer_step_post_hook(lambda optimizer, args, kwargs: witness.after_step(optimizer)),
        ):
            ends.callback(hook.remove)
        for owner, name, wrap in _wrappers(witness):
            plain = getattr(owner, name)
            setattr(owner, name, wrap(plain))
            ends.callback(setattr, owner, name, plain)
        ends.enter_context(witness.calls)
        yield witness


Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def _wrappers(witness: Witness) -> Iterator[tuple[Any, str, Wrap]]:
    """Yields what is wrapped while a witness watches: the owner, the name, and what makes the wrapper."""
    yield nn.Module, "__init__", lambda plain: _init(witness, plain)
    yield nn.Module, "__call__", lambda plain: _call(witness, plain)
    yield Tensor, "backward", lambda plain: _backward(witness, plain)
    yield torch.optim.Optimizer, "__init__", lambda plain: _optimizer(witness, plain)
    yield torch.optim.lr_scheduler.LRScheduler, "__init__", lambda plain: _scheduler(witness, plain)
    yield torch, "manual_seed", lambda plain: _seed(witness, plain)
    for name in _CLIPS:
        if hasattr(nn.utils, name):
            yield nn.utils, name, lambda plain: _clip(witness, plain)
    for name in _LOSSES:
        yield nn.functional, name, lambda plain, name=name: _loss(witness, plain, name)  # type: ignore[misc]


def _init(witness: Witness, plain: Callable[..., Any]) -> Callable[..., Any]:
    def init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **kwargs)
        witness.modules.append(self)

    return init


def _call(witness: Witness, plain: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        witness.entering(self, args, kwargs)
        witness.depth += 1
        try:
            return plain(self, *args, **kwargs)
        except (RuntimeError, ValueError) as error:
            if "Expected more than 1" in str(error):
                witness.raised = f"forward{line_text()}: {error}"
            raise
        finally:
            witness.depth -= 1

    return call


def _backward(witness: Witness, plain: Callable[..., Any]) -> Callable[..., Any]:
    def backward(self: Tensor, *args: Any, **kwargs: Any) -> None:
        place = line_text()
        with torch._C.DisableTorchFunction():
            witness.before_backward(self)
            try:
                plain(self, *args, **kwargs)
            except RuntimeError as error:
                if "memory" not in str(error):
                    witness.raised = f"backward{place}: {' '.join(str(error).split())[:300]}"
                raise
            witness.after_backward(self, place)

    return backward


def _optimizer(witness: Witness, plain: Callable[..., Any]) -> Callable[..., Any]:
    def init(self: torch.optim.Optimizer, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **kwargs)
        witness.built(self)

    return init


def _scheduler(witness: Witness, plain: Callable[..., Any]) -> Callable[..., Any]:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **kwargs)
        witness.loop.schedulers.append(self)

    return init


def _seed(witness: Witness, plain: Callable[..., Any]) -> Callable[..., Any]:
    def seed(*args: Any, **kwargs: Any) -> Any:
        witness.seeded = True
        return plain(*args, **kwargs)

    return seed


def _clip(witness: Witness, plain: Callable[..., Any]) -> Callable[..., Any]:
    def clip(parameters: Any, max_norm: Any = 1.0, *args: Any, **kwargs: Any) -> Any:
        taken = [parameters] if isinstance(parameters, Tensor) else list(parameters)
        norm = plain(taken, max_norm, *args, **kwargs)
        witness.loop.clipped(taken, float(max_norm), float(norm) if isinstance(norm, (Tensor, float)) else None)
        return norm

    return clip


def _loss(witness: Witness, plain: Callable[..., Any], name: str) -> Callable[..., Any]:
    def loss(given: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(given, Tensor):
            if has(name, "compares"):
                target = args[0] if args else kwargs.get("target")
                witness.compared(given, target, line_text(), squared=has(name, "sums_squares"))
            elif has(name, "takes_log_probabilities"):
                witness.took_logs(given)
            elif has(name, "takes_logits"):
                witness.took(given, min(given.dim() - 1, 1) if name == "cross_entropy" else -1, line_text())
        try:
            return plain(given, *args, **kwargs)
        except RuntimeError as error:
            if "all elements of input should be between 0 and 1" in str(error):
                witness.raised = f"{name}{line_text()}: {error}"
            raise

    return loss
