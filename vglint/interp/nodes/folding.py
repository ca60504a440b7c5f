"""Arithmetic on small vectors of known numbers, as schedules of rates and widths are computed with torch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from vglint.interp.values.objects import ListV, TensorV, Value
from vglint.ops.numbers import OF_ONE, OF_ROW, OF_TWO

LIMIT = 1e12
"""Numbers beyond this are not followed."""


def folded(op: str, operands: Sequence[Value]) -> tuple[Any, ...] | None:
    """Returns the entries of a result; None where an operand is no known vector or number, or the op is none of these."""
    if not any(isinstance(each, TensorV) and each.values is not None for each in operands):
        return None
    known = [_entries(each) for each in operands]
    if any(each is None or not all(abs(number) < LIMIT for number in each) for each in known):
        return None
    vectors = [each for each in known if each is not None]
    try:
        if op in OF_ONE and len(vectors) == 1:
            return tuple(OF_ONE[op](number) for number in vectors[0])
        if op in OF_ROW and len(vectors) == 1:
            return tuple(OF_ROW[op](vectors[0]))
        if op in OF_TWO and len(vectors) == 2:
            size = max(map(len, vectors))
            if all(len(each) in (1, size) for each in vectors):
                left, right = (each * (size // len(each)) for each in vectors)
                return tuple(OF_TWO[op](a, b) for a, b in zip(left, right, strict=True))
    except (ArithmeticError, ValueError, TypeError):
        pass
    return None


def pieces(op: str, values: tuple[Any, ...], size: Value) -> list[tuple[Any, ...]] | None:
    """Returns the entries of the parts that `split` and `chunk` cut a vector into; None where their sizes are not known."""
    if isinstance(size, ListV) and size.count is None:
        size = tuple(size.items)
    if isinstance(size, int) and size > 0 and values:
        each = size if op == "split" else -(-len(values) // size)
        return [values[begin : begin + each] for begin in range(0, len(values), each)]
    sizes = [part for part in size if isinstance(part, int) and part >= 0] if isinstance(size, tuple) else None
    if op == "split" and isinstance(size, tuple) and sizes is not None and len(sizes) == len(size):
        ends = list(itertools.accumulate(sizes, initial=0))
        return [values[begin:end] for begin, end in itertools.pairwise(ends)] if ends[-1] == len(values) else None
    return None


def _entries(value: Value) -> tuple[Any, ...] | None:
    if isinstance(value, TensorV):
        return value.values
    return (value,) if isinstance(value, (int, float)) else None
