"""Tensors that are made of numbers alone: positions, frequencies, tables of sines, masks.

A grid is its sizes and a function from an index to the entry there. Nothing is computed before an entry is asked for, so that a table of
5,000 positions costs as much as the entries that are looked at.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from vglint.ops.curves import Get
from vglint.value import Literal_

At: TypeAlias = Callable[[tuple[int, ...]], float]


class Grid(NamedTuple):
    """`at(index)` is the entry at an index of one number for each of the sizes in `shape`."""

    shape: tuple[int, ...]
    at: At


class Moments(NamedTuple):
    """Mean and mean square of all entries; `ds` = half the mean squared difference of two positions, `r` = E[x_i x_j] of two channels."""

    mean: float
    square: float
    ds: float
    r: float


def moments(grid: Grid) -> Moments | None:
    """Returns the moments of a grid by looking at a few hundred of its entries; the last dimension counts channels."""
    if any(size <= 0 for size in grid.shape):
        return None
    axes = [_spread(size, _EACH.get(len(grid.shape), 4)) for size in grid.shape]
    try:
        rows = (
            [[grid.at((*place, last)) for last in axes[-1]] for place in itertools.product(*axes[:-1])]
            if axes
            else [[grid.at(())]]
        )
    except (ArithmeticError, ValueError, IndexError, OverflowError):
        return None
    count = sum(map(len, rows))
    mean = sum(map(sum, rows)) / count
    square = sum(x * x for row in rows for x in row) / count
    if not (math.isfinite(mean) and math.isfinite(square)):
        return None
    columns = list(zip(*rows, strict=True))
    apart = sum(sum(x * x for x in column) / len(column) - (sum(column) / len(column)) ** 2 for column in columns)
    together = sum(
        (sum(row) ** 2 - sum(x * x for x in row)) / (len(row) * (len(row) - 1)) for row in rows if len(row) > 1
    )
    return Moments(mean, square, max(apart / len(columns), 0.0), together / len(rows))


_EACH = {1: 512, 2: 24, 3: 10, 4: 6}
"""Entries that are looked at along each dimension, by rank."""


def _spread(size: int, most: int) -> list[int]:
    return list(range(size)) if size <= most else [(2 * i + 1) * size // (2 * most) for i in range(most)]


Maker: TypeAlias = "Callable[[Get, Sequence[Grid]], Grid | None]"


def number(value: Literal_) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def sizes_of(value: Literal_) -> tuple[int, ...] | None:
    if isinstance(value, int):
        return (value,)
    if isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], tuple):
        value = value[0]
    if isinstance(value, tuple) and all(isinstance(size, int) for size in value):
        return tuple(size for size in value if isinstance(size, int))
    return None


def common(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    pairs = list(itertools.zip_longest(reversed(left), reversed(right), fillvalue=1))
    if any(a != b and 1 not in (a, b) for a, b in pairs):
        raise ValueError("sizes that do not fit")
    return tuple(b if a == 1 else a for a, b in reversed(pairs))


def stretched(grid: Grid, shape: tuple[int, ...]) -> Grid:
    """Returns a grid with its dimensions of size 1 repeated, as broadcasting does."""
    if grid.shape == shape:
        return grid
    extra = len(shape) - len(grid.shape)
    own = grid.shape

    def at(index: tuple[int, ...]) -> float:
        return grid.at(tuple(0 if size == 1 else place for size, place in zip(own, index[extra:], strict=True)))

    return Grid(shape, at)


def reshaped(grid: Grid, wanted: tuple[int, ...]) -> Grid:
    """Returns the same entries in row-major order under other sizes, one of which may be −1."""
    whole = math.prod(grid.shape)
    if -1 in wanted:
        rest = math.prod(size for size in wanted if size != -1)
        wanted = tuple(whole // rest if size == -1 else size for size in wanted)
    if math.prod(wanted) != whole:
        raise ValueError("sizes that do not fit")
    before = grid.shape

    def at(index: tuple[int, ...]) -> float:
        flat = 0
        for size, place in zip(wanted, index, strict=True):
            flat = flat * size + place
        found = []
        for size in reversed(before):
            flat, place = divmod(flat, size)
            found.append(place)
        return grid.at(tuple(reversed(found)))

    return Grid(wanted, at)


def permuted(source: Grid, order: Sequence[int]) -> Grid:
    """Returns the grid whose dimension i is the source's dimension order[i]."""

    def at(index: tuple[int, ...]) -> float:
        found = [0] * len(order)
        for place, dim in zip(index, order, strict=True):
            found[dim] = place
        return source.at(tuple(found))

    return Grid(tuple(source.shape[dim] for dim in order), at)
