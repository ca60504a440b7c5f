"""Watches training code that runs as its author wrote it: its losses, its backward passes, its steps.

The hooks are torch's own global ones, and wrappers around `backward` and the losses that take logits; all are gone when the run ends.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from vglint.ops import having, kind
from vglint.probe.measures import measures_of
from vglint.probe.record import Run, Snapshot
from vglint.probe.watch import Sight, line_text, watching
from vglint.rule import Scalar

_CUT = 0.1
"""Share of exact zeros among the logits from which a ReLU is seen in them."""
_WATCHED = frozenset({0, 10, 25, 50, 55})
"""Turns of the loop in which every layer is watched."""


class EnoughError(BaseException):
    """Ends training code that has shown what it does; no `except Exception` of the code stops it."""


@dataclass(slots=True, eq=False)
class _Owned:
    """A parameter of an optimiser or of a module that ran."""

    name: str
    value: Tensor
    start: Tensor
    stepped: bool = False
    heard: bool = False
    flowed: bool = False


@dataclass(slots=True)
class Witness:
    """What was seen. `losses` are by the place that calls backward; `modules` are those that were built, in order."""

    steps: int
    deadline: float
    modules: list[nn.Module] = field(default_factory=list)
    losses: dict[str, list[float]] = field(default_factory=dict)
    optimizers: dict[int, torch.optim.Optimizer] = field(default_factory=dict)
    taken: int = 0
    passes: int = 0
    stale: bool = False
    raised: str = ""
    nonfinite: str = ""
    snapshots: list[Snapshot] = field(default_factory=list)
    seen: dict[int, Sight] = field(default_factory=dict)
    logits: dict[str, list[bool]] = field(default_factory=dict)
    """By the place that calls a loss of logits: whether what it got were probabilities."""
    rectified: dict[str, list[bool]] = field(default_factory=dict)
    """The same: whether none of it was negative, and a tenth or more exactly zero."""
    squared: dict[str, list[bool]] = field(default_factory=dict)
    """By the place that calls a squared error: whether it compared numbers within 0..1 with zeros and ones."""
    updates: list[float] = field(default_factory=list)
    _owned: dict[int, _Owned] = field(default_factory=dict)
    _used: dict[int, tuple[int, int]] = field(default_factory=dict)
    _carried: set[int] = field(default_factory=set)
    _open: Any = None
    _sight: Sight | None = None
    _before: list[Tensor] = field(default_factory=list)
    _known: int = 0

    def roots(self) -> list[nn.Module]:
        """Returns the modules with parameters that are no other's part."""
        inner = {id(child) for module in self.modules for child in module.children()}
        found = [module for module in self.modules if id(module) not in inner]
        return [module for module in found if any(True for _ in module.parameters())]

    def entering(self) -> None:
        """Watches all layers from here to the next backward pass, in a step whose turn it is."""
        turn = len(self._main())
        if turn in _WATCHED and self._open is None and torch.is_grad_enabled() and turn not in self.seen:
            self._open = watching(_Roots(self.roots()))
            self._sight = self._open.__enter__()

    def close(self) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)
            self._open = self._sight = None

    def before_backward(self) -> None:
        """Notes gradients that a step has used already and that nobody has cleared since."""
        if self._sight is not None:
            self._sight.settle()
        for optimizer in self.optimizers.values():
            for parameter in _parameters(optimizer):
                used = self._used.pop(id(parameter), None)
                gradient = parameter.grad
                if gradient is None or not bool(gradient.any()):
                    self._carried.discard(id(parameter))
                elif used == (id(gradient), gradient._version):
                    self._carried.add(id(parameter))

    def after_backward(self, loss: Tensor, place: str) -> None:
        self.passes += 1
        sight, turn = self._sight, len(self._main())
        self.close()
        if sight is not None:
            self.seen[turn] = sight
            self.snapshots.append(Snapshot(turn, sight.layers(), tuple(sight.squashes), None, tuple(sight.times)))
            self.nonfinite = self.nonfinite or sight.nonfinite
        if loss.numel() == 1:
            value = float(loss.detach())
            self.losses.setdefault(place, []).append(value)
            if not math.isfinite(value) and not self.nonfinite:
                self.nonfinite = f"the loss{place}"
        self._own_modules()
        for owned in self._owned.values():
            gradient = owned.value.grad
            owned.flowed = owned.flowed or (gradient is not None and bool(gradient.any()))
        if self.passes >= 8 * self.steps:
            raise EnoughError

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizers.setdefault(id(optimizer), optimizer)
        parameters = _parameters(optimizer)
        self._own_modules()
        for number, parameter in enumerate(parameters):
            owned = self._own(f"parameter {number} of the optimiser", parameter)
            gradient = parameter.grad
            owned.stepped = True
            owned.heard = owned.heard or (gradient is not None and bool(gradient.any()))
            self.stale = self.stale or id(parameter) in self._carried
        self._carried.difference_update(map(id, parameters))
        self._before = [parameter.detach().clone() for parameter in parameters]

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        parameters = _parameters(optimizer)
        ratios = [
            float((new.detach() - old).norm() / old.norm())
            for old, new in zip(self._before, parameters, strict=True)
            if new.dim() > 1 and bool(old.any())
        ]
        if ratios:
            self.updates.append(statistics.median(ratios))
        for parameter in parameters:
            if parameter.grad is not None:
                self._used[id(parameter)] = (id(parameter.grad), parameter.grad._version)
        self.taken += 1
        if self.taken >= self.steps * len(self.optimizers) or time.monotonic() > self.deadline:
            raise EnoughError

    def took(self, given: Tensor, dim: int, place: str) -> None:
        """Notes what a loss of logits got: `dim` is that of the classes, -1 where each number stands for itself."""
        if not given.requires_grad or given.numel() < 2:
            return
        value = given.detach()
        inside = bool((value >= 0).all()) and bool((value <= 1).all())
        if inside and dim >= 0:
            inside = value.shape[dim] > 1 and bool(((value.sum(dim) - 1).abs() < 1e-3).all())
        self.logits.setdefault(place, []).append(inside)
        rectified = bool((value >= 0).all()) and float((value == 0).float().mean()) >= _CUT
        self.rectified.setdefault(place, []).append(rectified)

    def compared(self, given: Tensor, target: object, place: str) -> None:
        """Notes what a squared error got."""
        if given.requires_grad and given.numel() > 1 and isinstance(target, Tensor):
            value, wanted = given.detach(), target.detach()
            inside = bool((value >= 0).all()) and bool((value <= 1).all())
            self.squared.setdefault(place, []).append(inside and bool(((wanted == 0) | (wanted == 1)).all()))

    def run(self, seed: int, seconds: float) -> Run:
        """Returns what was seen, as a run under the code's own optimiser."""
        optimizer = next(iter(self.optimizers.values()), None)
        name = type(optimizer).__name__.lower() if optimizer is not None else "none"
        rate = float(optimizer.param_groups[0]["lr"]) if optimizer is not None else 0.0
        losses = self._main()
        silent = tuple(owned.name for owned in self._owned.values() if owned.stepped and not owned.heard)
        snapshots = tuple(snapshot for snapshot in self.snapshots if snapshot.step < len(losses))
        measures = measures_of(snapshots, losses, list(self.seen.values()), (), None, None)
        measures |= self._measures(losses, silent)
        return Run(name, rate, seed, tuple(losses), snapshots, measures, silent, self.nonfinite, self.raised, seconds)

    def _main(self) -> list[float]:
        return next(iter(self.losses.values()), [])

    def _measures(self, losses: Sequence[float], silent: Sequence[str]) -> dict[str, Scalar]:
        found: dict[str, Scalar] = {
            "nonfinite": bool(self.nonfinite),
            "step_raised": bool(self.raised),
            "zero_gradients": len(silent),
        }
        if self.raised:
            return found
        moved = {key for key, owned in self._owned.items() if not torch.equal(owned.value.detach(), owned.start)}
        found["unmoved_parameters"] = sum(
            owned.flowed and key not in moved and owned.value.requires_grad for key, owned in self._owned.items()
        )
        found["stale_gradients"] = self.stale
        found["probabilities_as_logits"] = any(all(seen) for seen in self.logits.values())
        found["rectified_logits"] = any(all(seen) for seen in self.rectified.values())
        found["squared_probabilities"] = any(all(seen) for seen in self.squared.values())
        found["blind_optimizers"] = sum(
            not any(self._owned[id(parameter)].heard for parameter in _parameters(optimizer))
            for optimizer in self.optimizers.values()
        )
        if self.updates:
            found["update_ratio"] = statistics.median(self.updates)
        finite = [loss for loss in losses if math.isfinite(loss)]
        if finite:
            found["negative_loss"] = min(finite) < 0
        if len(finite) >= 10:
            first, last = statistics.mean(finite[:3]), statistics.median(finite[-5:])
            found["loss_drop"] = 1 - last / first if first > 0 else 0.0
            found["diverged"] = last > 2 * max(first, 1e-6)
        return found

    def _own_modules(self) -> None:
        if self._known == len(self.modules):
            return
        self._known = len(self.modules)
        for root in self.roots():
            for name, parameter in root.named_parameters():
                self._own(f"{type(root).__name__}.{name}", parameter)

    def _own(self, name: str, parameter: Tensor) -> _Owned:
        known = self._owned.get(id(parameter))
        if known is None:
            known = self._owned[id(parameter)] = _Owned(name, parameter, parameter.detach().clone())
        return known


@contextmanager
def witnessing(steps: int, seconds: float) -> Iterator[Witness]:
    """Watches all training of this process while it lasts; raises EnoughError in the code after `steps` steps of each optimiser."""
    witness = Witness(steps, time.monotonic() + seconds)
    kind: Any = nn.Module
    plain_init, plain_call, plain_backward = kind.__init__, kind.__call__, Tensor.backward
    functional: Any = nn.functional
    plain_losses = {name: getattr(functional, name) for name in _LOSSES}

    def init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        plain_init(self, *args, **kwargs)
        witness.modules.append(self)

    def call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        witness.entering()
        return plain_call(self, *args, **kwargs)

    def backward(self: Tensor, *args: Any, **kwargs: Any) -> None:
        place = line_text()
        witness.before_backward()
        try:
            plain_backward(self, *args, **kwargs)  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            if "memory" not in str(error):
                witness.raised = f"backward{place}: {' '.join(str(error).split())[:300]}"
            raise
        witness.after_backward(self, place)

    def noting(name: str) -> Callable[..., Any]:
        def loss(given: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(given, Tensor) and name == "mse_loss":
                witness.compared(given, args[0] if args else kwargs.get("target"), line_text())
            elif isinstance(given, Tensor) and name != "binary_cross_entropy":
                witness.took(given, _classes(name, given), line_text())
            try:
                return plain_losses[name](given, *args, **kwargs)
            except RuntimeError as error:
                if "all elements of input should be between 0 and 1" in str(error):
                    witness.raised = f"{name}{line_text()}: {error}"
                raise

        return loss

    handles = [
        register_optimizer_step_pre_hook(lambda optimizer, args, kwargs: witness.before_step(optimizer)),
        register_optimizer_step_post_hook(lambda optimizer, args, kwargs: witness.after_step(optimizer)),
    ]
    kind.__init__, kind.__call__ = init, call
    Tensor.backward = backward  # type: ignore[method-assign]
    for name in _LOSSES:
        setattr(functional, name, noting(name))
    try:
        yield witness
    finally:
        witness.close()
        for handle in handles:
            handle.remove()
        kind.__init__, kind.__call__ = plain_init, plain_call
        Tensor.backward = plain_backward  # type: ignore[method-assign]
        for name, function in plain_losses.items():
            setattr(functional, name, function)


_LOSSES = [name for name in having("takes_logits", "takes_probabilities", "sums_squares") if kind(name) == "loss"]
"""Losses whose argument is looked at; `binary_cross_entropy` takes probabilities, and raises for others."""


def _classes(name: str, given: Tensor) -> int:
    """Returns the dimension of the classes."""
    return min(given.dim() - 1, 1) if name == "cross_entropy" else -1


class _Roots:
    """Several models as one, for those who only ask for the modules."""

    def __init__(self, roots: Sequence[nn.Module]) -> None:
        self.roots = roots

    def named_modules(self) -> Iterator[tuple[str, nn.Module]]:
        if len(self.roots) == 1:
            yield from self.roots[0].named_modules()
        else:
            for number, root in enumerate(self.roots):
                yield from root.named_modules(prefix=str(number))


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
