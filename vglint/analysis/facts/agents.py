"""Facts of agents' losses in which a value that stands for a number carries a gradient: the target of a value, the advantage of an action."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from vglint.analysis.facts.domain import constant, moves, origin
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has

# ---- targets


class _Term(Struct, frozen=True):
    """A summand of a difference: its sign, the node that scales it by a number or by data, and the node that is left."""

    sign: int
    scaled: int | None
    node: int | None
    """None for a number, and for data that is no tensor."""


@fact("node", "places")
def live_target(found: NodeView) -> tuple[Place, ...]:
    """Of a squared or absolute difference, by a loss or by hand, that is sent back: the value of a later state, scaled and added to data, that a net gives
    with its gradient, where what it is compared with is another value of the same net."""
    view, node = found.view, found.node
    if not view.sent_back():
        return ()
    terms = list(_difference(view, node))
    live = {term.node: term for term in terms if term.node is not None and term.node in view.learning}
    data = [term for term in terms if term.node not in live]
    if len(live) != 2 or len(live) + len(data) < len(terms) or not data or not all(_given(view, term) for term in data):
        return ()
    later = [term for term in live.values() if term.scaled is not None]
    now = [term for term in live.values() if term.scaled is None]
    if len(later) != 1 or len(now) != 1 or later[0].sign == now[0].sign or data[0].sign != later[0].sign:
        return ()
    same = _nets(view, later[0].node) & _nets(view, now[0].node)
    return (
        view.places([later[0].scaled] if later[0].scaled is not None else []) if same and _sent_back(view, node) else ()
    )


def _difference(view: View, node: Node) -> Iterator[_Term]:
    """Yields the summands of what a regression loss, or a square by hand, makes small."""
    if view.kinds[node.index] == "loss" and has(node.op, "compares") and len(node.inputs) == 2:
        yield from _summands(view, node.inputs[0], 1, None, 0)
        yield from _summands(view, node.inputs[1], -1, None, 0)
    elif has(node.op, "squares") and constant(node) in (2, None) and len(set(node.inputs)) == 1:
        yield from _summands(view, node.inputs[0], 1, None, 0)


def _summands(view: View, index: int, sign: int, scaled: int | None, depth: int) -> Iterator[_Term]:
    """Yields the summands of a value; a sum of live values alone, such as a duelling net's, is one."""
    node = view.graph.nodes[index]
    while moves(view, node) and node.inputs and not has(node.op, "gathers"):
        node = view.graph.nodes[node.inputs[0]]
    added, taken = has(node.op, "adds"), has(node.op, "subtracts")
    live = [each for each in node.inputs if each in view.learning]
    if depth < _DEEPEST and node.op == "neg":
        yield from _summands(view, node.inputs[0], -sign, scaled, depth + 1)
        return
    factor = constant(node) if len(node.inputs) == 1 else None
    if depth < _DEEPEST and node.op == "mul" and len(live) == 1 and (factor is None or _LEAST <= factor <= 1):
        yield from _summands(view, live[0], sign, node.index, depth + 1)
        return
    if depth < _DEEPEST and (added or taken) and 1 <= len(node.inputs) <= 2:
        parts = list(_parts(view, node, sign, scaled, depth))
        if any(part.node is None or part.node not in view.learning for part in parts):
            yield from parts
            return
    yield _Term(sign, scaled, node.index)


_DEEPEST = 8
_LEAST = 0.5
"""The smallest discount; a smaller factor is the step of an equation, or a weight."""


def _parts(view: View, node: Node, sign: int, scaled: int | None, depth: int) -> Iterator[_Term]:
    """Yields the summands of a sum or difference; a number, or data that is no tensor, is one without a node."""
    taken = has(node.op, "subtracts")
    first = node.get("input") is not None or node.get("self") is not None
    signs = (sign, -sign if taken else sign)
    if len(node.inputs) == 1:
        own, other = (signs[1], signs[0]) if first else signs
        yield _Term(other, scaled, None)
        yield from _summands(view, node.inputs[0], own, scaled, depth + 1)
        return
    for each, own in zip(node.inputs, signs, strict=True):
        yield from _summands(view, each, own, scaled, depth + 1)


def _given(view: View, term: _Term) -> bool:
    """Whether a summand is made of data alone."""
    behind = [view.graph.nodes[each] for each in view.before([] if term.node is None else [term.node])]
    return not any(view.trains(each.index) or each.op == "opaque" for each in behind)


def _nets(view: View, index: int | None) -> set[int]:
    behind = view.before([] if index is None else [index], lambda node: not view.keeps_history(node))
    moved = {param for node in view.nodes("optimizer") for _, param in node.params}
    return {param for each in behind for _, param in view.graph.nodes[each].params} & moved


# ---- advantages


@fact("node", "places")
def live_advantage(found: NodeView) -> tuple[Place, ...]:
    """Of the product of a chosen action's log-probability with a difference of which one side, a value that the critic is also fitted with, has a
    gradient, where the product is averaged and sent back: that difference."""
    view, node = found.view, found.node
    if (
        not view.sent_back()
        or not has(node.op, "multiplies")
        or len(node.inputs) != 2
        or view.in_region(node, "no_grad")
    ):
        return ()
    for chosen, weight in (node.inputs, node.inputs[::-1]):
        difference = origin(view, weight)
        if not _log_probability(view, chosen) or difference.op != "sub" or len(difference.inputs) != 2:
            continue
        live = [side for side in difference.inputs if side in view.learning]
        if len(live) == 1 and _is_fitted(view, live[0]) and _sent_back(view, node):
            return (view.place(difference.index),)
    return ()


def _log_probability(view: View, index: int) -> bool:
    """Whether a value is the entry of log-probabilities that an action chooses."""
    node = view.graph.nodes[index]
    while node.inputs and not has(node.op, "gathers") and (node.op == "neg" or moves(view, node)):
        node = view.graph.nodes[node.inputs[0]]
    if not has(node.op, "gathers") or len(node.inputs) != 2:
        return False
    made = origin(view, node.inputs[0])
    split = made.op == "sub" and len(made.inputs) == 2 and view.graph.nodes[made.inputs[1]].op == "logsumexp"
    return made.op == "log_softmax" or split


def _is_fitted(view: View, index: int) -> bool:
    """Whether a regression loss compares a value too, or a square by hand does: what a critic gives."""
    value = origin(view, index).index
    for node in view.graph.nodes:
        if has(node.op, "compares") and view.kinds[node.index] == "loss":
            if value in {origin(view, each).index for each in node.inputs[:2]}:
                return True
        elif has(node.op, "squares") and node.inputs and constant(node) in (2, None):
            taken = origin(view, node.inputs[0])
            if taken.op == "sub" and value in {origin(view, each).index for each in taken.inputs}:
                return True
    return False


def _sent_back(view: View, node: Node) -> bool:
    return not view.after([node.index], lambda each: not view.carries_gradient(each)).isdisjoint(view.sent_back())
