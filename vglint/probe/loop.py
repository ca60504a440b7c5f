"""Keeps the books of a training loop: passes, steps, clips, rates, modes, and what became of each gradient."""

from __future__ import annotations

import statistics
import weakref
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from msgspec import Struct, field
from torch import Tensor, nn

from vglint.rule import Scalar

_PASSES = 20
"""Backward passes without a step from which on nothing steps at all; accumulation takes fewer for a step."""
_EACH = 4
"""Steps of a scheduler from which it is seen to step with the optimiser."""
_AHEAD = 400
"""Steps for which a scheduler is asked for its rates."""
_KEPT = 24
"""Passes in which it is looked at whose graphs are still held."""
_COUNTED = frozenset({1, 4, 12})
_MODAL = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


class _Token:
    """Lives as long as the node of a graph that it is hung on."""


class Loop(Struct):
    """What the loop did; `open` are the parameters whose gradient no step has used yet, by identity."""

    passes: int = 0
    steps: int = 0
    discarded: int = 0
    """Passes all of whose gradients were gone before a step."""
    clips: int = 0
    idle_clips: int = 0
    """Clips of nothing, or of gradients that a step had used already."""
    factors: list[float] = field(default_factory=list)
    """For each clip, the share of the gradient that it left."""
    evaluating: int = 0
    """Passes through dropout or batch normalisation in evaluation mode."""
    schedulers: list[Any] = field(default_factory=list)
    made: list[frozenset[int]] = field(default_factory=list)
    """For each optimiser that was made, its parameters."""
    sizes: list[int] = field(default_factory=list)
    """Nodes of the loss's graph at the passes counted."""
    kept: int = 0
    """Most losses of earlier passes whose graph is still held at a later one."""
    scaled: bool = False
    """Whether a loss is multiplied or divided last."""
    tokens: list[weakref.ref[_Token]] = field(default_factory=list)
    modes: bool = False
    _fresh: bool = False
    _open: dict[int, Tensor] = field(default_factory=dict)

    def called(self, module: nn.Module) -> None:
        """Notes the mode of a module whose behaviour depends on it, called for a gradient."""
        if not module.training and isinstance(module, _MODAL) and getattr(module, "p", 1.0) > 0:
            self.modes = True

    def before_backward(self, loss: Tensor) -> None:
        if self._open and all(_cleared(parameter) for parameter in self._open.values()):
            self.discarded += 1
        self._open.clear()
        last = loss.grad_fn.name() if loss.grad_fn is not None else ""
        self.scaled = self.scaled or last.startswith(("Mul", "Div"))
        if self.passes < _KEPT and loss.grad_fn is not None:
            self.kept = max(self.kept, sum(token() is not None for token in self.tokens[:-1]))
            self.tokens.append(_token(loss.grad_fn))
        if self.passes + 1 in _COUNTED:
            self.sizes.append(_nodes(loss))

    def after_backward(self, parameters: Iterable[Tensor]) -> None:
        self.passes += 1
        self.evaluating += self.modes
        self.modes, self._fresh = False, True
        self._open = {id(one): one for one in parameters if not _cleared(one)}

    def stepped(self) -> None:
        self.steps += 1
        self._open.clear()
        self._fresh = False

    def clipped(self, parameters: Sequence[Tensor], limit: float, norm: float | None) -> None:
        """Notes a clip, once it is done, to `limit` of gradients whose norm was `norm`."""
        self.clips += 1
        idle = not self._fresh or not any(one.grad is not None for one in parameters)
        self.idle_clips += idle
        if not idle and norm is not None and norm > 0:
            self.factors.append(min(1.0, limit / norm))

    def measures(self) -> dict[str, Scalar]:
        found: dict[str, Scalar] = {
            "unstepped_passes": self.passes if self.steps == 0 else 0,
            "kept_graphs": self.kept,
            "scaled_loss": self.scaled,
            "rebuilt_optimizers": len(self.made) - len(set(self.made)),
        }
        if self.passes:
            found["discarded_share"] = self.discarded / self.passes
            found["evaluating_share"] = self.evaluating / self.passes
        if self.steps:
            found["passes_per_step"] = self.passes / self.steps
        if self.clips:
            found["idle_clip_share"] = self.idle_clips / self.clips
        if self.factors:
            found["clip_factor"] = statistics.median(self.factors)
        if len(self.sizes) > 1:
            found["graph_growth"] = self.sizes[-1] / max(self.sizes[0], 1)
        rates = [share for one in self.schedulers if (share := _least_rate(one, self.steps)) is not None]
        if rates:
            found["scheduled_rate"] = min(rates)
        return found

    @property
    def settled(self) -> bool:
        """Whether the loop has shown what it is: it steps, or passes often enough without."""
        return self.steps > 0 or self.passes >= _PASSES


def _token(node: Any) -> weakref.ref[_Token]:
    token = _Token()
    node.register_hook(lambda given, made, token=token: None)
    return weakref.ref(token)


def _cleared(parameter: Tensor) -> bool:
    gradient = parameter.grad
    return gradient is None or not bool(gradient.any())


def _nodes(loss: Tensor) -> int:
    seen, stack = set(), [loss.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen.add(node)
            stack += [parent for parent, _ in node.next_functions]
    return len(seen)


def _least_rate(scheduler: Any, steps: int) -> float | None:
    """Returns the learning rate that a scheduler comes to and stays at, over its first; for one that steps with every step of the optimiser, also
    what it falls to without end. The scheduler is used up."""
    each = getattr(scheduler, "_step_count", 1) - 1 >= max(_EACH, steps // 2)
    if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
        return None
    rates: list[float] = []
    try:
        first = float(scheduler.base_lrs[0])
        for _ in range(_AHEAD):
            scheduler.step()
            rates.append(float(scheduler.optimizer.param_groups[0]["lr"]))
    except Exception:  # one that has an end says so
        return None
    last = rates[-50:]
    if first <= 0:
        return None
    return last[-1] / first if min(last) == max(last) or (each and max(last) < 1e-6 * first) else None
