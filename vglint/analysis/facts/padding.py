"""Padding masks of attention: whether one hides the words and leaves the padding."""

from __future__ import annotations

import math

from vglint.analysis.facts.domain import constant, moves, origin
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.triangles import row_hidden_at
from vglint.analysis.facts.view import View, number
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has

_HIDING = -1e3
"""What is written into scores that are to count for nothing is less."""


@fact("node", "flag")
def hides_words(found: NodeView) -> bool:
    """Of attention, or a softmax: its mask hides each token that is not the one which the embedding of the same tokens calls padding, and leaves the
    padding."""
    return _hiding(found) is not None


@fact("node", "flag")
def hides_queries(found: NodeView) -> bool:
    """Of a softmax over the last axis: its mask writes -inf along the queries, into every score of a token that is padding, which leaves the row of
    that token nothing to see: an axis of one was put in behind the tokens, where the keys lie."""
    return _along_queries(found) is not None


def _along_queries(found: NodeView) -> Node | None:
    view, node = found.view, found.node
    filled = origin(view, node.inputs[0]) if node.op == "softmax" and node.inputs else node
    if (
        filled.op != "masked_fill"
        or filled.get("value") != -math.inf
        or len(filled.inputs) < 2
        or not _last(view, node)
    ):
        return None
    shape = view.graph.nodes[filled.inputs[0]].shape
    if shape is None or len(shape) < 2 or shape[-1] == 1:
        return None
    return _put_behind(view, filled.inputs[1], len(shape), True)


def _last(view: View, node: Node) -> bool:
    shape = view.graph.nodes[node.inputs[0]].shape
    return node.get("dim") == -1 or (shape is not None and node.get("dim") == len(shape) - 1)


def _put_behind(view: View, index: int, rank: int, hidden: bool) -> Node | None:
    """Returns the node that puts an axis of one behind a comparison of tokens with their padding, which is `hidden` where it is padding. What is
    seen through two masks is seen through each of them."""
    node, behind = view.graph.nodes[index], None
    while node.inputs:
        if node.op == "logical_not" or node.op == "bitwise_not":
            hidden = not hidden
        elif node.op == ("bitwise_or" if hidden else "bitwise_and") and behind is None:
            found = (_put_behind(view, each, rank, hidden) for each in node.inputs)
            return next((each for each in found if each is not None), None)
        elif has(node.op, "gives_truths") and has(node.op, "compares"):
            given, equal = constant(node), node.op == "eq"
            if len(node.inputs) != 1 or given is None or not (equal or node.op == "ne"):
                return None
            if _is_padding(view, node.inputs[0], given):
                return behind if hidden == equal else None
            if given not in (0, 1):
                return None
            hidden = hidden != (equal == (given == 0))
        elif node.op == "unsqueeze":
            if (
                behind is None
                and node.shape is not None
                and len(node.shape) == rank
                and node.get("dim") in (-1, rank - 1)
            ):
                behind = node
        elif has(node.op, "transposes") or not moves(view, node):
            return None
        node = view.graph.nodes[node.inputs[0]]
    return None


@fact("node", "places")
def mask_at(found: NodeView) -> tuple[Place, ...]:
    """The comparison that `hides_words` is about, else what `hides_queries` is about, else the triangle that `hides_whole_row` is about, else the operation itself."""
    made = _hiding(found) or _along_queries(found)
    return row_hidden_at(found) if made is None else (found.view.place(made.index),)


def _hiding(found: NodeView) -> Node | None:
    view, node = found.view, found.node
    if node.op == "softmax":
        filled = origin(view, node.inputs[0]) if node.inputs else node
        least = number(filled.get("value")) if filled.op == "masked_fill" and len(filled.inputs) > 1 else None
        return _of_words(view, filled.inputs[1], True) if least is not None and least < _HIDING else None
    if view.kinds[node.index] != "attention":
        return None
    given = view.arguments(node)
    plain = node.op == "scaled_dot_product_attention"
    masks = [given[name] for name in ("key_padding_mask", "attn_mask") if name in given]
    hiding = (_of_words(view, mask, not plain) for mask in masks)
    return next((each for each in hiding if each is not None), None)


def _of_words(view: View, index: int, hidden: bool) -> Node | None:
    """Returns the comparison of tokens with padding that a boolean mask is, which is `hidden` where it is no padding."""
    node = view.graph.nodes[index]
    while node.inputs:
        if node.op == "logical_not" or node.op == "bitwise_not":
            hidden = not hidden
        elif has(node.op, "gives_truths") and has(node.op, "compares"):
            given, equal = constant(node), node.op == "eq"
            if len(node.inputs) != 1 or given is None or not (equal or node.op == "ne"):
                return None
            if _is_padding(view, node.inputs[0], given):
                return node if hidden != equal else None
            if given not in (0, 1):
                return None
            hidden = hidden != (equal == (given == 0))
        elif not moves(view, node) and not has(node.op, "repeats"):
            return None
        node = view.graph.nodes[node.inputs[0]]
    return None


def _is_padding(view: View, tokens: int, given: float) -> bool:
    """Whether an embedding looks the same tokens up, and calls a number their padding."""
    source = origin(view, tokens).index
    tables = [node for node in view.graph.nodes if has(node.op, "looks_up") and node.inputs]
    return any(origin(view, each.inputs[0]).index == source and each.get("padding_idx") == given for each in tables)
