"""Facts of heads and positions that are taken for one another."""

from __future__ import annotations

from collections.abc import Iterator

from vglint.analysis.facts.axes import named_axis, sizes_of
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.graph import Node
from vglint.ops import has
from vglint.value import Expr, Literal_, divided, times


@fact("node", "text")
def heads_fault(found: NodeView) -> str:
    """Of a view: how it splits features into heads, or joins heads into features, without moving the axis of the positions: `split`, `join`;
    `none`."""
    node, view = found.node, found.view
    if not has(node.op, "reshapes") or not node.inputs:
        return "none"
    source, sizes = view.graph.nodes[node.inputs[0]], sizes_of(node)
    kept = len(sizes) == 5 and source.shape is not None and source.shape[1:2] == sizes[1:2]
    if not kept and any(_splits(view, source, each) for each in _in_four(sizes)):
        return "split"
    if len(sizes) == 3 and _joins(view, source, sizes):
        return "join"
    return "split" if len(sizes) == 3 and _folds(view, source, sizes) else "none"


def _in_four(sizes: tuple[Literal_, ...]) -> Iterator[tuple[Literal_, ...]]:
    """Yields sizes as (batch, heads, positions, size), also where one axis more tells queries, keys and values apart: (batch, 3, heads, positions,
    size)."""
    if len(sizes) == 4:
        yield sizes
    elif len(sizes) == 5 and not named_axis(sizes[1], 1):
        batch, one, two, three, size = sizes
        if -1 not in (one, two):
            yield batch, _whole(one, two), three, size
        if -1 not in (three, size):
            yield batch, one, two, _whole(three, size)


def _folds(view: View, source: Node, sizes: tuple[Literal_, ...]) -> bool:
    """Whether what a linear layer made, (batch, positions, heads · size), is viewed as (batch · heads, positions, size) at once."""
    first, _, size = sizes
    width = width_of(view, source)
    if not isinstance(size, int) or not isinstance(width, int) or size < 1 or width % size or width == size:
        return False
    heads, shape = width // size, source.shape
    if isinstance(first, Expr):
        return any(name.endswith(".0") and first == times(Expr.symbol(name), heads) for name in first.symbols())
    return shape is not None and len(shape) == 3 and isinstance(shape[0], int) and first == shape[0] * heads


def _splits(view: View, source: Node, sizes: tuple[Literal_, ...]) -> bool:
    batch, heads, positions, size = sizes
    if heads in (1, -1) or positions == 1:
        return False  # an axis is put in, or what was split before is joined
    shape = source.shape
    width = shape[-1] if shape is not None and len(shape) == 3 else width_of(view, source)
    if (
        (batch == -1 and (width is None or not _makes(heads, size, width)))
        or (size != -1 and size == width)
        or named_axis(size, 2)
    ):
        return False  # the batch is split: (batch · groups, positions, size) as (batch, groups, positions, size)
    if shape is not None and len(shape) != 3:
        return False
    if shape is not None and len(shape) == 3 and not _unknown_rank(shape):
        if shape[0] != batch and batch != -1:
            return False
        if positions == -1:
            made = _whole(heads, size) is not None or width_of(view, source) is not None
            return made and width is not None and _makes(heads, size, width) and shape[1] not in (None, heads)
        if shape[1] == heads or shape[1] != positions or shape[1] is None:
            return False
        return width is None or size == -1 or _makes(heads, size, width)
    if not (named_axis(batch, 0) or batch == -1):
        return False
    if positions == -1:
        return width is not None and _makes(heads, size, width)
    return (
        named_axis(positions, 1)
        and not named_axis(heads, 1)
        and width is not None
        and (size == -1 or _makes(heads, size, width))
    )


def _unknown_rank(shape: tuple[object, ...]) -> bool:
    return all(dim is None for dim in shape[:2])


def _joins(view: View, source: Node, sizes: tuple[Literal_, ...]) -> bool:
    shape = source.shape
    if shape is None or len(shape) != 4:
        return False
    batch, heads, positions, size = shape
    if heads is None or positions == heads or 1 in (positions, heads):
        return False
    if sizes[1] == -1 and (sizes[0] == batch or (named_axis(sizes[0], 0) and named_axis(batch, 0))):
        return isinstance(heads, int) and _whole(heads, size) == sizes[2] and _averages(view, source)
    if positions is None:
        return False
    if sizes[0] not in (batch, -1) or sizes[1] != positions:
        return False
    if sizes[0] == -1 and size in (None, sizes[2]):
        return False  # the second axis is joined with the batch: (batch, windows, positions, size) as (batch · windows, positions, size)
    return sizes[2] == -1 or _makes(heads, size, sizes[2])


def _averages(view: View, node: Node) -> bool:
    """Whether a value is what attention gave: a product of matrices, as it is."""
    while (has(node.op, "copies") or view.kinds[node.index] == "dropout") and node.inputs:
        node = view.graph.nodes[node.inputs[0]]
    return view.kinds[node.index] == "attention" or (has(node.op, "multiplies") and node.op != "mul")


def _makes(heads: Literal_, size: Literal_, width: object) -> bool:
    """Whether heads of a size make a width up; a width may be known as a number in one place and by its axis, or three times that, in another."""
    whole = _whole(heads, size)
    if whole == width or (isinstance(width, Expr) and named_axis(width, 2)):
        return True
    if not isinstance(whole, Expr):
        return False
    parts = [divided(whole, Expr.symbol(name)) for name in whole.symbols() if name.endswith(".2")]
    return any(isinstance(part, int) for part in parts)


def _whole(left: Literal_, right: Literal_) -> Literal_:
    if isinstance(left, (int, Expr)) and isinstance(right, (int, Expr)):
        return times(left, right)
    return None


def width_of(view: View, node: Node) -> object:
    """Returns the size of the last axis of what a linear layer made."""
    while node.inputs:
        if node.op == "linear":
            return node.get("out_features")
        each = has(node.op, "copies") or has(node.op, "over_features")
        if not each and view.kinds[node.index] not in ("dropout", "activation"):
            return None
        node = view.graph.nodes[node.inputs[0]]
    return None
