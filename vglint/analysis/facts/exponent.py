"""Facts of exponentials that can overflow, and of what normalises them by hand."""

from __future__ import annotations

from vglint.analysis.facts.domain import constant, cosine, origin
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.source import source_of
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.value import Unknown

_APART = 80.0
"""Scores that are closer than this keep all probabilities of a softmax above zero in float32, whose smallest number is exp(-103)."""


@fact("node", "flag")
def unbounded_argument(found: NodeView) -> bool:
    """Its argument is a weight layer's output, or what a loss is given, perhaps scaled and shifted by numbers: nothing bounds it from above, no
    maximum is taken off."""
    view = found.view
    if not found.node.inputs:
        return False
    node = origin(view, found.node.inputs[0])
    while has(node.op, "affine") and len(node.inputs) == 1 and (constant(node) is not None or node.op == "neg"):
        node = origin(view, node.inputs[0])
    if any(_is_largest(view.graph.nodes[index]) for index in node.inputs[1:]):
        return False
    if node.op == "input":
        return not view.graph.parameters
    product = has(node.op, "matrix_product") or node.op == "linear" or node.op == "einsum"
    if product and any(origin(view, i).op == "parameter" for i in node.inputs[1:2]):
        return not any(origin(view, index).op == "normalize" for index in node.inputs)
    if product and len(node.inputs) > 1 and all(view.is_weight(origin(view, index)) for index in node.inputs):
        return True  # the products of what two layers computed
    kind = source_of(view, node.index)
    return not isinstance(kind, Unknown) and kind.kind == "logits" and kind.node == node.index


@fact("node", "places")
def normalised_by_hand(found: NodeView) -> tuple[Place, ...]:
    """Of an exponential: the logarithm of its sum, or its division by its own sum, which is a log-sum-exp or softmax written out."""
    view = found.view
    if found.node.op != "exp":
        return ()
    own = _sums(view, found.node.index)
    sums = own | _softplus(view, found.node.index)
    for twin in _twins(view, found.node):
        sums |= _sums(view, twin)
    places = [view.place(reader) for reader in view.readers[found.node.index] if view.graph.nodes[reader].op == "log1p"]
    for index in sums:
        for reader in view.readers[index]:
            node = view.graph.nodes[reader]
            if (has(node.op, "logarithm") and (index in own or index not in _sums_of_twins(view, found.node))) or (
                node.op == "div" and len(node.inputs) == 2 and _same(view, node, found.node.index, sums)
            ):
                places.append(view.place(reader))
    return tuple(dict.fromkeys(places))


def softmax_by_hand(view: View, node: Node) -> bool:
    """Whether a division is that of an exponential by its own sum, written with one exponential or with two of the same scores."""
    return bool(_exponentials(view, node))


def never_rounds_to_zero(view: View, node: Node) -> bool:
    """Whether a softmax, a function of torch or by hand, is one of cosines over a moderate temperature: its scores are less than 80 apart, and
    float32 keeps the smallest probability above zero."""
    scores = node.inputs[:1] if node.op == "softmax" else _exponentials(view, node)
    return bool(scores) and all(_bounded(view, index) for index in scores)


def _exponentials(view: View, node: Node) -> list[int]:
    """Returns the exponentials that a division divides by their own sum."""
    if node.op != "div" or len(node.inputs) != 2:
        return []
    over = [index for index in view.before(node.inputs[:1]) if view.graph.nodes[index].op == "exp"]
    return [
        index
        for index in over
        if _same(view, node, index, _sums(view, index) | _sums_of_twins(view, view.graph.nodes[index]))
    ]


def _bounded(view: View, index: int) -> bool:
    """Whether scores, or those of an exponential, are cosines times a number of at most 40."""
    node = origin(view, index)
    if node.op == "exp":
        node = origin(view, node.inputs[0])
    factor = 1.0
    while has(node.op, "scales") and len(node.inputs) == 1:
        value = constant(node)
        if not value or (node.op == "div" and node.get("input") is not None):
            return False
        factor *= 1 / value if node.op == "div" else value
        node = origin(view, node.inputs[0])
    return abs(factor) <= _APART / 2 and cosine(view, node.index)


def _twins(view: View, node: Node) -> list[int]:
    """Returns the other exponentials of the same scores: `exp(z) / exp(z).sum()`."""
    readers = view.readers[node.inputs[0]] if node.inputs else ()
    return [index for index in readers if index != node.index and view.graph.nodes[index].op == "exp"]


def _sums_of_twins(view: View, node: Node) -> set[int]:
    return {index for twin in _twins(view, node) for index in _sums(view, twin)}


def _is_largest(node: Node) -> bool:
    """Whether what is taken off scores may be their maximum, or a bound of them."""
    return has(node.op, "takes_largest") or has(node.op, "caps") or node.op == "detach"


def _softplus(view: View, index: int) -> set[int]:
    """Returns `1 + exp(x)`, whose logarithm is a softplus written out."""
    nodes = (view.graph.nodes[reader] for reader in view.readers[index])
    return {node.index for node in nodes if node.op == "add" and len(node.inputs) == 1 and constant(node) == 1}


def _sums(view: View, index: int) -> set[int]:
    """Returns the sums that an exponential is in, through masks and shapes. What is picked out of several tensors that were joined may be
    another one of them."""
    seen: set[int] = set()
    summed: set[int] = set()
    todo = [(index, False, False)]
    while todo:
        current, inside, joined = todo.pop()
        for reader in view.readers[current]:
            node = view.graph.nodes[reader]
            if reader in seen or not (has(node.op, "carries_terms") or view.kinds[reader] == "shape"):
                continue
            if joined and (has(node.op, "picks") or has(node.op, "splits")):
                continue
            seen.add(reader)
            if inside or has(node.op, "sums"):
                summed.add(reader)
            todo.append((reader, inside or has(node.op, "sums"), joined or has(node.op, "joins")))
    return summed


def _same(view: View, division: Node, exponential: int, sums: set[int]) -> bool:
    """Whether a division divides an exponential by a sum of it."""
    over, under = division.inputs
    behind = view.before([over], lambda node: node.index == exponential)
    return exponential in behind and over not in sums and bool(view.before([under]) & sums)
