"""Looks at single operations of a pass: saturating calls, attention weights, sums of a tensor with itself, dropouts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from vglint.ops import has
from vglint.probe.places import line_number, line_text
from vglint.probe.record import Squash

SATURATED = 5.0
"""|pre-activation| beyond which a sigmoid's or tanh's slope is below 1 %."""

_ATTENTION = frozenset(
    {
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_flash_attention",
    }
)
_DROPOUTS = tuple(name for name in dir(nn.functional) if "dropout" in name and name.strip("_") == name)


class Seen(Protocol):
    """Where what was seen is noted."""

    squashes: list[Squash]
    doubled: str
    dropped: float


@contextmanager
def dropouts(sight: Seen) -> Iterator[None]:
    """Notes the largest share of its input that a dropout in training takes away, while it lasts."""
    functional: Any = nn.functional
    plain = {name: getattr(functional, name) for name in _DROPOUTS}

    def noting(name: str) -> Any:
        def dropout(given: Any, *args: Any, **kwargs: Any) -> Any:
            value = given.detach().clone() if isinstance(given, Tensor) else None
            result = plain[name](given, *args, **kwargs)
            if value is not None and value.numel() > 1 and bool(value.any()):
                before, after = (value != 0).sum(), ((result.detach() != 0) & (value != 0)).sum()
                sight.dropped = max(sight.dropped, 1.0 - float(after) / float(before))
            return result

        return dropout

    for name in _DROPOUTS:
        setattr(functional, name, noting(name))
    try:
        yield
    finally:
        for name, function in plain.items():
            setattr(functional, name, function)


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every saturating call, whatever its spelling, and the attention weights."""

    def __init__(self, sight: Seen, stack: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sight = sight
        self.stack = stack

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        path = self.stack[-1] if self.stack else ""
        if has(name.rstrip("_"), "saturates") and self.stack:
            share = float((args[0].detach().abs() > SATURATED).double().mean())
            self.sight.squashes.append(Squash(path, line_number(), name.rstrip("_"), share, None))
        if name in ("add", "add_") and self.stack and not self.sight.doubled and _same(args[0], args[1]):
            self.sight.doubled = line_text() or " in torch"
        result = func(*args, **(kwargs or {}))
        if name == "_softmax" and self.stack and result.dim() >= 3:
            self.sight.squashes.append(Squash(path, line_number(), "softmax", None, _entropy(result)))
        if name in _ATTENTION and self.stack:
            query, key = args[0].detach(), args[1].detach()
            if query.dim() == 4 and query.shape[1] != key.shape[1]:  # queries share their keys in groups
                key = key.repeat_interleave(query.shape[1] // key.shape[1], 1)
            weights = (query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])).softmax(-1)
            self.sight.squashes.append(Squash(path, line_number(), "softmax", None, _entropy(weights)))
        return result


def _same(first: object, second: object) -> bool:
    """Says whether both are one tensor, which is no constant."""
    return isinstance(first, Tensor) and first is second and first.numel() > 1


def _entropy(weights: Tensor) -> float | None:
    """Returns the mean entropy over log(positions) of the worst head, None where there is one position; heads are dimension 1 of four."""
    if weights.shape[-1] == 1:
        return None
    value = weights.detach().double().clamp(min=1e-30)
    entropy = -(value * value.log()).sum(-1) / math.log(value.shape[-1])
    return float(entropy.transpose(0, 1).flatten(1).mean(1).min()) if entropy.dim() == 3 else float(entropy.mean())
