"""The first over the last weight layer's gradient, and every weight layer's profile."""

from __future__ import annotations

from vglint.graph import Graph, Node
from vglint.ops import OPS, has
from vglint.signal import Lack, Ratio, Trace

WEIGHTED = frozenset(name for name, op in OPS.items() if op.kind in ("weight", "recurrent")) | {"multi_head_attention"}
"""Ops that hold weights that multiply."""


def ratio(graph: Graph, trace: Trace) -> Ratio:
    """Returns the gradient of the first weight layer relative to the last that feeds another, and the profile over all of them."""
    layers = trained_layers(graph)
    first = first_of(graph, layers)
    last = last_of(graph, layers)
    base = trace.gradients[last] if last is not None else None
    profile = []
    for index in layers:
        own = trace.gradients[index]
        profile.append((index, own - base if own is not None and base is not None else None))
    known = dict(profile)
    value = known.get(first) if first is not None else None
    return Ratio(value, first, last, tuple(profile), (), None if value is not None else _why(trace, first, last))


def _why(trace: Trace, first: int | None, last: int | None) -> Lack | None:
    """Returns why a ratio is not known, None where there is no weight layer."""
    if first is not None and last is not None and last <= first:
        return None
    for index in (last, first):
        if index is not None and trace.causes and (found := trace.causes[index]) is not None:
            return found
    return None


def weight_layers(graph: Graph) -> list[int]:
    """Returns the nodes that hold weights: layers, and functions of an `nn.Parameter`.

    A recurrent module of which only the last state is used has an output, the sequence, that no gradient reaches: it is left out.
    """
    sequences = {node.inputs[0] for node in graph.nodes if node.op == "getitem" and node.get("index") == 0}
    return [
        node.index
        for node in graph.nodes
        if is_weighted(graph, node) and (not has(node.op, "over_sequence") or node.index in sequences)
    ]


def trained_layers(graph: Graph) -> list[int]:
    """Returns the weight layers; of training code those that the first backward pass goes through, where it goes through any."""
    layers = weight_layers(graph)
    passed = next((node.inputs for node in graph.nodes if node.op == "backward" and node.inputs), None)
    if graph.kind != "training" or passed is None:
        return layers
    behind = set(passed)
    for node in reversed(graph.nodes[: max(passed) + 1]):
        if node.index in behind:
            behind.update(node.inputs)
    return [index for index in layers if index in behind] or layers


def is_weighted(graph: Graph, node: Node) -> bool:
    if node.op in WEIGHTED:
        return bool(node.params) or not _is_fixed(graph, node)
    return has(node.op, "matrix_product") and any(graph.nodes[source].op == "parameter" for source in node.inputs)


_NEAR = 8
"""Nodes between a buffer and the layer whose weight it is."""


def _is_fixed(graph: Graph, node: Node) -> bool:
    """Whether a function's weight is a buffer, such as the kernel of a filter: it is not trained."""
    if len(node.inputs) < 2:
        return False
    source = graph.nodes[node.inputs[1]]
    for _ in range(_NEAR):
        if source.op == "parameter":
            return bool(source.params) and not any(graph.parameters[index].trainable for _, index in source.params)
        if len(source.inputs) != 1:
            return False
        source = graph.nodes[source.inputs[0]]
    return False


def first_of(graph: Graph, layers: list[int]) -> int | None:
    """Returns the first weight layer that an input reaches; any first one where no input does."""
    reached = [False] * len(graph.nodes)
    for node in graph.nodes:
        if node.op == "input":
            reached[node.index] = True
            continue
        for source in node.inputs:
            if reached[source]:
                reached[node.index] = True
                break
    for index in layers:
        if reached[index]:
            return index
    return layers[0] if layers else None


def last_of(graph: Graph, layers: list[int]) -> int | None:
    """Returns the last weight layer whose output feeds another."""
    trained = set(layers)
    wanted = {
        node.index
        for node in graph.nodes
        if is_weighted(graph, node) and (graph.kind != "training" or node.index in trained)
    }
    feeds = [False] * len(graph.nodes)
    for node in reversed(graph.nodes):
        if (node.index in wanted or feeds[node.index]) and not _is_last_state(graph, node):
            for source in node.inputs:
                feeds[source] = True
    for index in reversed(layers):
        if feeds[index]:
            return index
    return layers[-1] if layers else None


def _is_last_state(graph: Graph, node: Node) -> bool:
    """Whether a node takes the last state of a recurrent module: its output, the sequence, is not on that way."""
    return node.op == "getitem" and has(graph.nodes[node.inputs[0]].op, "over_sequence") and node.get("index") != 0
