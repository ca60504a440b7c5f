"""Facts of a loss between tensors of different shapes, which broadcasting makes a table of every prediction with every target."""

from __future__ import annotations

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.graph import Node
from vglint.ops import has
from vglint.shape import Shape, shape_text
from vglint.value import Expr, Unknown


@fact("node", "flag")
def pairs_all(found: NodeView) -> bool:
    """An elementwise loss, or a difference that is squared or made positive and averaged, between (N, 1) and (N,): every prediction is compared
    with every target. Not where an axis was put in on purpose beside a plain difference (pairwise distances), nor where all targets are one number,
    as in a GAN: the mean over the table is then that over the predictions."""
    view, node = found.view, found.node
    shapes = _operands(view, node)
    if shapes is None or not _table(*shapes) or any(_is_even(view, index) for index in node.inputs[:2]):
        return False
    if has(node.op, "compares"):
        return True
    if any(_put_in(view, index) for index in node.inputs):
        return False
    return _averaged(view, node.index) or (_one_side_trains(view, node) and _sums_up(view, node.index))


@fact("node", "flag")
def stretches_column(found: NodeView) -> bool:
    """A loss of torch's between what a model gives, (N, 1), and a target of several columns that no gradient reaches, (N, K): one prediction is
    compared with each of the K."""
    view, node = found.view, found.node
    shapes = _operands(view, node)
    if shapes is None or not has(node.op, "compares") or any(len(shape) != 2 for shape in shapes):
        return False
    (rows, one), (others, many) = shapes
    if one != 1 or not isinstance(many, int) or many < 2 or rows is None or rows != others or rows == 1:
        return False
    live = [view.before([index], lambda each: not view.keeps_history(each)) for index in node.inputs[:2]]
    target = [view.graph.nodes[index] for index in live[1] if not view.in_region(view.graph.nodes[index], "no_grad")]
    return any(view.trains(index) for index in live[0]) and not any(view.trains(each.index) for each in target)


@fact("node", "text")
def prediction_shape(found: NodeView) -> str | Unknown:
    """The shape of its first operand: `(32, 1)`."""
    shapes = _operands(found.view, found.node)
    return _text(shapes[0]) if shapes is not None else unknown("a shape is not known")


@fact("node", "text")
def target_shape(found: NodeView) -> str | Unknown:
    """The shape of its second operand: `(32,)`."""
    shapes = _operands(found.view, found.node)
    return _text(shapes[1]) if shapes is not None else unknown("a shape is not known")


def _text(shape: Shape) -> str:
    """Returns a shape with N for a size that is not known, or known only as that of some value on the way."""
    sizes = (None if isinstance(size, Expr) and str(size).startswith("%") else size for size in shape)
    return shape_text(tuple(sizes)).replace("?", "N")


@fact("node", "flag")
def sizes_known(found: NodeView) -> bool:
    """Both shapes are known in numbers."""
    shapes = _operands(found.view, found.node)
    return shapes is not None and all(isinstance(size, int) for shape in shapes for size in shape)


def _operands(view: View, node: Node) -> tuple[Shape, Shape] | None:
    if len(node.inputs) < 2 or (not has(node.op, "compares") and node.op != "sub"):
        return None
    left, right = (_shape_of(view, index) for index in node.inputs[:2])
    return None if left is None or right is None else (left, right)


def _shape_of(view: View, index: int) -> Shape | None:
    """Returns the shape of a value. `squeeze()` leaves a batch whose size is not known as it is: only one of a single sample would go."""
    node = view.graph.nodes[index]
    if node.shape is not None or node.op != "squeeze" or node.get("dim") is not None or not node.inputs:
        return node.shape
    given = view.graph.nodes[node.inputs[0]].shape
    if given is None or given[:1] != (None,) or any(not isinstance(size, int) for size in given[1:]):
        return None
    return (None, *(size for size in given[1:] if size != 1))


def _table(left: Shape, right: Shape) -> bool:
    """Whether one is a column and the other a row of as many entries, more than one."""
    if len(left) == len(right) == 2:
        return left[1] == 1 and right[0] == 1 and left[0] == right[1] and isinstance(left[0], int) and left[0] > 1
    column, row = (left, right) if len(left) == 2 else (right, left)
    if len(column) != 2 or len(row) != 1 or column[1] != 1:
        return False
    return column[0] != 1 and row[0] != 1 and (column[0] == row[0] or column[0] is None or row[0] is None)


def _is_even(view: View, index: int) -> bool:
    """Whether all entries of a value are one number: `torch.ones(n, 1)`, `0.9 * torch.ones(n)`."""
    node = view.graph.nodes[index]
    while len(node.inputs) == 1 and (
        view.kinds[node.index] == "shape" or has(node.op, "copies") or has(node.op, "affine")
    ):
        node = view.graph.nodes[node.inputs[0]]
    data = node.get("data") if node.op == "tensor" else None
    numbers = data if isinstance(data, tuple) and len(data) > 1 and isinstance(data[0], (int, float, Expr)) else ()
    return has(node.op, "even") or (bool(numbers) and all(each == numbers[0] for each in numbers))


def _put_in(view: View, index: int) -> bool:
    """Whether the last thing that was done to a value is that an axis was put in."""
    node = view.graph.nodes[index]
    index_ = node.get("index")
    return node.op == "unsqueeze" or (node.op == "getitem" and isinstance(index_, tuple) and None in index_)


def _averaged(view: View, index: int) -> bool:
    """Whether a difference is squared or made positive and then averaged or summed into one number that is sent back."""
    for square in view.readers[index]:
        node = view.graph.nodes[square]
        if not (has(node.op, "squares") or node.op in ("abs", "square")):
            continue
        for reader in view.readers[square]:
            total = view.graph.nodes[reader]
            if total.op in ("mean", "sum") and total.get("dim") is None and _sent_back(view, reader):
                return True
    return False


def _one_side_trains(view: View, node: Node) -> bool:
    """Whether one operand is a prediction and the other is not, and neither was given its shape right before."""
    learning = sorted(index in view.learning for index in node.inputs)
    return learning == [False, True] and not any(view.kinds[index] == "shape" for index in node.inputs)


def _sums_up(view: View, index: int) -> bool:
    """Whether a difference becomes one number that is sent back by ops that take each of its entries by itself: log-cosh, a pinball loss."""
    todo, seen = [index], {index}
    while todo:
        for reader in view.readers[todo.pop()]:
            node = view.graph.nodes[reader]
            if node.op in ("mean", "sum") and node.get("dim") is None:
                if _sent_back(view, reader):
                    return True
            elif reader not in seen and _each_by_itself(view, node):
                seen.add(reader)
                todo.append(reader)
    return False


def _each_by_itself(view: View, node: Node) -> bool:
    if has(node.op, "joins") or (has(node.op, "multiplies") and node.op != "mul"):
        return False
    return view.kinds[node.index] in ("elementwise", "activation", "combine")


def _sent_back(view: View, index: int) -> bool:
    ends = {node.index for node in view.nodes("backward")} | {end for _, end in view.graph.outputs}
    return bool(view.after([index]) & ends)
