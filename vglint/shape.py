"""The shape of a tensor, as far as it is known."""

from __future__ import annotations

from typing import TypeAlias

from vglint.value import Expr, divided, times

Dim: TypeAlias = int | Expr | None
"""One size: a number, a symbolic number, or unknown."""

Shape: TypeAlias = tuple[Dim, ...]
"""Sizes in order; a tensor whose rank is unknown has no Shape (None)."""


def shape_text(shape: Shape | None) -> str:
    """Returns the printed form: `(?, 3, H, W)`, or `?` where the rank is unknown."""
    if shape is None:
        return "?"
    return "(" + ", ".join("?" if dim is None else str(dim) for dim in shape) + ("," if len(shape) == 1 else "") + ")"


def size_ratio(after: Shape | None, before: Shape | None) -> float | None:
    """Returns how many times as many elements `after` has, None where sizes that are not known do not cancel.

    A first dimension that is unknown on both sides is the batch, the same on both.
    """
    if after is None or before is None:
        return None
    if after and before and after[0] is None and before[0] is None:
        after, before = after[1:], before[1:]
    above: int | float | Expr = 1
    below: int | float | Expr = 1
    for dim in after:
        if dim is None:
            return None
        above = times(above, dim)
    for dim in before:
        if dim is None:
            return None
        below = times(below, dim)
    found = divided(above, below) if below != 0 else None
    return float(found) if isinstance(found, (int, float)) and found > 0 else None
