"""Facts of a loss that reads classes along one axis while the model puts them along another."""

from __future__ import annotations

from vglint.analysis.facts.axes import sizes_of
from vglint.analysis.facts.domain import origin
from vglint.analysis.facts.heads import width_of
from vglint.analysis.facts.loss import LossView
from vglint.analysis.facts.pooling_axis import softmax_dim, turned
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.shape import Dim
from vglint.value import Expr


@fact("loss", "text")
def class_axis(found: LossView) -> str:
    """What a loss that reads the classes along dim 1 is given: `normalised` where its log-probabilities sum to one along another axis;
    `rows` where the classes stand last and they do so (before (…, C) is viewed as (-1, C), or for `ctc_loss`); `viewed` where a reshape cuts positions and classes, which stand last, into rows of
    other sizes; `cut` where (batch, C, …) of several positions is viewed as (-1, C) without moving the classes to the end; `none`."""
    softmax = _normalised_elsewhere(found)
    if softmax is not None:
        return "normalised" if softmax is _input(found) and found.node.op == "nll_loss" else "rows"
    if _cut(found) is not None:
        return "cut"
    return "viewed" if _viewed(found) is not None else "none"


@fact("loss", "places")
def class_axis_made(found: LossView) -> tuple[Place, ...]:
    """Where that softmax or that reshape stands."""
    made = _normalised_elsewhere(found) or _cut(found) or _viewed(found)
    return (found.view.place(made.index),) if made is not None else ()


def _input(found: LossView) -> Node | None:
    """Returns what made the loss's input, as it is: a softmax beyond the logarithm of it."""
    op = found.node.op
    argument = "log_probs" if op == "ctc_loss" else "input"
    by_class = op == "cross_entropy" or op == "nll_loss" or op == "ctc_loss"
    index = found.view.argument(found.node, argument) if by_class else None
    node = found.view.graph.nodes[index] if index is not None else None
    while node is not None and node.inputs and (has(node.op, "copies") or node.op == "log"):
        node = found.view.graph.nodes[node.inputs[0]]
    return node


def _normalised_elsewhere(found: LossView) -> Node | None:
    """Returns the softmax over one certain axis, not the classes', that made the input of `nll_loss`. One sample by itself, (C,), has its classes
    along dim 0; what is viewed as rows of classes, (…, C) as (-1, C), had them last, as what `ctc_loss` is given has."""
    node = _input(found)
    if node is None or found.node.op == "cross_entropy":
        return None
    if found.node.op == "ctc_loss":
        return _beside_classes(found, node)
    rows = _as_rows(found, node)
    softmax = rows or node
    if softmax.op != "softmax" and softmax.op != "log_softmax":
        return None
    shape = softmax.shape
    axis = softmax_dim(softmax, len(shape)) if shape is not None else None
    if axis is None or shape is None or len(shape) < 2:
        return None
    return softmax if axis % len(shape) != (1 if rows is None else len(shape) - 1) else None


def _beside_classes(found: LossView, node: Node) -> Node | None:
    """Returns the softmax over another axis than the one that stands last where `ctc_loss` gets it."""
    moves = []
    while node.op != "softmax" and node.op != "log_softmax":
        if not node.inputs or not (has(node.op, "transposes") or has(node.op, "copies")):
            return None
        moves += [node] if has(node.op, "transposes") else []
        node = found.view.graph.nodes[node.inputs[0]]
    rank = len(node.shape or ())
    dim = softmax_dim(node, rank)
    if dim is None or rank < 2:
        return None
    axis: int | None = dim % rank - rank
    for move in reversed(moves):
        axis = turned(move, axis, rank) if axis is not None else None
    return node if axis is not None and axis != -1 else None


def _as_rows(found: LossView, node: Node) -> Node | None:
    """Returns what a reshape of (…, C) to (-1, C) is given."""
    if not has(node.op, "reshapes") or not node.inputs or node.shape is None or len(node.shape) != 2:
        return None
    source = found.view.graph.nodes[node.inputs[0]]
    while source.inputs and has(source.op, "copies"):
        source = found.view.graph.nodes[source.inputs[0]]
    if source.shape is None or len(source.shape) < 3 or not isinstance(node.shape[1], int):
        return None
    return source if source.shape[-1] == node.shape[1] and node.shape[1] > 1 else None


def _cut(found: LossView) -> Node | None:
    """Returns the reshape of (batch, C, …), the map of a convolution or what a softmax over its classes gave, into rows of C entries, for a loss or
    a log_softmax over these rows."""
    node = _input(found) if found.node.op != "log_softmax" else found.view.graph.nodes[found.node.inputs[0]]
    if node is None or not has(node.op, "reshapes") or not node.inputs or found.node.get("dim") == 0:
        return None
    sizes, shape = sizes_of(node), found.view.graph.nodes[node.inputs[0]].shape
    if shape is None or len(sizes) != 2 or len(shape) < 3 or not isinstance(sizes[1], int) or sizes[1] < 2:
        return None
    source = origin(found.view, node.inputs[0])
    while source.inputs and (has(source.op, "over_features") or source.op == "softmax" or source.op == "log_softmax"):
        source = origin(found.view, source.inputs[0])
    classes = source.get("out_channels") if has(source.op, "convolution") else None
    several = any(_is_several(size) for size in shape[2:])
    return node if several and classes == sizes[1] and shape[1] == classes and shape[-1] != classes else None


def _is_several(size: Dim) -> bool:
    """Whether an axis of a map is known to have several positions: as many as an input of any size has, or a number above 1. A convolution that
    takes the whole map leaves one, and then the view moves nothing."""
    if isinstance(size, Expr):
        return any(size == Expr.symbol(name) for name in size.symbols())
    return isinstance(size, int) and size > 1


def _viewed(found: LossView) -> Node | None:
    """Returns the reshape that takes (…, C), straight from a layer of C units, for (batch, C, …)."""
    node = _input(found)
    if node is None or not has(node.op, "reshapes") or not node.inputs:
        return None
    source, sizes = origin(found.view, node.inputs[0]), sizes_of(node)
    classes, shape = width_of(found.view, source), found.view.graph.nodes[node.inputs[0]].shape
    if len(sizes) < 3 or not isinstance(classes, int) or classes < 2 or sizes[1] != classes:
        return None
    if shape is None:
        return node if _of_sequence(found.view, source) else None
    return node if len(shape) > 2 and shape[-1] == classes and shape[1] not in (1, classes) else None


def _of_sequence(view: View, node: Node) -> bool:
    """Whether a layer reads all steps of a recurrent layer's output, (batch, time, features)."""
    while node.inputs and not has(node.op, "over_sequence"):
        whole = node.op == "getitem" and node.get("index") == 0 and _recurrent(view, node.inputs[0])
        each = node.op == "linear" or has(node.op, "copies") or has(node.op, "over_features")
        if not whole and not each and view.kinds[node.index] not in ("dropout", "activation"):
            return False
        node = view.graph.nodes[node.inputs[0]]
    return has(node.op, "over_sequence")


def _recurrent(view: View, index: int) -> bool:
    return has(view.graph.nodes[index].op, "over_sequence")
