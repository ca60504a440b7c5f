"""Facts of an inverse of a sine, cosine or tanh whose argument reaches ±1."""

from __future__ import annotations

from vglint.analysis.facts.domain import cosine, origin
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View, number
from vglint.ops import has


@fact("node", "flag")
def of_cosine(found: NodeView) -> bool:
    """Its argument is a cosine that can be exactly ±1: a cosine similarity, or a product of normalised vectors. A clamp to ±1 itself lets
    the edge through, with its gradient."""
    return bool(found.node.inputs) and cosine(found.view, _before_edge_clamp(found))


@fact("node", "flag")
def clamped_to_edge(found: NodeView) -> bool:
    """Its argument is clamped to ±1."""
    return bool(found.node.inputs) and _before_edge_clamp(found) != found.node.inputs[0]


@fact("node", "flag")
def may_reach_edge(found: NodeView) -> bool:
    """Its argument is clamped to ±1, and what is clamped is of no kind that stays between them by itself: the clamp is there for a reason."""
    if not found.node.inputs or not clamped_to_edge(found):
        return False
    made = origin(found.view, _before_edge_clamp(found))
    return bool(made.inputs) and not (has(made.op, "squashes") or has(made.op, "unit"))


def _before_edge_clamp(found: NodeView) -> int:
    index, sides = found.node.inputs[0], set[str]()
    while (side := found.view.graph.nodes[index]).op == "minimum" or side.op == "maximum":
        ones = [each for each in side.inputs if _is_one(found.view, each, 1 if side.op == "minimum" else -1)]
        if len(ones) != 1 or len(side.inputs) != 2:
            break
        sides.add(side.op)
        index = next(each for each in side.inputs if each != ones[0])
    if len(sides) == 2:
        return index
    node = found.view.graph.nodes[found.node.inputs[0]]
    low, high = (number(node.get("min")), number(node.get("max"))) if node.op == "clamp" else (None, None)
    if low is None or high is None or low > -1 or high < 1:
        return found.node.inputs[0]
    return node.inputs[0]


def _is_one(view: View, index: int, sign: int) -> bool:
    """Whether a value is a tensor of ones, times a sign."""
    node = view.graph.nodes[index]
    if node.op == "neg" and node.inputs:
        return _is_one(view, node.inputs[0], -sign)
    if node.op == "ones" or node.op == "ones_like":
        return sign == 1
    return view.kinds[index] == "create" and number(node.get("fill_value")) == sign
