"""How much finer one tensor is than another, where their sizes are not known: by the strides between each and what both are made of."""

from __future__ import annotations

from vglint.analysis.use import Use
from vglint.graph import Graph, Node
from vglint.ops import has, kind
from vglint.regex import regex
from vglint.value import Expr

_SIZE = regex(r"%(\d+)\.(-?\d+)")
"""A size of a node's output as shapes and arguments name it."""
_STEPS = 2_000


def of_other(use: Use, axis: int) -> float | None:
    """Returns by how much a tensor grows along an axis (counted from the end) that gets the size of another node's; None where that
    is not known, or the two have no common source."""
    size = use.get("size")
    rank = len(size) if isinstance(size, tuple) else 0
    wanted = size[axis] if isinstance(size, tuple) and rank >= -axis else size
    if not isinstance(wanted, Expr) or len(wanted.terms) != 1:
        return None
    powers, number = wanted.terms[0]
    named = _SIZE.fullmatch(powers[0][0]) if len(powers) == 1 and powers[0][1] == 1 else None
    if named is None or int(named[1]) >= use.index:
        return None
    here, there = _scale(use.graph, use.node.inputs[0], axis), _scale(use.graph, int(named[1]), axis)
    if here is None or there is None or here[0] != there[0]:
        return None
    return float(number) * there[1] / here[1]


def reads_weights(graph: Graph, index: int) -> bool:
    """Whether parameters are behind a node."""
    behind, todo = {index}, [index]
    while todo:
        node = graph.nodes[todo.pop()]
        if any(graph.parameters[param].trainable for _, param in node.params):
            return True
        fresh = [source for source in node.inputs if source not in behind]
        behind.update(fresh)
        todo += fresh
    return False


def _scale(graph: Graph, index: int, axis: int) -> tuple[int, float] | None:
    """Returns the first node that a tensor is made of, and by how much the tensor is finer than it."""
    factor = 1.0
    for _ in range(_STEPS):
        node = graph.nodes[index]
        if not node.inputs:
            return index, factor
        by = _step(node, axis)
        if by is None:
            return None
        factor *= by
        index = node.inputs[0]
    return None


def _step(node: Node, axis: int) -> float | None:
    if node.op == "interpolate":
        scale = _at(node.get("scale_factor"), axis)
        return scale if scale is not None else None
    if has(node.op, "convolution") or kind(node.op) == "pool":
        if node.op.startswith("adaptive"):
            return None
        stride = node.get("stride")
        step = _at(stride if stride not in (None, ()) else node.get("kernel_size"), axis)
        return 1.0 / step if step else None
    if has(node.op, "transposed_convolution"):
        return _at(node.get("stride"), axis)
    return 1.0


def _at(value: object, axis: int) -> float | None:
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, tuple) and value:
        item = value[axis] if len(value) >= -axis else value[0]
        return float(item) if isinstance(item, (int, float)) else None
    return None
