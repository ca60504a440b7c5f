"""Recurrent cells: their stationary signal, and how much of the gradient one step back keeps.

With weights tied over time two paths that use W equally often interfere, so that the second moment after T steps is not (f² + s²)^T but
    M_T = (1/2π) ∫ (E[f²] + s² + 2 E[f]·s̄·cos θ)^T dθ,
f what the state keeps by itself (forget gate, update gate), s what goes through the recurrent weights (Chen et al. 2018 have the gates'
mean field). Biases persist over time: M_T is averaged over their distribution, not multiplied.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from operator import mul
from typing import TypeAlias

from msgspec import Struct

from vglint.analysis.cells import Retention, cell_of
from vglint.graph import Graph, Node
from vglint.ops import kind
from vglint.signal import Trace


class Recurrence(Struct, frozen=True):
    """One recurrence of a graph.

    `node` is where it runs (its first turn), `cell` its op, `steps` the number of time steps where known; `per_step` is the loss of
    log10 RMS gradient in one step back in time once it is steady, `below_1e3` and `below_1e7` the steps after which the gradient has fallen
    below 1e-3 and 1e-7 (None: not within 10,000), `grows` the steps after which it exceeds 1e3.
    """

    node: int
    path: str
    cell: str
    steps: int | None
    per_step: float
    below_1e3: int | None
    below_1e7: int | None
    grows: int | None


def recurrences(graph: Graph, trace: Trace) -> Iterator[Recurrence]:
    """Yields every recurrent module and every cell that runs in a loop; one that is not understood is left out."""
    seen: dict[tuple[str, str, tuple[tuple[str, int], ...]], int] = {}
    counts: dict[tuple[str, str, tuple[tuple[str, int], ...]], int] = {}
    for node in graph.nodes:
        if kind(node.op) == "recurrent":
            key = (node.path, node.op, node.params)
            seen.setdefault(key, node.index)
            counts[key] = counts.get(key, 0) + 1
    for key, index in seen.items():
        node = graph.nodes[index]
        source = trace.signals[node.inputs[0]] if node.inputs else None
        levels = list(stacked(graph, node, source.q if source is not None else 1.0))
        if not levels or not all(levels):
            continue
        steps: int | None
        if node.op.endswith("_cell"):
            region = graph.regions[node.region]
            steps = counts[key] if region.kind != "loop" else region.count if isinstance(region.count, int) else None
        else:
            steps = length_of(graph, node)
        yield Recurrence(
            index,
            node.path,
            node.op,
            steps,
            rate(levels),
            crossing(levels, 1e-3),
            crossing(levels, 1e-7),
            crossing(levels, 1e3),
        )


Kept: TypeAlias = "tuple[Retention, ...]"


def stacked(graph: Graph, node: Node, q: float) -> Iterator[Kept]:
    """Yields what each layer of a recurrent module keeps, the lowest first; () for one that is not understood."""
    layers = node.get("num_layers")
    for level in range(layers if isinstance(layers, int) and not node.op.endswith("_cell") else 1):
        cell = cell_of(graph, node, level, q)
        yield cell.kept if cell is not None else ()
        if cell is None:
            return
        q = cell.square


def moments(levels: Sequence[Kept], steps: int) -> tuple[float, ...]:
    """Returns the second moment of the gradient 0, 1, … `steps` steps back, relative to the last step's.

    A gradient comes down from a layer (2) to the one below (1) at any step between. What the states keep by themselves, f, meets no weight,
    so that ways which come down at different steps add up in phase:
        M(T) = Σ M₂(t)·M₁(T − t) + 2 Σ_{t<t'} M₂(t)·(E[f₂] E[f₁])^(t'−t)·M₁(T − t')
    """
    return _moments(tuple(levels), steps)


@lru_cache(maxsize=64)
def _moments(levels: tuple[Kept, ...], steps: int) -> tuple[float, ...]:
    total = [moment(levels[0], lag) for lag in range(steps + 1)]
    for below, kept in pairwise(levels):
        phase = math.prod(sum(one.mean for one in level) / len(level) for level in (below, kept))
        met: list[float] = []
        earlier = 0.0
        for lag in range(steps + 1):
            own = moment(kept, lag)
            met.append(own + 2 * earlier)
            earlier = phase * (earlier + own)
        total = [sum(map(mul, met[: lag + 1], total[lag::-1])) for lag in range(steps + 1)]
    return tuple(total)


def moment(kept: tuple[Retention, ...], steps: int) -> float:
    """Returns M_T, the second moment of the gradient `steps` back in time relative to the last step's."""
    total = 0.0
    for factor in _factors(kept):
        total += factor**steps
    return total / (len(kept) * len(_COSINES))


@lru_cache(maxsize=256)
def _factors(kept: Kept) -> tuple[float, ...]:
    """Returns what one step multiplies the second moment by, for each value of the biases and each θ."""
    return tuple(
        max(one.square + one.through + 2 * one.mean * one.straight * cosine, 0.0) for one in kept for cosine in _COSINES
    )


_COSINES = tuple(math.cos(2 * math.pi * (i + 0.5) / 48) for i in range(48))
_LONGEST = 10_000


_STACKED = 256
"""Steps over which layers of a stack are followed together; further on the slowest one decides."""


def crossing(levels: Sequence[Kept], level: float) -> int | None:
    """Returns the first number of steps at which the RMS gradient passes `level`, None where it does not within 10,000."""
    if len(levels) == 1:
        return crossing_of(levels[0], level)
    target = level * level
    reach = 32
    while reach <= _STACKED:
        for steps, size in enumerate(moments(levels, reach)):
            if size < target if level < 1 else size > target:
                return steps
        reach *= 2
    slowest = [last for kept in levels if (last := crossing_of(kept, level)) is not None]
    return max(slowest) if len(slowest) == len(levels) else None


def crossing_of(kept: Kept, level: float) -> int | None:
    """Returns the same for one layer."""
    target = level * level

    def beyond(steps: int) -> bool:
        try:
            found = moment(kept, steps)
        except OverflowError:
            return level > 1
        return found < target if level < 1 else found > target

    high = 1
    while not beyond(high):
        high *= 2
        if high > _LONGEST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return high


def rate(levels: Sequence[Kept]) -> float:
    """Returns decades of RMS gradient per step, between 10 and 20 steps back."""
    found = moments(levels, 20)
    near, far = found[10], found[20]
    if near <= 0 or far <= 0:
        return -math.inf
    return (math.log10(far) - math.log10(near)) / 20


def length_of(graph: Graph, node: Node) -> int | None:
    """Returns the number of time steps that a recurrent module is given, None where it is not a plain number."""
    shape = graph.nodes[node.inputs[0]].shape if node.inputs else None
    if shape is None or len(shape) != 3:
        return None
    steps = shape[1] if node.get("batch_first") is True else shape[0]
    return steps if isinstance(steps, int) else None
