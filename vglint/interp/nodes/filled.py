"""Tables of zeros into which a constructor writes numbers one by one: what their entries are like."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from vglint.graph import Init
from vglint.interp.machine.core import Run
from vglint.interp.nodes.config import literal
from vglint.interp.nodes.distribution import UNKNOWN
from vglint.interp.nodes.emit import emit, shape_of
from vglint.interp.values.objects import ArrayV, Filled, Site, TensorV, Value
from vglint.value import product


def written_entry(run: Run, holder: TensorV, key: Value, value: Value) -> Init:
    """Returns how a table's entries are distributed after one more was written; unknown where it is no table of numbers."""
    before = holder.filled
    if before is None and holder.init is not None and holder.init.scheme == "zeros":
        before = Filled()
    run.journal.set_field(holder, "filled", None)
    places = key if isinstance(key, tuple) else (key,)
    shape = shape_of(run, holder) or ()
    if before is None or not shape or len(places) != len(shape) or not all(type(place) is int for place in places):
        return UNKNOWN
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return UNKNOWN
    now = Filled(before.number + 1, before.total + value, before.square + value * value, before.sampled)
    run.journal.set_field(holder, "filled", now)
    if run.context.sampled is not None:
        run.context.sampled[id(holder)] = (holder, now)
    size = product(shape)
    if now.sampled:
        return _computed(now.number, now)
    return _computed(size, now) if isinstance(size, int) and now.number <= size else UNKNOWN


def _computed(size: int, filled: Filled) -> Init:
    mean = filled.total / size
    return Init("computed", (("mean", mean), ("std", math.sqrt(max(filled.square / size - mean * mean, 0.0)))))


Tables: TypeAlias = dict[int, tuple[TensorV, Filled]]
"""What is written into tables, entry by entry, by the identity of each table."""

SAMPLES = 12
"""Turns of a long loop that are walked to see what it writes."""


@contextmanager
def sampled(run: Run) -> Iterator[Tables]:
    """Yields what is written inside into tables."""
    found: Tables = run.context.sampled if run.context.sampled is not None else {}
    with run.context.having(sampled=found):
        yield found


def spread_out(items: Sequence[Value]) -> list[Value]:
    """Returns a few items of a long list, evenly apart."""
    return [items[(2 * i + 1) * len(items) // (2 * SAMPLES)] for i in range(SAMPLES)]


def settle(run: Run, found: Tables) -> None:
    """Gives the tables what a sample of their entries is like, once the loop that fills them is behind."""
    for holder, filled in found.values():
        if holder.init == UNKNOWN and filled.number:
            run.journal.set_field(holder, "init", _computed(filled.number, filled))
            run.journal.set_field(holder, "filled", filled._replace(sampled=True))


def as_tensor(run: Run, array: ArrayV, site: Site) -> TensorV:
    """Returns an array of numbers as a tensor."""
    sizes: list[int] = []
    inner: Value = array
    while isinstance(inner, ArrayV):
        sizes.append(len(inner.items))
        inner = inner.items[0] if inner.items else None
    emit(run, "tensor", [], {"data": literal(array)}, site, shape=tuple(sizes))
    return TensorV(len(run.graph.nodes) - 1, tuple(sizes))
