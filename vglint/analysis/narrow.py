"""The node that all of a gradient goes through on its way from what theory does not know: a factor there is the same for all layers before it."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.analysis.ratio import first_of, last_of, weight_layers
from vglint.analysis.state import Back, Grad
from vglint.graph import Graph
from vglint.ops import OPS, kind


def narrow(graph: Graph, backs: Sequence[Back | None], grads: Sequence[Grad | None], ends: Sequence[int]) -> int | None:
    """Returns the last node that every path from a weight passes that the ends come from by way of the last weight layer which feeds another,
    where the gradient there is not known, and all is known before it; None where there is none.

    A graph with gaps has none: what is not followed may pass no gradient.
    """
    layers = weight_layers(graph)
    first, last = first_of(graph, layers), last_of(graph, layers)
    if graph.gaps or not ends or first is None or last is None or first >= last:
        return None
    if grads[first] is not None and grads[last] is not None:
        return None
    used, learned = _used(graph, ends), _learned(graph)
    far = list(range(len(graph.nodes)))
    for node in graph.nodes:
        if used[node.index]:
            for source in node.inputs:
                far[source] = node.index
    found, reach = None, 0
    for node in graph.nodes:
        index = node.index
        if not (used[index] and learned[index]):
            continue
        if backs[index] is None:
            break
        if index >= last and reach <= index:
            found = index
        reach = max(reach, far[index])
    return found


def _used(graph: Graph, ends: Sequence[int]) -> list[bool]:
    """Returns of which nodes the ends are made."""
    used = [False] * len(graph.nodes)
    for end in ends:
        used[end] = True
    for node in reversed(graph.nodes):
        if used[node.index] and not (node.op in OPS and kind(node.op) == "cut"):
            for source in node.inputs:
                used[source] = True
    return used


def _learned(graph: Graph) -> list[bool]:
    """Returns which nodes are made of weights that are trained."""
    learned = [False] * len(graph.nodes)
    for node in graph.nodes:
        learned[node.index] = any(graph.parameters[param].trainable for _, param in node.params) or any(
            learned[source] for source in node.inputs
        )
    return learned
