"""Networks of unknown depth: what one turn of a loop does to the gradient, and after how many turns it has vanished.

The loop's body, walked once in the graph, is laid out several times in a row and propagated; what a late turn does is what every
further turn will do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec.structs import replace

from vglint.analysis.propagate import propagate
from vglint.graph import Graph, Node, Region
from vglint.signal import Depth

NODES = 1_500
"""Nodes that a graph may have once a loop's turns are laid out."""
TURNS = 16
"""Turns that are laid out; the signal is steady after these in all but slowly growing residual streams."""


def depths(graph: Graph, *, batch: int = 64) -> Iterator[Depth]:
    """Yields what is known of each loop of unknown length; one whose body is not understood is left out."""
    loops = [region for region in graph.regions if region.kind == "loop" and not isinstance(region.count, int)]
    if not loops:
        return
    within, readers = _within(graph), _readers(graph)
    for region in loops:
        nodes = within[region.index]
        if not nodes or nodes[0] + TURNS * len(nodes) > NODES:
            continue
        ends = _ends(graph, nodes, readers)
        if ends is None:
            continue
        entry, exit_ = ends
        laid = _unrolled(graph, nodes, entry, exit_)
        if laid is None or len(laid[0].nodes) > NODES:
            continue
        unrolled, exits = laid
        trace = propagate(unrolled, batch=batch)
        logs = [trace.gradients[index] for index in exits]
        known = [value for value in logs if value is not None]
        if len(known) < len(logs):
            continue
        yield _depth(region, nodes, [value - known[-1] for value in reversed(known)])


def _depth(region: Region, nodes: list[int], logs: list[float]) -> Depth:
    """`logs[k]` is log10 of the gradient k turns above the exit."""
    late = (logs[-1] - logs[len(logs) // 2]) / (len(logs) - 1 - len(logs) // 2)

    def crossing(level: float) -> int | None:
        for turn, value in enumerate(logs):
            if (level < 0 and value < level) or (level > 0 and value > level):
                return turn
        if abs(late) < 1e-3 or (late < 0) != (level < 0):
            return None
        return len(logs) - 1 + math.ceil((level - logs[-1]) / late)

    return Depth(region.index, region.text, tuple(nodes), late, crossing(-3.0), crossing(-7.0), crossing(3.0))


def _within(graph: Graph) -> list[list[int]]:
    """Returns, by region, the nodes in it and in the regions inside of it, in order."""
    found: list[list[int]] = [[] for _ in graph.regions]
    for node in graph.nodes:
        around: int | None = node.region
        while around is not None:
            found[around].append(node.index)
            around = graph.regions[around].parent
    return found


def _readers(graph: Graph) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in graph.nodes]
    for node in graph.nodes:
        for source in node.inputs:
            found[source].append(node.index)
    return found


def _ends(graph: Graph, nodes: list[int], readers: list[list[int]]) -> tuple[int, int] | None:
    """Returns the node that a loop's first turn starts from and the node that it hands on, where each is one."""
    own = set(nodes)
    given = {index for _, index in graph.outputs}
    exits = {index for index in nodes if index in given or any(reader not in own for reader in readers[index])}
    entries = {
        source
        for index in nodes
        for source in graph.nodes[index].inputs
        if source not in own and graph.nodes[source].op != "parameter"
    }
    return (entries.pop(), exits.pop()) if len(entries) == len(exits) == 1 else None


def _unrolled(graph: Graph, nodes: list[int], entry: int, exit_: int) -> tuple[Graph, list[int]] | None:
    """Returns the graph with the body laid out `TURNS` times, and the exit of each turn; None where what a turn reads is made outside of it
    of what the turn made."""
    made: list[Node] = []
    place: dict[int, int] = {}
    own = set(nodes)
    for node in graph.nodes[: nodes[-1]]:
        # What stands between the nodes of a turn and belongs to none (a weight's first use) is there before the first turn.
        if node.index in own or any(i not in place for i in node.inputs):
            continue
        place[node.index] = len(made)
        made.append(replace(node, index=len(made), inputs=tuple(place[i] for i in node.inputs), region=0))
    if any(i not in own and i not in place for index in nodes for i in graph.nodes[index].inputs):
        return None
    exits = []
    current = place[entry]
    for _ in range(TURNS):
        turn = dict(place)
        turn[entry] = current
        for index in nodes:
            node = graph.nodes[index]
            inputs = tuple(turn[i] for i in node.inputs)
            turn[index] = len(made)
            made.append(replace(node, index=len(made), inputs=inputs, region=0))
        current = turn[exit_]
        exits.append(current)
    place[exit_] = current
    for node in graph.nodes[nodes[-1] + 1 :]:
        if any(source not in place for source in node.inputs):
            continue
        place[node.index] = len(made)
        made.append(replace(node, index=len(made), inputs=tuple(place[i] for i in node.inputs), region=0))
    outputs = tuple((name, place[index]) for name, index in graph.outputs if index in place)
    whole = (replace(graph.regions[0], parent=None),)
    return replace(graph, nodes=tuple(made), outputs=outputs, regions=whole), exits
