"""Watches training code that runs as its author wrote it: its losses, its backward passes, its steps.

The hooks are torch's own global ones, and wrappers around `backward` and the losses that take logits; all are gone when the run ends.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from msgspec import Struct, field
from torch import Tensor, nn

from vglint.probe.calls import TrainingCalls
from vglint.probe.loop import Loop
from vglint.probe.measures import measures_of
from vglint.probe.numbers import are_probabilities, is_outer, is_rectified, within_one
from vglint.probe.record import Run, Snapshot
from vglint.probe.training import kept_leaves
from vglint.probe.watch import Sight, watching
from vglint.rule import Scalar

_LEAST, _LONG = 26, 10.0
"""Steps that a run has at least, and seconds from which on it takes no more than those."""
_PASSES = 4
"""Backward passes from which on an optimiser that has not stepped is idle."""
_RISEN, _FALLEN = 3.0, 0.05
_WATCHED = frozenset({0, 10, 25, 50, 55})
"""Turns of the loop in which every layer is watched."""


class EnoughError(BaseException):
    """Ends training code that has shown what it does; no `except Exception` of the code stops it."""


class _Owned(Struct, eq=False):
    """A parameter of an optimiser or of a module that ran."""

    name: str
    value: Tensor
    start: Tensor
    stepped: bool = False
    heard: bool = False
    flowed: bool = False


class Witness(Struct):
    """What was seen. `losses` are by the place that calls backward; `modules` are those that were built, in order."""

    steps: int
    deadline: float
    """In seconds of this process's own time, as `start`: what other processes do changes no measure."""
    start: float = field(default_factory=time.process_time)
    modules: list[nn.Module] = field(default_factory=list)
    losses: dict[str, list[float]] = field(default_factory=dict)
    made: list[torch.optim.Optimizer] = field(default_factory=list)
    optimizers: dict[int, torch.optim.Optimizer] = field(default_factory=dict)
    """Those that have stepped."""
    taken: int = 0
    passes: int = 0
    stale: bool = False
    raised: str = ""
    nonfinite: str = ""
    loop: Loop = field(default_factory=Loop)
    calls: TrainingCalls = field(default_factory=lambda: TrainingCalls(on_cpu=True))
    first_calls: dict[int, tuple[nn.Module, Any, Any]] = field(default_factory=dict)
    """By identity, each outermost module that ran for a gradient, with what its first call was given."""
    wanted: str | None = None
    """The class at whose first call for a gradient the code has shown enough."""
    seeded: bool = False
    """Whether the code sets the seed of random numbers itself."""
    depth: int = 0
    unowned: int = 0
    snapshots: list[Snapshot] = field(default_factory=list)
    seen: dict[int, Sight] = field(default_factory=dict)
    logits: dict[str, list[bool]] = field(default_factory=dict)
    """By the place that calls a loss of logits: whether what it got were probabilities."""
    rectified: dict[str, list[bool]] = field(default_factory=dict)
    """The same: whether none of it was negative, and a tenth or more exactly zero."""
    facts: dict[str, list[bool]] = field(default_factory=dict)
    """Other things that a loss got, by the measure that they stand for."""
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

    def entering(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """Watches all layers from here to the next backward pass, in a step whose turn it is; keeps what an outermost module is given first."""
        if not torch.is_grad_enabled():
            return
        self.loop.called(module)
        if self.depth == 0 and id(module) not in self.first_calls:
            self.first_calls[id(module)] = (module, _copied(args), _copied(kwargs))
            if time.process_time() > self.deadline:
                raise EnoughError
        if self.wanted is not None and type(module).__name__ == self.wanted:
            self.first_calls = {id(module): (module, args, kwargs)}
            raise EnoughError
        turn = len(self._main())
        if turn in _WATCHED and self._open is None and turn not in self.seen and self.wanted is None:
            self._open = watching(_Roots(self.roots()))
            self._sight = self._open.__enter__()

    def close(self) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)
            self._open = self._sight = None

    def before_backward(self, loss: Tensor) -> None:
        """Notes gradients that a step has used already and that nobody has cleared since."""
        self.loop.before_backward(loss)
        self.calls.settle(loss)
        if self.passes in (0, 5):
            self.unowned = max(self.unowned, self._unowned(loss))
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
        self.loop.after_backward(owned.value for owned in self._owned.values())
        if self.passes >= 8 * self.steps or time.process_time() > self.deadline:
            raise EnoughError

    def built(self, optimizer: torch.optim.Optimizer) -> None:
        """Notes an optimiser that the code makes."""
        self.made.append(optimizer)
        self.loop.made.append(frozenset(map(id, _parameters(optimizer))))

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
        self.loop.stepped()
        now, turns = time.process_time(), self.taken / len(self.optimizers)
        if turns >= self.steps or now > self.deadline or (turns >= _LEAST and now - self.start > _LONG):
            raise EnoughError

    def took(self, given: Tensor, dim: int, place: str) -> None:
        """Notes what a loss of logits got: `dim` is that of the classes, -1 where each number stands for itself."""
        if not given.requires_grad or given.numel() < 2:
            return
        value = given.detach()
        inside = are_probabilities(value, dim) if dim >= 0 else within_one(value)
        self.logits.setdefault(place, []).append(inside)
        self.rectified.setdefault(place, []).append(is_rectified(value))
        if dim >= 0:
            sums = value.logsumexp(dim).abs() < 1e-4
            self.facts.setdefault("log_probabilities_as_logits", []).append(bool(sums.all()))
            self.facts.setdefault("softmax_as_logits", []).append(inside)

    def normalised(self, given: Tensor, dim: int, place: str) -> None:
        """Notes what a log_softmax got: a cross-entropy that is written by hand begins with one."""
        if given.numel() > 1:
            self.logits.setdefault(place, []).append(are_probabilities(given.detach(), dim))

    def weighed(self, given: Tensor, place: str) -> None:
        """Notes what a softmax got."""
        if given.numel() > 1:
            self.rectified.setdefault(place, []).append(is_rectified(given.detach()))

    def took_logs(self, given: Tensor) -> None:
        """Notes what a loss of log-probabilities got."""
        if given.requires_grad and given.numel() > 1:
            value = given.detach()
            self.facts.setdefault("probabilities_as_logs", []).append(within_one(value))

    def compared(self, given: Tensor, target: object, place: str, *, squared: bool) -> None:
        """Notes what a loss of differences got."""
        if given.requires_grad and given.numel() > 1 and isinstance(target, Tensor):
            value, wanted = given.detach(), target.detach()
            self.rectified.setdefault(place, []).append(is_rectified(value))
            self.facts.setdefault("broadcast_loss", []).append(value.shape != wanted.shape)
            self.facts.setdefault("outer_loss", []).append(is_outer(value, wanted))
            inside = within_one(value)
            if squared:
                self.squared.setdefault(place, []).append(inside and bool(((wanted == 0) | (wanted == 1)).all()))

    def run(self, seed: int, seconds: float) -> Run:
        """Returns what was seen, as a run under the code's own optimiser."""
        optimizer = next(iter((*self.optimizers.values(), *self.made)), None)
        name = type(optimizer).__name__.lower() if optimizer is not None else "none"
        rate = float(optimizer.param_groups[0]["lr"]) if optimizer is not None else 0.0
        losses = self._main()
        silent = tuple(
            one.name for one in self._owned.values() if one.stepped and not one.heard and one.value.requires_grad
        )
        snapshots = tuple(snapshot for snapshot in self.snapshots if snapshot.step < len(losses))
        measures = measures_of(snapshots, losses, list(self.seen.values()), (), None, None)
        measures |= self._measures(losses, silent) | self.loop.measures()
        return Run(name, rate, seed, tuple(losses), snapshots, measures, silent, self.nonfinite, self.raised, seconds)

    def _main(self) -> list[float]:
        return next(iter(self.losses.values()), [])

    def _measures(self, losses: Sequence[float], silent: Sequence[str]) -> dict[str, Scalar]:
        found: dict[str, Scalar] = {
            "nonfinite": bool(self.nonfinite),
            "step_raised": bool(self.raised),
            "zero_gradients": len(silent),
            "unowned_parameters": self.unowned,
        }
        if self.raised:
            return found
        moved = {key for key, owned in self._owned.items() if not torch.equal(owned.value.detach(), owned.start)}
        found["unmoved_parameters"] = sum(
            owned.flowed and key not in moved and owned.value.requires_grad for key, owned in self._owned.items()
        )
        found["stale_gradients"] = self.stale
        found["probabilities_as_logits"] = any(all(seen) for seen in self.logits.values())
        found["rectified_outputs"] = any(all(seen) for seen in self.rectified.values())
        found["squared_probabilities"] = any(all(seen) for seen in self.squared.values())
        found["frozen_optimizers"] = sum(
            not any(parameter.requires_grad for parameter in _parameters(optimizer)) for optimizer in self.made
        )
        found["unstepped_optimizers"] = self._unstepped()
        found["blind_optimizers"] = sum(
            not any(self._owned[id(parameter)].heard for parameter in _parameters(optimizer))
            for optimizer in self.optimizers.values()
        )
        if (
            self.passes and not self.optimizers
        ):  # the code ends before its first step, as clipping does where nothing has a gradient
            held = [parameter for optimizer in self.made for parameter in _parameters(optimizer)]
            reached = any(parameter.grad is not None and bool(parameter.grad.any()) for parameter in held)
            found["blind_optimizers"] = 0 if reached else len(self.made)
        found |= {name: all(seen) for name, seen in self.facts.items()}
        found["broadcast_loss"] = any(self.facts.get("broadcast_loss", ())) or self.calls.outer
        found["outer_loss"] = any(self.facts.get("outer_loss", ())) or self.calls.outer
        found["flat_terms"] = self.calls.flat_terms()
        if self.updates:
            found["update_ratio"] = statistics.median(self.updates)
        finite = [loss for loss in losses if math.isfinite(loss)]
        if finite:
            found["negative_loss"] = min(finite) < 0
        if len(finite) >= 10:
            first, last = statistics.mean(finite[:3]), statistics.median(finite[-5:])
            drop = 1 - last / first if first > 0 else 0.0
            if drop >= _FALLEN:  # whether the code's own data can be learnt nobody knows
                found["loss_drop"] = drop
            if len(self.losses) == 1:
                found["diverged"] = last > _RISEN * max(first, 1e-6)
        return found

    def _unowned(self, loss: Tensor) -> int:
        """Returns how many parameters the loss depends on that no optimiser holds, and no module that the code calls or that is a part of
        one: those of a list of layers are run from inside a model that does not know them."""
        self._own_modules()
        held = {id(one) for optimizer in self.made for one in _parameters(optimizer)}
        called = self.first_calls.keys()
        hidden = {
            id(parameter)
            for root in self.roots()
            if self.made and not any(id(module) in called for module in root.modules())
            for parameter in root.parameters()
        }
        kept = kept_leaves(self.roots())
        seen, stack, count = set(), [loss.grad_fn], 0
        while stack:
            node = stack.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            leaf = getattr(node, "variable", None)
            stray = isinstance(leaf, nn.Parameter) or id(leaf) in kept
            count += stray and id(leaf) not in held and (id(leaf) not in self._owned or id(leaf) in hidden)
            stack += [parent for parent, _ in node.next_functions]
        return count

    def _unstepped(self) -> int:
        """Returns how many optimisers never step though gradients reach their parameters, which no other optimiser steps."""
        if self.loop.passes < _PASSES:
            return 0
        stepped = {id(one) for optimizer in self.optimizers.values() for one in _parameters(optimizer)}
        idle = [optimizer for optimizer in self.made if id(optimizer) not in self.optimizers]
        return sum(
            any((owned := self._owned.get(id(one))) is not None and owned.flowed for one in _parameters(optimizer))
            and not any(id(one) in stepped for one in _parameters(optimizer))
            for optimizer in idle
        )

    def _own_modules(self) -> None:
        if self._known == len(self.modules):
            return
        self._known = len(self.modules)
        for prefix, root in labelled(self.roots()):
            for name, parameter in root.named_parameters(prefix):
                self._own(name, parameter)

    def _own(self, name: str, parameter: Tensor) -> _Owned:
        known = self._owned.get(id(parameter))
        if known is None:
            known = self._owned[id(parameter)] = _Owned(name, parameter, parameter.detach().clone())
        return known


class _Roots:
    """Several models as one, for those who only ask for the modules."""

    def __init__(self, roots: Sequence[nn.Module]) -> None:
        self.roots = roots

    def named_modules(self) -> Iterator[tuple[str, nn.Module]]:
        for prefix, root in labelled(self.roots):
            yield from root.named_modules(prefix=prefix)


def labelled(roots: Sequence[nn.Module]) -> Iterator[tuple[str, nn.Module]]:
    """Yields the models with the names that their paths begin with: none where there is one, else their classes'."""
    seen: dict[str, int] = {}
    for root in roots:
        name = type(root).__name__
        seen[name] = seen.get(name, 0) + 1
        label = name if seen[name] == 1 else f"{name}_{seen[name]}"
        yield ("" if len(roots) == 1 else label), root


def _copied(value: Any) -> Any:
    """Returns what a call was given, with its tensors as they are now."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if type(value) in (tuple, list):
        return type(value)(_copied(part) for part in value)
    if type(value) is dict:
        return {name: _copied(part) for name, part in value.items()}
    return value


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
