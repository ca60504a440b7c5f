"""Masks that are triangles: whether one hides a whole row of attention scores."""

from __future__ import annotations

import math

from vglint.analysis.facts.domain import constant, moves
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.numeric import argument_place
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has


@fact("node", "flag")
def hides_whole_row(found: NodeView) -> bool:
    """Of attention, or a softmax: its boolean mask is a triangle of ones that hides every position from the first row or from the last one.
    `nn.MultiheadAttention` hides where its mask is True; `F.scaled_dot_product_attention` where it is False."""
    return _covering(found) is not None


def row_hidden_at(found: NodeView) -> tuple[Place, ...]:
    """Returns the triangle that `hides_whole_row` is about, else the operation itself."""
    made = _covering(found)
    return (found.view.place((found.node if made is None else made).index),)


@fact("node", "places")
def masked_scores(found: NodeView) -> tuple[Place, ...]:
    """Where scores are masked: the attention that takes such a triangle, else where its argument is made."""
    return argument_place(found) if _covering(found) is None else (found.view.place(found.node.index),)


def _covering(found: NodeView) -> Node | None:
    view, node = found.view, found.node
    if node.op == "softmax":
        filled = view.graph.nodes[node.inputs[0]] if node.inputs else node
        while filled.inputs and moves(view, filled):
            filled = view.graph.nodes[filled.inputs[0]]
        minus = filled.op == "masked_fill" and filled.get("value") == -math.inf and len(filled.inputs) > 1
        return _covers_row(view, filled.inputs[1], True) if minus else None
    mask = view.argument(node, "attn_mask") if view.kinds[node.index] == "attention" else None
    return None if mask is None else _covers_row(view, mask, node.op != "scaled_dot_product_attention")


@fact("node", "flag")
def gives_map(found: NodeView) -> bool:
    """It is a softmax, or attention that also returns its weights, which it computes by a plain softmax."""
    return found.node.op == "softmax" or found.node.get("need_weights") is True


def _covers_row(view: View, index: int, hidden: bool) -> Node | None:
    """Returns the `tril` or `triu` of a square of ones that a boolean mask is, which is `hidden` along all of its first or last row."""
    node, boolean = view.graph.nodes[index], False
    while node.inputs:
        if node.op == "logical_not" or node.op == "bitwise_not":
            hidden, boolean = not hidden, True
        elif has(node.op, "gives_truths") and has(node.op, "compares") and len(node.inputs) == 1:
            number, equal = constant(node), node.op == "eq"
            above = node.op == "gt" and number == 0
            if number not in (0, 1) or not (equal or above or node.op == "ne"):
                return None
            hidden, boolean = hidden != (equal == (number == 0)), True
        elif has(node.op, "triangle"):
            known = boolean or view.graph.nodes[node.inputs[0]].get("dtype") == "torch.bool"
            return node if known and _is_full(view, node, hidden) else None
        elif node.get("dtype") == "torch.bool":
            boolean = True
        elif has(node.op, "transposes") or not moves(view, node):
            return None
        node = view.graph.nodes[node.inputs[0]]
    return None


def _is_full(view: View, node: Node, hidden: bool) -> bool:
    """Whether a triangle of a square of ones is one (`hidden`), or zero, in all of its first or last row."""
    square, below = view.graph.nodes[node.inputs[0]], node.get("diagonal")
    size = square.shape if square.shape is not None and None not in square.shape else square.get("size")
    if square.op != "ones" or not isinstance(size, tuple) or len(size) < 2 or not isinstance(below, int):
        return False
    if size[-1] != size[-2] or size[-1] == 1:
        return False
    if node.op == "tril":
        return below >= 0 if hidden else below < 0
    return below <= 0 if hidden else below > 0
