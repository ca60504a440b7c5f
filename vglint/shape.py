"""The shape of a tensor, as far as it is known."""

from __future__ import annotations

from typing import TypeAlias

from vglint.value import Expr

Dim: TypeAlias = int | Expr | None
"""One size: a number, a symbolic number, or unknown."""

Shape: TypeAlias = tuple[Dim, ...]
"""Sizes in order; a tensor whose rank is unknown has no Shape (None)."""


def shape_text(shape: Shape | None) -> str:
    """Returns the printed form: `(?, 3, H, W)`, or `?` where the rank is unknown."""
    if shape is None:
        return "?"
    return "(" + ", ".join("?" if dim is None else str(dim) for dim in shape) + ("," if len(shape) == 1 else "") + ")"


def size_of(shape: Shape | None) -> int | None:
    """Returns the number of elements, or None where a size is not a plain number."""
    if shape is None:
        return None
    size = 1
    for dim in shape:
        if not isinstance(dim, int):
            return None
        size *= dim
    return size
