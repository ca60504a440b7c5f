"""Nodes that are made of numbers alone (positions, masks, sines of them): their moments are those of the numbers themselves."""

from __future__ import annotations

import math
from collections.abc import Callable

from vglint.analysis.state import State
from vglint.graph import Graph, Node
from vglint.ops import has
from vglint.ops.grid import Grid, moments
from vglint.ops.grids import grid
from vglint.ops.init import Spread
from vglint.value import Expr, Literal_


def of_numbers(graph: Graph, length: float) -> dict[int, State]:
    """Returns the states of the nodes made of numbers that other nodes read; a size that is not known is taken to be `length`."""
    grids: dict[int, Grid] = {}
    needed: set[int] = set()
    for node in graph.nodes:
        found = _grid_of(node, graph, grids, length)
        if found is not None:
            grids[node.index] = found
        else:
            needed.update(source for source in node.inputs if source in grids)
    states = {}
    for index in sorted(needed):
        state = _state(index, grids[index])
        if state is not None:
            states[index] = state
    return states


def _grid_of(node: Node, graph: Graph, grids: dict[int, Grid], length: float) -> Grid | None:
    if node.params or node.op == "input":
        return None
    known = [grids[source] for source in node.inputs if source in grids]
    if len(known) < len(node.inputs):
        return None
    if node.op == "getitem" and _is_side_by_side(graph.nodes[node.inputs[0]].op):
        # One of several results, which lie along the first dimension.
        return grid(node.op, lambda name: (node.get(name),), known)
    return grid(node.op, _sized(node.get, length), known)


def _is_side_by_side(op: str) -> bool:
    return has(op, "splits") or op == "meshgrid"


def _sized(get: Callable[[str], Literal_], length: float) -> Callable[[str], Literal_]:
    """Returns the config with a number in place of each size that is not known."""

    def number(value: Literal_) -> Literal_:
        if isinstance(value, tuple):
            return tuple(number(item) for item in value)
        if not isinstance(value, Expr):
            return value
        total = 0.0
        for powers, factor in value.terms:
            # A side of a square is the root of its number of positions.
            sizes = ((math.sqrt(length) if name.startswith("math.sqrt") else length) ** power for name, power in powers)
            total += float(factor) * math.prod(sizes)
        return round(total)

    return lambda name: number(get(name))


def _state(index: int, found: Grid) -> State | None:
    known = moments(found)
    if known is None:
        return None
    variance = max(known.square - known.mean**2, 0.0)
    lone = len([size for size in found.shape if size != 1]) <= 1
    return State(
        known.square,
        known.mean,
        0.0,
        0.0 if lone else known.ds,
        known.r if len(found.shape) > 1 else known.mean**2,
        channels=found.shape[-1] if found.shape else None,
        places=1.0 if lone else None,
        parts=((index, 1.0),),
        spread=Spread(known.mean, variance),
    )
