"""Recurrent cells that are written out: a loop whose turns share their weights and hand a state on.

The trace of the unrolled loop takes every weight for a new one. Where a part f of the state meets no weight, that is wrong: ways that use the
tied weights equally often add up in phase (`vglint.analysis.recurrence`). What it takes is read off one late turn: walked back from
state to state, means multiply along each way, E[f] without a weight and s̄ through one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from vglint.analysis.cells import Retention
from vglint.analysis.recurrence import Recurrence, crossing, rate
from vglint.graph import Graph, Node
from vglint.ops import has, kind
from vglint.ops.curves import curve
from vglint.ops.init import quotient_of, spread
from vglint.ops.quadrature import gaussian_moments
from vglint.signal import Trace
from vglint.value import Expr

TURNS = 4
"""Calls of one layer from which a chain of them is taken for steps of a recurrence."""


class Turns(NamedTuple):
    """`starts` are the calls of the first layer that all turns share, `states` the state that each turn hands on."""

    starts: tuple[int, ...]
    states: tuple[int, ...]


def written_out(graph: Graph, trace: Trace) -> Iterator[Recurrence]:
    """Yields the recurrence of each loop of known length that steps a cell of linear layers."""
    for turns in loops(graph):
        kept = kept_of(graph, trace, turns)
        if kept is None:
            continue
        node = graph.nodes[turns.starts[0]]
        levels = [(kept,)]
        near, far, grows = (crossing(levels, level) for level in (1e-3, 1e-7, 1e3))
        yield Recurrence(node.index, node.path, "loop", len(turns.starts), rate(levels), near, far, grows)


def loops(graph: Graph) -> Iterator[Turns]:
    calls: dict[tuple[str, tuple[tuple[str, int], ...]], list[int]] = {}
    for node in graph.nodes:
        if node.op == "linear" and node.params:
            calls.setdefault((node.path, node.params), []).append(node.index)
    seen: set[int] = set()
    for starts in calls.values():
        if len(starts) < TURNS or len(starts) in seen:
            continue
        seen.add(len(starts))
        states = states_of(graph, starts)
        if states:
            yield Turns(tuple(starts), states)


def states_of(graph: Graph, starts: Sequence[int]) -> tuple[int, ...]:
    """Returns a node of each turn but the last that the next turn reads, a sum where there is one; () where turns are no chain."""
    size = starts[1] - starts[0]
    if any(later - one != size for one, later in pairwise(starts[1:])):
        return ()
    found: list[int] = []
    for offset in range(1, size):
        places = [start + offset for start in starts[:-1]]
        nodes = [graph.nodes[place] for place in places]
        if len({node.op for node in nodes}) > 1 or _moves(nodes[0].op):
            continue
        used = any(
            places[1] in graph.nodes[i].inputs for i in range(starts[2], min(starts[2] + size, len(graph.nodes)))
        )
        if used:
            found = places
            if nodes[0].op == "add":
                break
    return tuple(found)


def _moves(op: str) -> bool:
    """Whether an op makes no state of its own: it takes another value apart or together, or is the layer itself."""
    apart = has(op, "picks") or has(op, "splits") or has(op, "reshapes")
    return apart or has(op, "joins") or op == "input" or op == "linear"


def kept_of(graph: Graph, trace: Trace, turns: Turns) -> Retention | None:
    """Returns what one step keeps of the gradient, from a late turn and from the steady part of the trace."""
    logs = [trace.gradients[index] for index in turns.states]
    middle = len(logs) // 2
    before, after = logs[max(middle - 2, 0)], logs[min(middle + 1, len(logs) - 1)]
    span = min(middle + 1, len(logs) - 1) - max(middle - 2, 0)
    if before is None or after is None or span <= 0:
        return None
    step = 100.0 ** ((before - after) / span)
    ways = Ways(graph, trace, turns.states[middle])
    direct, through = ways.back(turns.states[min(middle + 1, len(logs) - 1)], 0)
    square = ways.square
    return Retention(direct, min(square, step), max(step - square, 0.0), abs(through))


class Ways:
    """Sums the mean factors over all ways from one turn's state to the last one's."""

    def __init__(self, graph: Graph, trace: Trace, goal: int) -> None:
        self.graph, self.trace, self.goal = graph, trace, goal
        self.square = 0.0

    def back(self, index: int, weights: int, squared: float = 1.0) -> tuple[float, float]:
        """Returns the factors of ways without a weight and with one; notes the mean square of the former."""
        if index == self.goal:
            if weights == 0:
                self.square += squared
            return (1.0, 0.0) if weights == 0 else (0.0, 1.0)
        if index < self.goal or weights > 1:
            return 0.0, 0.0
        node = self.graph.nodes[index]
        direct = through = 0.0
        for position, source in enumerate(node.inputs):
            found = self.factor(node, position)
            if found is None or found[0] == 0.0:
                continue
            one, other = self.back(source, weights + (node.op == "linear"), squared * found[1])
            direct += found[0] * one
            through += found[0] * other
        return direct, through

    def factor(self, node: Node, position: int) -> tuple[float, float] | None:
        """Returns mean and mean square of what an op multiplies the gradient to one of its inputs by."""
        if node.op == "mul" and len(node.inputs) == 2:
            other = self.trace.signals[node.inputs[1 - position]]
            return None if other is None else (other.mu, other.q)
        if node.op == "linear":
            return self.weight(node) if position == 0 else None
        if has(node.op, "adds") or has(node.op, "subtracts") or kind(node.op) == "shape" or has(node.op, "joins"):
            sign = -1.0 if (node.op == "sub" and position == 1) or (node.op == "rsub" and position == 0) else 1.0
            return sign, 1.0
        shape, signal = curve(node.op, node.get), self.trace.signals[node.inputs[position]]
        if shape is None or signal is None:
            return None
        v = max(signal.q - signal.mu**2, 0.0)
        moments = gaussian_moments(shape, signal.mu, v)
        slope = math.sqrt(moments.powers[0] / v) if v > 0 else shape.slope(signal.mu)
        return slope, moments.slope2

    def weight(self, node: Node) -> tuple[float, float] | None:
        """√(units of the state · variance): an entry of W is alone on each way, and W's size is what remains."""
        parameter = next((self.graph.parameters[i] for name, i in node.params if name == "weight"), None)
        if parameter is None or parameter.shape is None:
            return None
        found = spread(parameter.init, parameter.shape)
        width = self.units()
        if found is None or width is None:
            return None
        size = quotient_of(width, found.over)
        return None if size is None else (math.sqrt(size * found.var), size * found.var)

    def units(self) -> int | Expr | None:
        """Returns the width of the state."""
        shape = self.graph.nodes[self.goal].shape
        if shape and isinstance(shape[-1], (int, Expr)):
            return shape[-1]
        return None
