"""Facts of single operations on the way of a state: skips and hidden states that are detached, scores that are masked or mis-scaled."""

from __future__ import annotations

import math
from itertools import pairwise

from vglint.analysis.facts.attention import factor_of, head_dim, scores_of, summed_size
from vglint.analysis.facts.domain import constant, origin
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.value import Unknown


@fact("node", "places")
def detached_skip(found: NodeView) -> tuple[Place, ...]:
    """Of an addition: the `.detach()` of a value whose other way to the sum is through layers, so that its own way carries no gradient.
    A straight-through estimator detaches a difference, which is none; a branch with a skip of its own hands the gradient on."""
    node, view = found.node, found.view
    if node.op != "add" or len(node.inputs) != 2:
        return ()
    for one, other in (node.inputs, node.inputs[::-1]):
        cut = view.graph.nodes[one]
        if cut.op != "detach" or not cut.inputs:
            continue
        source = origin(view, cut.inputs[0])
        ways = _until(view, other, source.index)
        layers = frozenset(i for i in ways if view.is_weight(view.graph.nodes[i]) and i > source.index)
        trained = any(view.trains(i) for i in view.before([source.index], lambda each: not view.carries_gradient(each)))
        if has(source.op, "subtracts") or source.index not in ways or not layers or not trained:
            continue
        if source.index not in _until(view, other, source.index, layers):
            return (view.place(cut.index),)
    return ()


@fact("node", "places")
def state_cut(found: NodeView) -> tuple[Place, ...]:
    """Of a recurrent cell that runs in a loop over time: the `.detach()` between its state and its own next step, in every step. Not where training code
    sends gradients back between the steps."""
    node, view = found.node, found.view
    if view.kinds[node.index] != "recurrent":
        return ()
    steps = [each.index for each in view.graph.nodes if each.op == node.op and each.params == node.params]
    if len(steps) < 3 or steps[-1] != node.index:
        return ()
    sent = [each.index for each in view.nodes("backward", "grad") if steps[0] < each.index]
    if view.graph.kind == "training" and (not sent or sent[0] < steps[-1]):
        return ()
    cuts = []
    for before, after in pairwise(steps):
        cut = _cut_between(view, before, after)
        if cut is None:
            return ()
        cuts.append(cut)
    return tuple(dict.fromkeys(view.place(cut) for cut in cuts))


@fact("node", "flag")
def infinite_mask(found: NodeView) -> bool:
    """Of a softmax: -inf is written or added into its argument where a mask that comes from outside says so, so that nothing tells
    whether a row keeps an entry."""
    view, node = found.view, found.node
    current = origin(view, node.inputs[0]) if node.op == "softmax" and node.inputs else None
    while current is not None and (has(current.op, "masks") or current.op == "add"):
        value = current.get("value") if current.op == "masked_fill" else constant(current)
        masks = current.inputs[1:] if current.op == "masked_fill" else current.inputs[:1]
        if value == -math.inf and current.op != "add":
            behind = [view.graph.nodes[index] for index in view.before(masks)]
            return any(each.op == "input" for each in behind) and not any(has(each.op, "triangle") for each in behind)
        current = origin(view, current.inputs[0]) if current.inputs else None
    return False


@fact("node", "number")
def projected_width(found: NodeView) -> float | Unknown:
    """Of a softmax over scores: the width of the linear layer that makes the queries, all heads together; where each head has a layer of
    its own, which may make its keys and values too, the width that this layer takes."""
    scores = scores_of(found.view, found.node)
    if scores is None:
        return unknown("no scores")
    index = scores.product.inputs[0] if scores.product.inputs else None
    while index is not None:
        node = found.view.graph.nodes[index]
        if node.op == "linear" or found.view.is_weight(node):
            taken, made = _widths(found.view, node)
            head = per_head(found)
            own = made is not None and made in (head, 2 * head, 3 * head) if isinstance(head, float) else False
            width = taken if own else made
            if isinstance(made, int) and isinstance(head, float):
                width = _share(found.view.graph.nodes[scores.product.inputs[0]], made, int(head)) or width
            return float(width) if isinstance(width, int) else unknown("the width is not known")
        passed = found.view.kinds[index] == "shape" or factor_of(node) is not None
        index = node.inputs[0] if node.inputs and passed else None
    return unknown("no linear layer makes the queries")


def _share(query: Node, made: int, head: int) -> int | None:
    """Returns the width of the queries where one layer makes them together with keys, or keys and values; None where it makes them alone or
    the heads are not known."""
    heads = [size for size in query.shape or () if isinstance(size, int)]
    return next((made // parts for parts in (2, 3) for each in heads if each * head * parts == made), None)


@fact("node", "number")
def per_head(found: NodeView) -> float | Unknown:
    """Of a softmax over scores: the size of the dimension that queries and keys are multiplied over, as its shape says, or the projection's
    width divided by the heads."""
    scores = scores_of(found.view, found.node)
    if scores is None or not scores.product.inputs:
        return unknown("the size of a head is not known")
    if scores.product.op == "einsum":
        summed = summed_size(found.view, scores.product)
        return unknown("the size of a head is not known") if summed is None else float(summed)
    if has(scores.product.op, "matrix_product"):
        for position, index in enumerate(scores.product.inputs[:2]):
            shape = found.view.graph.nodes[index].shape
            size = (shape[-1] if position == 0 else shape[-2]) if shape and len(shape) > 2 else None
            if isinstance(size, int):
                return float(size)
        query = scores.product.inputs[0]
        shape = found.view.graph.nodes[query].shape
        heads = shape[1] if shape and len(shape) == 4 else None
        while found.view.kinds[query] == "shape" and found.view.graph.nodes[query].inputs:
            query = found.view.graph.nodes[query].inputs[0]
        width = _widths(found.view, found.view.graph.nodes[query])[1]
        if isinstance(heads, int) and isinstance(width, int) and width % heads == 0:
            return width / heads
    return head_dim(found)


def _widths(view: View, node: Node) -> tuple[int | None, int | None]:
    """Returns the widths that a projection takes and makes: those of a linear layer, or of a product with a parameter, whose output has
    all that it does not add up over."""
    if node.op == "linear":
        taken, made = node.get("in_features"), node.get("out_features")
        return taken if isinstance(taken, int) else None, made if isinstance(made, int) else None
    if len(node.inputs) != 2:
        return None, None
    shape = view.graph.nodes[node.inputs[1]].shape
    sizes = [size for size in shape or () if isinstance(size, int)]
    if node.op == "einsum":
        taken = summed_size(view, node)
    else:
        taken = shape[-2] if shape and len(shape) > 1 and isinstance(shape[-2], int) else None
    if not taken or not shape or len(sizes) < len(shape) or math.prod(sizes) % taken:
        return None, None
    return taken, math.prod(sizes) // taken


def _until(view: View, start: int, stop: int, closed: frozenset[int] = frozenset()) -> set[int]:
    """Returns the nodes that a gradient comes to on its way back from a node, not beyond another one, nor through those that are closed."""
    return view.before(
        [start], lambda each: not view.carries_gradient(each) or each.index == stop or each.index in closed
    )


def _cut_between(view: View, before: int, after: int) -> int | None:
    """Returns the cut that every way from one step to the next passes; None where there is a way without, or none at all."""
    closed = _until(view, after, before)
    if before in closed:
        return None
    cuts = [i for i in closed if view.graph.nodes[i].op == "detach" and before in view.before([i])]
    return max(cuts, default=None)
