"""Looks at the calls of torch that training code makes: what its loss is a sum of, and on which device it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vglint.probe.places import line_text

_SUMS = frozenset("add add_ __add__ __radd__ __iadd__ sub sub_ __sub__ __rsub__ __isub__".split())
_MOST = 4096
"""Sums of one pass that are kept."""


class TrainingCalls(TorchFunctionMode):
    """Notes sums of numbers; where `on_cpu`, what asks for an accelerator gets this processor, and a parameter that is moved is copied as it would be there."""

    def __init__(self, *, on_cpu: bool) -> None:
        self.on_cpu = on_cpu
        self.sums: dict[int, tuple[Tensor, tuple[Tensor, ...], bool]] = {}
        """By the result's identity: the result, what it was made of, and whether those are its terms."""
        self.before_softmax: Callable[[Tensor, str], None] = lambda given, place: None
        """Is told what a softmax gets, and where."""
        self.before_log_softmax: Callable[[Tensor, int, str], None] = lambda given, dim, place: None
        """Is told what a log_softmax gets, along which dimension, and where."""
        self.outer = False
        """Whether a difference of prediction and target was larger than both."""
        self.flat: list[tuple[float, ...]] = []
        """For each pass, the values of the loss's terms that have no gradient."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if self.on_cpu:
            if name == "cuda" and args and isinstance(args[0], Tensor):
                return _moved(args[0], args[0])
            args, kwargs = tuple(_here(value) for value in args), {key: _here(value) for key, value in kwargs.items()}
        result = func(*args, **kwargs)
        if isinstance(result, Tensor):
            if (
                name == "to"
                and self.on_cpu
                and args
                and ((args[1:] and not isinstance(args[1], torch.dtype)) or "device" in kwargs)
            ):
                return _moved(args[0], result)
            self._note(name, args, kwargs, result)
        return result

    def _note(self, name: str, args: Any, kwargs: Any, result: Tensor) -> None:
        if name.endswith("softmax") and args and isinstance(args[0], Tensor) and args[0].requires_grad:
            self.before_softmax(args[0], line_text())
            if name == "log_softmax" and isinstance(dim := args[1] if len(args) > 1 else kwargs.get("dim"), int):
                self.before_log_softmax(args[0], dim, line_text())
        if name in ("sub", "__sub__", "__rsub__") and len(args) > 1 and result.dim() > 1:
            first, second = args[0], args[1]
            if isinstance(first, Tensor) and isinstance(second, Tensor) and first.requires_grad != second.requires_grad:
                larger = result.numel() > max(first.numel(), second.numel())
                self.outer = self.outer or (larger and first.dim() != second.dim())
        if (result.numel() == 1 or name == "stack") and result.requires_grad and len(self.sums) < _MOST:
            parts = tuple(_tensors(args))
            if parts:
                self.sums[id(result)] = (result, parts, name in _SUMS or name == "stack")

    def settle(self, loss: Tensor) -> None:
        """Notes the loss's terms without a gradient, and forgets the pass."""
        self.flat.append(tuple(self._flat(loss, 0)))
        self.sums.clear()

    def flat_terms(self) -> int:
        """Returns how many terms of the loss have no gradient and are no constants: they change from pass to pass."""
        counts = {len(values) for values in self.flat}
        if len(self.flat) < 3 or len(counts) != 1:
            return 0
        return sum(len(set(values)) > 2 for values in zip(*self.flat, strict=True))

    def _flat(self, term: Tensor, depth: int) -> Iterator[float]:
        known = self.sums.get(id(term))
        if not term.requires_grad:
            yield float(term.sum())
        elif known is not None and depth < 64:
            _, parts, terms = known
            for part in parts:
                single = part.numel() == 1 or id(part) in self.sums
                if single and part.is_floating_point() and (part.requires_grad or terms):
                    yield from self._flat(part, depth + 1)


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _here(value: Any) -> Any:
    """Returns the processor for an accelerator."""
    if isinstance(value, torch.device) and value.type != "cpu" and value.type != "meta":
        return torch.device("cpu")
    if isinstance(value, str) and value.partition(":")[0] in ("cuda", "mps", "xpu"):
        return "cpu"
    return value


def _moved(before: Any, after: Tensor) -> Tensor:
    """Returns a copy of a parameter that was moved with its history, as on another device; there it is no parameter any more."""
    if after is before and isinstance(before, nn.Parameter) and before.requires_grad and torch.is_grad_enabled():
        return before.clone()
    return after
