"""Facts of arguments that reach the edge of a function's domain: what rounds to it, what is exactly there for equal values, what starts beyond it."""

from __future__ import annotations

from vglint.analysis.facts.domain import constant, floors_at_zero, generic, is_signed, origin, sum_of_squares
from vglint.analysis.facts.klass import RANDOM
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.numeric import is_chosen_from, of_probability, root
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View, number
from vglint.graph import Node
from vglint.ops import has


@fact("node", "flag")
def root_of_variance(found: NodeView) -> bool:
    """A root whose argument is a variance by hand, the mean of the squares minus the square of the mean: rounding takes it below 0."""
    if not root(found) or not found.node.inputs:
        return False
    node, view = origin(found.view, found.node.inputs[0]), found.view
    if node.op != "sub" or len(node.inputs) != 2:
        return False
    mean, square = (origin(view, index) for index in node.inputs)
    whole = _squared(view, mean.inputs[0]) if mean.op == "mean" and mean.inputs else None
    middle = _squared(view, square.index)
    averaged = origin(view, middle) if middle is not None else None
    return (
        whole is not None
        and averaged is not None
        and averaged.op == "mean"
        and origin(view, averaged.inputs[0]).index == origin(view, whole).index
    )


@fact("node", "flag")
def root_of_probability(found: NodeView) -> bool:
    """A root, or a power with an exponent between 0 and 1, of a sigmoid's result or of 1 minus a probability: exactly 0 where it rounds."""
    made = origin(found.view, found.node.inputs[0]) if found.node.inputs else None
    return made is not None and root(found) and made.op != "softmax" and of_probability(found) is True


@fact("node", "flag")
def of_squashed(found: NodeView) -> bool:
    """A logarithm of 1 minus the square of a tanh with nothing added: exactly 0 where the tanh rounds to ±1, for arguments beyond 9."""
    view, node = found.view, found.node
    if not has(node.op, "logarithm") or not node.inputs:
        return False
    less = origin(view, node.inputs[0])
    if not has(less.op, "subtracts") or len(less.inputs) != 1 or constant(less) != 1 or less.get("other") is not None:
        return False
    inside = _squared(view, less.inputs[0])
    factor, made = _unscaled(view, inside) if inside is not None else (0.0, None)
    return made is not None and made.op == "tanh" and abs(abs(factor) - 1) < 1e-6


@fact("node", "flag")
def of_one_and_squares(found: NodeView) -> bool:
    """An acosh of 1 plus a sum of squares that is 0 for equal points: hyperbolic distance. Its slope at 1 is infinite."""
    view, node = found.view, found.node
    if node.op != "acosh" or not node.inputs:
        return False
    made = origin(view, node.inputs[0])
    while made.inputs and len(made.inputs) == 1 and has(made.op, "floors") and number(made.get("min")) == 1:
        made = origin(view, made.inputs[0])
    if made.op != "add" or len(made.inputs) != 1 or constant(made) != 1:
        return False
    part = origin(view, made.inputs[0])
    while has(part.op, "scales") and part.inputs and not sum_of_squares(view, part.index):
        part = origin(view, part.inputs[0])
    return sum_of_squares(view, part.index) and not generic(view, part.index)


@fact("node", "flag")
def of_rectified(found: NodeView) -> bool:
    """A logarithm of what a ReLU leaves of a layer's output, as it is: about half of its entries are exactly 0. A result that `torch.where` chooses
    from is none."""
    view, node = found.view, found.node
    if not has(node.op, "logarithm") or not node.inputs or is_chosen_from(view, node):
        return False
    made = origin(view, node.inputs[0])
    return floors_at_zero(made) and bool(made.inputs) and is_signed(view, origin(view, made.inputs[0]))


@fact("node", "flag")
def of_determinant(found: NodeView) -> bool:
    """A logarithm of the determinant of a square matrix that starts with random numbers: it is negative in half of all runs."""
    view, node = found.view, found.node
    made = node if node.op == "logdet" else None
    if made is None and has(node.op, "logarithm") and node.inputs:
        made = origin(view, node.inputs[0])
    if made is None or (made.op != "det" and made.op != "logdet") or not made.inputs:
        return False
    matrix = origin(view, made.inputs[0])
    own = [view.graph.parameters[index] for _, index in matrix.params]
    return matrix.op == "parameter" and bool(own) and all(each.init.scheme in RANDOM and not each.late for each in own)


def _squared(view: View, index: int) -> int | None:
    """Returns what a value is the square of."""
    node = origin(view, index)
    squares = node.op == "square" or (node.op == "pow" and constant(node) == 2)
    squares = squares or (node.op == "mul" and len(node.inputs) == 2 and node.inputs[0] == node.inputs[1])
    return node.inputs[0] if squares and node.inputs else None


def _unscaled(view: View, index: int) -> tuple[float, Node]:
    """Returns the factor of a value that is the product of the numbers on its way, and what it is a multiple of."""
    factor, node = 1.0, origin(view, index)
    while has(node.op, "scales") and len(node.inputs) == 1:
        value = constant(node)
        if not value or (node.op != "mul" and node.get("other") is None):
            break
        factor = factor * value if node.op == "mul" else factor / value
        node = origin(view, node.inputs[0])
    return factor, node
