"""Facts of a softmax over scores: which queries and keys they are made of, and how they are scaled."""

from __future__ import annotations

import math

from msgspec import Struct

from vglint.analysis.facts.domain import constant
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.graph import Node
from vglint.ops import has
from vglint.ops.matmul import einsum_shape
from vglint.value import Unknown


class Scores(Struct, frozen=True):
    """The product of queries and keys behind a softmax, and what was done to it on the way."""

    product: Node
    scaled: bool
    factors: tuple[float, ...]


def scores_of(view: View, softmax: Node) -> Scores | None:
    """Returns the scores behind a softmax; None where it is not over a product of two projections."""
    index = softmax.inputs[0] if softmax.inputs else None
    scaled = False
    factors: list[float] = []
    while index is not None:
        node = view.graph.nodes[index]
        if _is_product(node):
            return Scores(node, scaled or has(node.op, "adds_product"), tuple(factors))
        if has(node.op, "scales"):
            scaled = True
            value = constant(node)
            if value:
                factors.append(value if node.op == "mul" else 1 / value)
            if len(node.inputs) > 1:
                index = _towards(view, node.inputs)
                continue
        elif has(node.op, "adds"):
            index = _towards(view, node.inputs)
            continue
        elif not (view.kinds[node.index] in ("shape", "dropout") or _limits(node)):
            return None
        index = node.inputs[-1 if node.op == "where" and len(node.inputs) > 2 else 0] if node.inputs else None
    return None


@fact("node", "flag")
def attention_scores(found: NodeView) -> bool:
    """A softmax of the product of two linear projections: queries and keys."""
    if found.node.op != "softmax":
        return False
    scores = scores_of(found.view, found.node)
    return scores is not None and all(_projection(found.view, index) is not None for index in scores.product.inputs[:2])


@fact("node", "flag")
def of_product(found: NodeView) -> bool:
    """A softmax of a matrix product: attention scores of any kind."""
    return scores_of(found.view, found.node) is not None


@fact("node", "flag")
def scores_scaled(found: NodeView) -> bool | Unknown:
    """The scores, the queries or the keys are scaled or normalised somewhere, or the projections have an initialisation of their own."""
    scores = scores_of(found.view, found.node)
    if scores is None:
        return unknown("no scores")
    if scores.scaled:
        return True
    for index in scores.product.inputs[:2]:
        way, end = _way(found.view, index)
        if any(_rescales(found.view, node) for node in way) or end is None:
            return True
        weight = found.view.parameter(end, "weight")
        if weight is None or weight.init.span is not None:
            return True
        source = found.view.graph.nodes[end.inputs[0]] if end.inputs else None
        if source is not None and has(source.op, "rescales"):
            return True
    return False


@fact("node", "number")
def head_dim(found: NodeView) -> float | Unknown:
    """Size of the dimension that queries and keys are multiplied over."""
    scores = scores_of(found.view, found.node)
    if scores is not None and scores.product.inputs:
        summed = summed_size(found.view, scores.product) if scores.product.op == "einsum" else None
        if summed is not None:
            return float(summed)
        shape = found.view.graph.nodes[scores.product.inputs[0]].shape
        layer = _projection(found.view, scores.product.inputs[0])
        width = layer.get("out_features") if layer is not None else None
        size = shape[-1] if shape and has(scores.product.op, "matrix_product") else None
        if isinstance(size, int) and not (isinstance(width, int) and width < size):
            return float(size)
        way = _way(found.view, scores.product.inputs[0])[0]
        if isinstance(width, int) and all(found.view.kinds[node.index] == "dropout" for node in way):
            return float(width)
    return unknown("the size of a head is not known")


@fact("node", "number")
def score_factor(found: NodeView) -> float | Unknown:
    """The literal factor on the scores, those on queries and keys included."""
    scores = scores_of(found.view, found.node)
    if scores is None:
        return unknown("no scores")
    factors = [*scores.factors]
    for index in scores.product.inputs[:2]:
        for node in _way(found.view, index)[0]:
            if not _rescales(found.view, node):
                continue
            value = factor_of(node)
            if value is None:
                return unknown("queries or keys have a scale of their own")
            factors.append(value)
    return math.prod(factors) if factors else unknown("no literal factor on the scores")


def factor_of(node: Node) -> float | None:
    """Returns the literal that a product or quotient multiplies its one operand by; None for anything else."""
    value = constant(node) if has(node.op, "scales") and len(node.inputs) == 1 else None
    if not value or (node.op == "div" and node.get("other") is None):
        return None
    return 1 / value if node.op == "div" else value


@fact("node", "flag")
def divided_after(found: NodeView) -> bool:
    """The softmax's result is divided by a literal above one, which is where a scale of the scores lands by mistake."""
    for index in found.view.readers[found.node.index]:
        node = found.view.graph.nodes[index]
        value = constant(node) if has(node.op, "scales") and len(node.inputs) == 1 else None
        if value is not None and (value if node.op == "div" else 1 / value if value else 0) > 1.5:
            return True
    return False


def summed_size(view: View, product: Node) -> int | None:
    """Returns the size of what an einsum of two tensors adds up over; None where it is not known."""
    equation, summed = product.get("equation"), _summed(product)
    if not isinstance(equation, str) or not summed:
        return None
    left = equation.replace(" ", "").partition("->")[0]
    try:
        sizes = einsum_shape(f"{left}->{summed}", [view.graph.nodes[index].shape for index in product.inputs])
    except ValueError:
        return None
    known = [size for size in sizes or () if isinstance(size, int)]
    if len(known) == len(summed):
        return math.prod(known)
    if len(summed) > 1 or not left.partition(",")[0].endswith(summed):
        return None
    way, layer = _way(view, product.inputs[0])
    width = layer.get("out_features") if layer is not None else None
    if not isinstance(width, int):
        return None
    if all(view.kinds[node.index] == "dropout" for node in way):
        return width
    shape = view.graph.nodes[product.inputs[0]].shape
    heads = [size for size in shape[1:] if isinstance(size, int)] if shape and len(shape) == 4 else []
    return width // heads[0] if len(heads) == 1 and heads[0] and width % heads[0] == 0 else None


def _summed(product: Node) -> str:
    """Returns the letters that both operands of an einsum have and its result has not."""
    equation = product.get("equation")
    if not isinstance(equation, str) or len(product.inputs) != 2:
        return ""
    left, arrow, right = equation.replace(" ", "").partition("->")
    first, _, second = left.partition(",")
    return "".join(each for each in first if arrow and each.isalpha() and each in second and each not in right)


def _towards(view: View, inputs: tuple[int, ...]) -> int | None:
    """Returns the input of a sum that leads to a product of activations; the other is a bias or a mask."""
    for index in inputs:
        behind = view.before([index], _is_product)
        if any(_is_product(view.graph.nodes[each]) for each in behind):
            return index
    return inputs[0] if inputs else None


def _is_product(node: Node) -> bool:
    return has(node.op, "matrix_product") or has(node.op, "adds_product") or node.op == "einsum"


def _limits(node: Node) -> bool:
    """Whether an op masks scores or bounds them, and leaves the others as they are."""
    return has(node.op, "masks") or has(node.op, "floors") or has(node.op, "caps") or node.op == "relu"


def _rescales(view: View, node: Node) -> bool:
    return has(node.op, "rescales") or view.kinds[node.index] == "norm"


def _projection(view: View, index: int) -> Node | None:
    return _way(view, index)[1]


def _way(view: View, index: int) -> tuple[list[Node], Node | None]:
    """Returns the nodes from a query or key back to the linear layer that projects it, and that layer."""
    way: list[Node] = []
    node = view.graph.nodes[index]
    while True:
        if node.op == "linear" or (view.is_weight(node) and _is_product(node)):
            return way, node
        way.append(node)
        movable = (
            view.kinds[node.index] in ("shape", "dropout")
            or _rescales(view, node)
            or node.op == "add"
            or has(node.op, "joins")
        )
        if not movable or not node.inputs:
            return way, None
        node = view.graph.nodes[node.inputs[0]]
