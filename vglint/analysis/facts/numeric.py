"""Facts of operations whose gradient is infinite or NaN at the edge of their domain."""

from __future__ import annotations

from collections.abc import Callable

from vglint.analysis.facts.domain import (
    clamped_in_place,
    constant,
    generic,
    guarded,
    is_signed,
    moves,
    origin,
    scales,
    shifted,
    sine,
    squared_distances,
    sum_of_squares,
)
from vglint.analysis.facts.exponent import never_rounds_to_zero, softmax_by_hand
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View, number
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.value import Unknown

_HALF_ULP = 2.0**-25
"""1 - x rounds to 1 in float32 where x is below this."""


@fact("node", "flag")
def root(found: NodeView) -> bool:
    """A square root or a power with an exponent between 0 and 1, whose slope at 0 is infinite."""
    return _is_root(found.node)


@fact("node", "flag")
def root_of_squares(found: NodeView) -> bool:
    """A root whose argument is a sum, mean or product of squares with nothing added under the root: it is 0 where they all are."""
    return _is_root(found.node) and bool(found.node.inputs) and sum_of_squares(found.view, found.node.inputs[0])


@fact("node", "flag")
def root_of_difference(found: NodeView) -> bool:
    """A root whose argument is a difference that is 0 for equal vectors: squared distances by `|a|² + |b|² - 2 a·b`, or 1 minus a cosine's
    square."""
    if not _is_root(found.node) or not found.node.inputs:
        return False
    source = found.node.inputs[0]
    return squared_distances(found.view, source) or sine(found.view, source)


@fact("node", "flag")
def root_of_sine(found: NodeView) -> bool:
    """A root whose argument is 1 minus a cosine's square."""
    return _is_root(found.node) and bool(found.node.inputs) and sine(found.view, found.node.inputs[0])


@fact("node", "flag")
def squares_generic(found: NodeView) -> bool:
    """What is squared comes straight from a weight layer, an embedding or a normalisation, and is all zero for no input."""
    return bool(found.node.inputs) and generic(found.view, found.node.inputs[0])


@fact("node", "flag")
def squares_shifted(found: NodeView) -> bool:
    """What is squared is kept off zero itself: a constant was added to it, or a condition puts something else where it would be zero."""
    return bool(found.node.inputs) and shifted(found.view, found.node.inputs[0])


@fact("node", "flag")
def guarded_by_condition(found: NodeView) -> bool:
    """A Python condition on its result or its argument chooses whether a gradient passes it: `if d > 1e-5: x / d`."""
    view, node = found.view, found.node
    if _is_guarded(found, node.region):
        return True
    readers = [view.graph.nodes[index] for index in view.readers[node.index]]
    if any(reader.op == "join" and _is_guarded_there(found, reader) for reader in readers):
        return True
    passing = [reader for reader in readers if view.carries_gradient(reader)]
    return bool(passing) and all(_is_guarded(found, reader.region) for reader in passing)


def _is_guarded_there(found: NodeView, join: Node) -> bool:
    """Whether a node is what is returned where a condition on it does not return something else before: `if c > 0.999: return 1 - c`."""
    others = [found.view.graph.nodes[index] for index in join.inputs if index != found.node.index]
    return bool(others) and all(_is_guarded(found, other.region) for other in others)


def _is_guarded(found: NodeView, region: int) -> bool:
    """Whether a region lies in an arm of a condition on a node or its argument."""
    own = {found.node.index, *found.node.inputs}
    for index in found.view.regions_of(region):
        condition = found.view.graph.regions[index].condition
        if condition is not None and own & {condition, *found.view.before([condition])}:
            return True
    return False


@fact("node", "flag")
def epsilon_outside(found: NodeView) -> bool:
    """A small constant is added to the result, where it protects the division but not the root's slope."""
    view = found.view
    for index in view.readers[found.node.index]:
        node = view.graph.nodes[index]
        value = constant(node) if node.op == "add" and len(node.inputs) == 1 else None
        if value is not None and 0 < value <= 1e-3:
            return True
    return False


@fact("node", "flag")
def of_probability(found: NodeView) -> bool:
    """Its argument is a softmax's or a sigmoid's result as it is, or a value that is used as a probability: selected between p and 1 - p. A
    sigmoid that scales something else is none: that is an affine flow and the logarithm of its determinant."""
    if not found.node.inputs:
        return False
    if clamped_in_place(found.view, found.node.inputs[0]):
        return False
    made = origin(found.view, found.node.inputs[0])
    if made.op == "sigmoid" and scales(found.view, made.index):
        return False
    if has(made.op, "subtracts") and len(made.inputs) == 1 and constant(made) == 1 and made.get("other") is None:
        made = origin(found.view, made.inputs[0])  # 1 - p is a probability where p is one
    if made.op == "sigmoid" and _is_own_rate(found.view, made):
        return False
    picked = made
    while has(picked.op, "gathers") and picked.inputs:
        picked = origin(found.view, picked.inputs[0])
    if never_rounds_to_zero(found.view, picked):
        return False
    return (
        made.op == "softmax"
        or softmax_by_hand(found.view, picked)
        or made.op == "sigmoid"
        or _complement(found.view, made)
        or _weighed(found.view, found.node, made)
    )


def _is_own_rate(view: View, node: Node) -> bool:
    """Whether a sigmoid is of a parameter itself, such as a dropout's rate: steps of an optimiser hardly take it to where it rounds, as the
    output of a layer does that grows with the weights."""
    source = origin(view, node.inputs[0]) if node.inputs else node
    return source.op == "parameter" and view.trains(source.index)


@fact("node", "flag")
def of_signed(found: NodeView) -> bool:
    """A logarithm or a power that is no whole number, whose argument is the output of a layer or a normalisation as it is, so that about half
    of its entries start below zero; a result that `torch.where` chooses from is none."""
    view, node = found.view, found.node
    if not node.inputs or not _needs_positive(node):
        return False
    index = node.inputs[0]
    if is_chosen_from(view, node) or clamped_in_place(view, index):
        return False
    source = view.graph.nodes[index]
    while source.inputs and len(source.inputs) == 1 and moves(view, source):
        source = view.graph.nodes[source.inputs[0]]
    return is_signed(view, source)


@fact("node", "places")
def argument_place(found: NodeView) -> tuple[Place, ...]:
    """Where its argument is made."""
    return (found.view.place(origin(found.view, found.node.inputs[0]).index),) if found.node.inputs else ()


@fact("node", "places")
def hidden_nan(found: NodeView) -> tuple[Place, ...]:
    """Of a torch.where: its arms that are log, root, division or inverse of a value that only the condition keeps in the domain.
    The arm that is not chosen still gets a gradient, 0 times infinity."""
    node, view = found.node, found.view
    if node.op != "where" or len(node.inputs) < 2:
        return ()
    condition = view.argument(node, "condition")
    tested = view.before([condition]) if condition is not None else set()
    compared = {
        source
        for index in tested
        if has(view.graph.nodes[index].op, "gives_truths")
        for source in view.graph.nodes[index].inputs
    }
    places = []
    for arm in (each for index in node.inputs[1:] for each in _summands(view, index)):
        if has(arm.op, "singular") or _is_root(arm):
            risky = arm.inputs[:1]
        elif arm.op == "div" and len(arm.inputs) == 2:
            risky = arm.inputs[1:]
        elif arm.op == "div" and number(arm.get("input")) is not None:
            risky = arm.inputs
        else:
            continue
        for source in risky:
            behind = [view.graph.nodes[index] for index in view.before([source], _cuts(view))]
            moves = any(view.trains(each.index) or each.op == "input" or view.is_marked(each) for each in behind)
            if (
                moves
                and not guarded(view, source)
                and (source in tested or _follows(view, source, compared))
                and view.graph.nodes[source].op != "where"
            ):
                places.append(view.place(arm.index))
    return tuple(dict.fromkeys(places))


def _summands(view: View, index: int) -> list[Node]:
    """Returns what a value is the sum or product of, beyond numbers: a gradient of 0 reaches each as 0."""
    found: list[Node] = []
    todo = [index]
    while todo and len(found) < _STEPS:
        node = origin(view, todo.pop())
        if has(node.op, "affine") and node.op != "div":
            todo += reversed(node.inputs)
        else:
            found.append(node)
    return found


def _follows(view: View, index: int, compared: set[int]) -> bool:
    """Whether a value is computed from a compared one alone, entry by entry (`r**2 - 1` from `r`), or is 0 where that is (`n / rate`)."""
    for _ in range(_STEPS):
        if index in compared:
            return True
        node = view.graph.nodes[index]
        if has(node.op, "scales") and len(node.inputs) == 2:
            return any(each in compared for each in node.inputs[: 1 if node.op == "div" else 2])
        if len(node.inputs) != 1 or not (has(node.op, "affine") or has(node.op, "squares") or has(node.op, "roots")):
            return False
        index = node.inputs[0]
    return False


_STEPS = 8
"""Operations between a compared value and the argument of a function that are followed."""


@fact("node", "number")
def clamp_max(found: NodeView) -> float | Unknown:
    """The literal upper bound of a clamp."""
    value = number(found.node.get("max")) if found.node.op == "clamp" else None
    return value if value is not None else unknown("no literal upper bound")


@fact("node", "flag")
def clamps_nothing(found: NodeView) -> bool:
    """A clamp to at most 1 - eps whose eps is below half a step of float32 at 1, so that 1 stays 1."""
    value = number(found.node.get("max")) if found.node.op == "clamp" else None
    return value is not None and 1 - _HALF_ULP < value < 1


@fact("node", "number")
def input_scale(found: NodeView) -> float | Unknown:
    """The literal factor that its argument was multiplied by (or one over the literal that it was divided by)."""
    if not found.node.inputs:
        return unknown("no argument")
    made = origin(found.view, found.node.inputs[0])
    value = constant(made) if has(made.op, "scales") and len(made.inputs) == 1 else None
    if value is None or value == 0:
        return unknown("no literal scale")
    return abs(value) if made.op == "mul" else 1 / abs(value)


@fact("node", "flag")
def feeds_layers(found: NodeView) -> bool:
    """Its result goes only into trained weight layers, through reshapes, dropout and normalisations: it is no gate and no output."""
    return _feeds_layers(found.view, found.node.index)


def _cuts(view: View) -> Callable[[Node], bool]:
    return lambda node: not view.carries_gradient(node)


def _feeds_layers(view: View, index: int) -> bool:
    for reader in view.readers[index]:
        node = view.graph.nodes[reader]
        if view.kinds[reader] in ("shape", "dropout", "norm"):
            if not _feeds_layers(view, reader):
                return False
        elif not (view.is_weight(node) and node.inputs[0] == index):
            return False
    return bool(view.readers[index])


def _is_root(node: Node) -> bool:
    if node.op == "sqrt":
        return True
    exponent = _exponent(node)
    return exponent is not None and 0 < exponent < 1


def _exponent(node: Node) -> float | None:
    """Returns the number that a power has as its exponent."""
    return constant(node) if node.op == "pow" and len(node.inputs) == 1 and node.get("input") is None else None


def is_chosen_from(view: View, node: Node) -> bool:
    """Whether `torch.where` chooses from a value, or from sums and multiples of it."""
    seen, todo = set[int](), [node.index]
    while todo and len(seen) < _STEPS:
        for reader in view.readers[todo.pop()]:
            found = view.graph.nodes[reader]
            if found.op == "where":
                return True
            if reader not in seen and (has(found.op, "affine") or moves(view, found)):
                seen.add(reader)
                todo.append(reader)
    return False


def _needs_positive(node: Node) -> bool:
    """Whether a node is NaN for every negative argument."""
    if node.op != "pow":
        return has(node.op, "logarithm") or has(node.op, "roots")
    exponent = _exponent(node)
    return exponent is not None and exponent != int(exponent)


def _complement(view: View, node: Node) -> bool:
    """Whether a value is chosen between p and 1 - p, which only a probability is: by a condition, or as `y p + (1 - y) (1 - p)`."""
    if node.op == "add" and len(node.inputs) == 2:
        factors = [view.graph.nodes[index] for index in node.inputs]
        if all(each.op == "mul" and len(each.inputs) == 2 for each in factors):
            here, there = ([origin(view, index).index for index in each.inputs] for each in factors)
            return all(_less_than_one(view, index, there) for index in here) or all(
                _less_than_one(view, index, here) for index in there
            )
        return False
    if node.op != "where" or len(node.inputs) != 3:
        return False
    left, right = (view.graph.nodes[index] for index in node.inputs[1:])
    for one, other in ((left, right), (right, left)):
        if has(one.op, "subtracts") and one.inputs == (other.index,) and constant(one) == 1.0:
            return True
    return False


def _less_than_one(view: View, index: int, others: list[int]) -> bool:
    """Whether 1 minus a value is among others."""
    nodes = (view.graph.nodes[each] for each in others)
    return any(
        has(node.op, "subtracts") and constant(node) == 1 and origin(view, node.inputs[0]).index == index
        for node in nodes
        if len(node.inputs) == 1
    )


def _weighed(view: View, logarithm: Node, made: Node) -> bool:
    """Whether the logarithm of what a loss is given, or an average of it, is multiplied by what it is given and summed: a cross-entropy or
    an entropy written out, whose argument is a probability."""
    while (has(made.op, "sums") or made.op == "div" or made.op == "gather") and made.inputs:
        if made.op == "div" and len(made.inputs) != 1:
            return False
        made = origin(view, made.inputs[0])
    if made.op != "input" or any(parameter.trainable for parameter in view.graph.parameters):
        return False
    todo = [logarithm.index]
    while todo:
        for reader in view.readers[todo.pop()]:
            node = view.graph.nodes[reader]
            if node.op == "neg" or moves(view, node):
                todo.append(reader)
            elif node.op == "mul" and len(set(node.inputs)) == 2:
                others = [source for source in node.inputs if logarithm.index not in view.before([source])]
                if any(view.graph.nodes[each].op == "input" for each in view.before(others)):
                    return True
    return False
