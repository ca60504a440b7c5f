"""Edges of a map: which taps of a convolution read a real position, and what a zero padding takes away.

At the edge an output sums over fewer taps. Along a stack the second moment settles into the shape that loses least, so how it varies over
positions is carried per axis, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from vglint.analysis.state import Profile


class Edge(Struct, frozen=True, eq=False):
    """One axis of a convolution: triples (output, input, tap) of positions that a tap joins, `kernel` taps in all."""

    pairs: tuple[tuple[int, int, int], ...]
    kernel: int
    old: int
    new: int

    def onward(self, profile: Sequence[float] | None) -> list[float]:
        """Returns what outputs receive, relative to inputs of mean 1 and all taps real."""
        found = [0.0] * self.new
        unit = 1.0 / self.kernel
        if profile is None:
            for out, _, _ in self.pairs:
                found[out] += unit
        else:
            for out, source, _ in self.pairs:
                found[out] += profile[source] * unit
        return found

    def taps(self) -> list[frozenset[int]]:
        """Returns the taps that each output has."""
        found: list[set[int]] = [set() for _ in range(self.new)]
        for out, _, tap in self.pairs:
            found[out].add(tap)
        return [frozenset(taps) for taps in found]

    def reversed(self) -> Edge:
        return _mirrored(self)


_WIDEST = 64
"""Maps wider than this are taken to have no edge."""


@lru_cache(maxsize=1024)
def edge(
    old: int | None, new: int | None, kernel: int | None, stride: int | None, padding: int | None, dilation: int | None
) -> Edge | None:
    """Returns which (output, input) pairs the taps of one axis join: output o reads o·stride + tap·dilation − padding."""
    if not old or not new or kernel is None or stride is None or dilation is None:
        return None
    if padding is None:
        padding = dilation * (kernel - 1) // 2
    if kernel == 1 and stride == 1:
        padding = 0
    if max(old, new) > _WIDEST:
        return None
    pairs = []
    for out in range(new):
        for tap in range(kernel):
            source = out * stride + tap * dilation - padding
            if 0 <= source < old:
                pairs.append((out, source, tap))
    return Edge(tuple(pairs), kernel, old, new) if pairs else None


def through_edges(edges: tuple[Edge, ...], profile: Profile | None) -> tuple[float, Profile | None]:
    """Returns the mean factor by which missing taps shrink a second moment, and its new profile."""
    if not edges:
        return 1.0, None
    if profile is not None and [len(axis) for axis in profile] != [one.old for one in edges]:
        profile = None
    if profile is None:
        return _from_flat(edges)
    total, after = 1.0, []
    for i, one in enumerate(edges):
        found = one.onward(profile[i])
        mean = sum(found) / len(found)
        total *= mean
        after.append(tuple(value / mean for value in found) if mean > 0 else tuple(found))
    return total, tuple(after)


@lru_cache(maxsize=1024)
def _mirrored(one: Edge) -> Edge:
    return Edge(tuple((source, out, tap) for out, source, tap in one.pairs), one.kernel, one.new, one.old)


@lru_cache(maxsize=1024)
def shared_taps(edges: tuple[Edge, ...]) -> float:
    """Returns the mean over pairs of outputs of the share of taps that read a real position for both.

    What all positions have in common comes back less common: an edge sums over fewer taps than the middle does.
    """
    total = 1.0
    for one in edges:
        counts: dict[frozenset[int], int] = {}
        for taps in one.taps():
            counts[taps] = counts.get(taps, 0) + 1
        pairs = sum(len(left & right) * m * n for left, m in counts.items() for right, n in counts.items())
        total *= pairs / (one.kernel * one.new**2)
    return total


@lru_cache(maxsize=1024)
def _from_flat(edges: tuple[Edge, ...]) -> tuple[float, Profile]:
    total, after = 1.0, []
    for one in edges:
        found = one.onward(None)
        mean = sum(found) / len(found)
        total *= mean
        after.append(tuple(value / mean for value in found))
    return total, tuple(after)
