"""Nodes that no gradient passes because of how they are run, and data that a model prepares before its first weights."""

from __future__ import annotations

from vglint.analysis.ratio import WEIGHTED
from vglint.graph import Graph
from vglint.ops import kind

OUTSIDE = frozenset(
    "zero_grad step unscale scaler_update scheduler scheduler_step optimizer trainer backward clip_grad_norm clip_grad_value".split()
)
"""Ops that act on the world outside the graph: no gradient passes."""


def left_without_history(graph: Graph) -> frozenset[int]:
    """Returns the nodes made under no_grad that something outside it reads, but for what only acts: no gradient passes them."""
    closed = list[bool]()
    for region in graph.regions:
        outer = region.parent is not None and closed[region.parent]
        closed.append(region.kind == "no_grad" or (outer and region.kind != "grad"))
    if not any(closed):
        return frozenset()
    readers = (each for each in graph.nodes if not closed[each.region] and each.op not in OUTSIDE)
    return frozenset(source for each in readers for source in each.inputs if closed[graph.nodes[source].region])


def prepared_nodes(graph: Graph) -> frozenset[int]:
    """Returns the nodes that are made of inputs and numbers alone, buffers among them, and that a weight layer reads."""
    plain: set[int] = set()
    fed: set[int] = set()
    for node in graph.nodes:
        numbers = not node.inputs and (
            kind(node.op) == "create"
            or (node.op == "parameter" and not any(graph.parameters[index].trainable for _, index in node.params))
        )
        made = bool(node.inputs) and not node.params and all(source in plain for source in node.inputs)
        if node.op == "input" or numbers or (made and node.op != "opaque"):
            plain.add(node.index)
        if node.op == "input" or not fed.isdisjoint(node.inputs):
            fed.add(node.index)
    first = {node.inputs[0] for node in graph.nodes if node.op in WEIGHTED and node.params and node.inputs}
    return frozenset(index for index in first & plain & fed if graph.nodes[index].op != "input")


def kept_beside(graph: Graph) -> frozenset[int]:
    """Returns the outputs that a list of its own holds and that another one is made of: hidden states beside a result, `x, states`."""
    plain = {index for name, index in graph.outputs if "." not in name}
    held = {index for name, index in graph.outputs if "." in name} - plain
    if not plain or not held:
        return frozenset()
    behind = set(plain)
    for node in reversed(graph.nodes):
        if node.index in behind:
            behind.update(node.inputs)
    return frozenset(held & behind)
