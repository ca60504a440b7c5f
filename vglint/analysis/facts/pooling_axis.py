"""Facts of a softmax's axis: whether what its weights are multiplied with is summed along it."""

from __future__ import annotations

from collections.abc import Iterator

from vglint.analysis.facts.attention import scores_of
from vglint.analysis.facts.domain import origin
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.graph import Node
from vglint.ops import has
from vglint.shape import Shape


@fact("node", "text")
def summed_elsewhere(found: NodeView) -> str:
    """Of a softmax over attention scores: along which kind of axis it makes weights sum to one, where every product that uses them sums
    along another one: `queries`, or `batch` for the samples or heads; `none` otherwise, and where an axis is not known."""
    view, node = found.view, found.node
    if node.op != "softmax" or not _is_attention(view, node):
        return "none"
    rank = _rank(view, node) or _rank_of_readers(view, node.index)
    dim = softmax_dim(node, rank)
    if dim is None or (dim >= 0 and rank is None) or _both_ways(view, node):
        return "none"
    axis = dim if dim < 0 or rank is None else dim - rank
    answers = list(_uses(view, node.index, axis, rank))
    if not answers or any(answer is None or answer[0] for answer in answers):
        return "none"
    return "queries" if all(answer is not None and answer[1] for answer in answers) else "batch"


def _both_ways(view: View, node: Node) -> bool:
    """Whether the same scores give weights along another axis too: two sets look at each other."""
    scores = scores_of(view, node)
    if scores is None:
        return False
    made = view.after([scores.product.index], lambda each: each.op == node.op)
    ends = [view.graph.nodes[index] for index in made if view.graph.nodes[index].op == node.op]
    return any(each.get("dim") != node.get("dim") for each in ends)


@fact("node", "text")
def softmax_axis(found: NodeView) -> str:
    """The `dim` of a softmax, perhaps the one that torch takes where none is given."""
    return str(softmax_dim(found.node, _rank(found.view, found.node) or _rank_of_readers(found.view, found.node.index)))


def softmax_dim(node: Node, rank: int | None) -> int | None:
    """Returns the `dim` of a softmax, or the one that torch takes where none is given."""
    dim = node.get("dim")
    if dim is None and rank is not None:
        return 0 if rank in (0, 1, 3) else 1
    return dim if isinstance(dim, int) else None


def _is_attention(view: View, node: Node) -> bool:
    """Whether a softmax is over products of activations, or over one score for each position."""
    scores = scores_of(view, node)
    if scores is not None:
        operands = scores.product.inputs[:2]
        return len(operands) == 2 and not any(view.graph.nodes[index].op == "parameter" for index in operands)
    return bool(node.inputs) and (_one_each(view, node.inputs[0]) or _of_pairs(view, node.inputs[0]))


def _of_pairs(view: View, index: int) -> bool:
    """Whether a matrix holds the products of pairs of vectors, (queries * keys).sum(-1), perhaps with a scale: a score for each position of each
    sample."""
    node = view.graph.nodes[index]
    while node.inputs and (
        _passes(view, node) or has(node.op, "transposes") or (has(node.op, "scales") and len(node.inputs) == 1)
    ):
        node = view.graph.nodes[node.inputs[0]]
    if node.op != "sum" or node.shape is None or len(node.shape) != 2 or node.get("dim") not in (-1, 2):
        return False
    made = view.graph.nodes[node.inputs[0]]
    return made.op == "mul" and len(made.inputs) == 2 and made.inputs[0] != made.inputs[1]


def _one_each(view: View, index: int) -> bool:
    """Whether a value is one score for each position, or for each pair of them, the sum of a column and a row of such scores."""
    node = view.graph.nodes[index]
    if node.op == "linear":
        return node.get("out_features") == 1
    if has(node.op, "matrix_product") and len(node.inputs) == 2:
        weight = view.graph.nodes[node.inputs[1]]
        return weight.shape is not None and weight.shape[-1:] == (1,) and origin(view, node.inputs[1]).op == "parameter"
    if (
        has(node.op, "adds")
        and len(node.inputs) == 2
        and _is_pair(*(view.graph.nodes[each].shape for each in node.inputs))
    ):
        return all(_one_each(view, each) for each in node.inputs)
    if node.op == "where" and len(node.inputs) == 3:
        scores = [each for each in node.inputs[1:] if view.kinds[each] != "create"]
        return len(scores) == 1 and _one_each(view, scores[0])
    handed = _passes(view, node) or has(node.op, "rearranges") or view.kinds[index] == "activation"
    return handed and bool(node.inputs) and _one_each(view, node.inputs[0])


def _is_pair(one: Shape | None, other: Shape | None) -> bool:
    """Whether one is a column and the other a row."""
    if one is None or other is None or len(one) < 2 or len(other) < 2:
        return False
    return {(one[-1] == 1, one[-2] == 1), (other[-1] == 1, other[-2] == 1)} == {(True, False), (False, True)}


def _passes(view: View, node: Node) -> bool:
    """Whether an op hands values on in their places, but for some that it masks or mends."""
    copies = has(node.op, "copies") and view.kinds[node.index] == "shape"
    return copies or view.kinds[node.index] == "dropout" or node.op == "masked_fill" or node.op == "nan_to_num"


def _is_elementwise(view: View, node: Node) -> bool:
    arithmetic = has(node.op, "adds") or has(node.op, "scales") or has(node.op, "clamps")
    return arithmetic or has(node.op, "masks") or view.kinds[node.index] == "activation"


def _rank(view: View, node: Node) -> int | None:
    while True:
        if node.shape is not None:
            return len(node.shape)
        if has(node.op, "batched_product") or has(node.op, "flat_product"):
            return 3 if has(node.op, "batched_product") else 2
        same = _passes(view, node) or has(node.op, "transposes") or _is_elementwise(view, node)
        if not same or not node.inputs:
            return None
        node = view.graph.nodes[node.inputs[0]]


def _rank_of_readers(view: View, index: int) -> int | None:
    """Returns the rank that a value must have because a product of matrices, or of batches of them, takes it."""
    for reader in view.readers[index]:
        node = view.graph.nodes[reader]
        if has(node.op, "batched_product"):
            return 3
        if has(node.op, "flat_product"):
            return 2
        more = 1 if node.op == "unsqueeze" else 0
        if node.op == "squeeze" and isinstance(node.get("dim"), int):
            more = -1
        if _passes(view, node) or has(node.op, "transposes") or more:
            found = _rank_of_readers(view, reader)
            if found is not None:
                return found - more
    return None


def _uses(view: View, index: int, axis: int, rank: int | None) -> Iterator[tuple[bool, bool] | None]:
    """Yields of each use of the weights (whether it sums along the axis, whether the axis is that of the queries); None where it is not
    followed. Axes are counted from the end."""
    for reader in view.readers[index]:
        node = view.graph.nodes[reader]
        if _passes(view, node) or (has(node.op, "scales") and len(node.inputs) == 1):
            yield from _uses(view, reader, axis, rank)
        elif has(node.op, "transposes"):
            after = turned(node, axis, rank)
            if after is None:
                yield None
            else:
                yield from _uses(view, reader, after, rank)
        elif has(node.op, "reshapes") and axis in (-1, -2):
            kept = _last_kept(view, index, node)
            yield from _uses(view, reader, axis, len(node.shape or ()) or None) if kept else iter((None,))
        elif node.op == "unsqueeze":
            moved = _unsqueezed(node, axis, rank)
            if moved is None:
                yield None
            else:
                yield from _uses(view, reader, moved, None if rank is None else rank + 1)
        elif has(node.op, "multiplies") and any(_are_weights(view, each) for each in node.inputs if each != index):
            yield None  # weights of weights, as Nyström's and two-step attention have them
        elif has(node.op, "matrix_product") and len(node.inputs) == 2 and node.inputs[0] != node.inputs[1]:
            left = node.inputs[0] == index
            yield axis == (-1 if left else -2), axis == (-2 if left else -1)
        elif has(node.op, "multiplies") and _with_parameter(view, node, index):
            yield None  # heads are mixed, not values averaged
        elif node.op == "einsum" and len(node.inputs) == 2:
            yield _contracted(node, node.inputs.index(index), axis)
        elif node.op == "mul" and len(node.inputs) == 2:
            yield from _summed(view, reader, axis)
        elif view.kinds[reader] == "cut" or (view.kinds[reader] == "train" and node.op != "requires_grad"):
            continue
        else:
            yield None


def _are_weights(view: View, index: int) -> bool:
    """Whether a value is the result of a softmax, or a product with one, before any layer."""
    todo, seen = [index], set[int]()
    while todo:
        each = todo.pop()
        if each in seen:
            continue
        seen.add(each)
        node = view.graph.nodes[each]
        if node.op == "softmax":
            return True
        if not view.is_weight(node) and (
            has(node.op, "multiplies") or has(node.op, "transposes") or _passes(view, node)
        ):
            todo += node.inputs
    return False


def _summed(view: View, index: int, axis: int) -> Iterator[tuple[bool, bool] | None]:
    for reader in view.readers[index]:
        node = view.graph.nodes[reader]
        rank = len(view.graph.nodes[index].shape or ()) or None
        dims = node.get("dim")
        if node.op != "sum" or node.get("keepdim") is True or not isinstance(dims, int):
            yield None
        elif dims < 0 or rank is not None:
            yield (dims if dims < 0 or rank is None else dims - rank) == axis, False
        else:
            yield (True, False) if rank is None and dims + axis == -2 else None


def _with_parameter(view: View, node: Node, index: int) -> bool:
    """Whether weights are multiplied with a parameter."""
    others = [each for each in node.inputs if each != index]
    return any(origin(view, each).op == "parameter" for each in others)


def _last_kept(view: View, index: int, node: Node) -> bool:
    """Whether a reshape leaves the last axis as it is, so that it only splits or joins those before."""
    before, after = view.graph.nodes[index].shape, node.shape
    return (
        bool(before)
        and bool(after)
        and before is not None
        and after is not None
        and before[-1] is not None
        and before[-1] == after[-1]
    )


def turned(node: Node, axis: int, rank: int | None) -> int | None:
    """Returns where an axis is after a transposition, counted from the end."""
    if node.op == "mT" or node.op == "t":
        return {-1: -2, -2: -1}.get(axis, axis) if node.op == "mT" or rank in (2, None) else None
    if node.op == "permute":
        dims = node.get("dims")
        if not isinstance(dims, tuple) or not all(isinstance(dim, int) for dim in dims):
            return None
        places = [dim % len(dims) for dim in dims if isinstance(dim, int)]
        return places.index(axis % len(dims)) - len(dims)
    pair = (
        node.get(
            "dim0",
        ),
        node.get("dim1"),
    )
    if not all(isinstance(dim, int) for dim in pair):
        return None
    found = [dim if dim < 0 else (dim - rank if rank is not None else None) for dim in pair if isinstance(dim, int)]
    if any(dim is None for dim in found):
        return None
    one, other = found
    return other if axis == one else one if axis == other else axis


def _unsqueezed(node: Node, axis: int, rank: int | None) -> int | None:
    dim = node.get("dim")
    if not isinstance(dim, int):
        return None
    if dim >= 0:
        if rank is None:
            return None
        dim -= rank + 1
    return axis if dim < axis else axis - 1


def _contracted(node: Node, position: int, axis: int) -> tuple[bool, bool] | None:
    equation = node.get("equation")
    if not isinstance(equation, str) or "->" not in equation or "." in equation:
        return None
    operands, result = equation.replace(" ", "").split("->")
    labels = operands.split(",")[position]
    if len(labels) < -axis:
        return None
    label = labels[axis]
    other = operands.split(",")[1 - position]
    # the axis of the queries is in the result and not in the values
    return label not in result, label in result and label not in other
