"""Normalisations that are written out: a value divided by a root of its own mean square, variance or norm."""

from __future__ import annotations

from vglint.analysis.facts.domain import origin
from vglint.analysis.facts.view import View
from vglint.graph import Node
from vglint.ops import has

_STEPS = 12


def interior(view: View, node: Node) -> frozenset[int]:
    """Returns the nodes that compute what a product or quotient normalises its value by; none where it normalises nothing.

    A normalisation is x·r or x/r where r, through constants and one root, comes from a mean, sum or variance of x (or of what x was
    before its mean was taken off), or from its norm.
    """
    if not has(node.op, "scales") or len(node.inputs) != 2 or node.inputs[0] == node.inputs[1]:
        return frozenset()
    sides = [(node.inputs[0], node.inputs[1])]
    if node.op == "mul":
        sides.append((node.inputs[1], node.inputs[0]))
    for value, scale in sides:
        found = _statistic(view, scale, _bases(view, value))
        if found:
            return found
    return frozenset()


def _bases(view: View, value: int) -> frozenset[int]:
    """Returns what a statistic may be taken of: the value, and what it was before something was taken off."""
    node = origin(view, value)
    found = {node.index}
    if node.op == "sub":
        found |= {origin(view, source).index for source in node.inputs}
    return frozenset(found)


def _statistic(view: View, scale: int, bases: frozenset[int]) -> frozenset[int]:
    """Returns the way back from a scale to the value that it is a statistic of; empty where it is none."""
    passed: set[int] = set()
    index, rooted = scale, False
    for _ in range(_STEPS):
        node = view.graph.nodes[index]
        passed.add(index)
        rooted = rooted or has(node.op, "roots")
        if has(node.op, "statistic"):
            return _of(view, node, bases, passed) if rooted else frozenset()
        known = has(node.op, "roots") or _between(node) or view.kinds[index] == "shape" or origin(view, index) != node
        if not known or len(node.inputs) != 1:
            return frozenset()
        index = node.inputs[0]
    return frozenset()


def _between(node: Node) -> bool:
    """Whether an op may stand between a statistic and the scale that it becomes: an epsilon, a bound, a factor, an inverse."""
    return has(node.op, "floors") or has(node.op, "scales") or node.op == "add" or node.op == "reciprocal"


def _of(view: View, statistic: Node, bases: frozenset[int], passed: set[int]) -> frozenset[int]:
    index = statistic.inputs[0]
    for _ in range(_STEPS):
        if origin(view, index).index in bases:
            return frozenset(passed)
        node = view.graph.nodes[index]
        squares = (has(node.op, "squares") or node.op == "abs") and len(set(node.inputs)) == 1
        if not squares and (len(node.inputs) != 1 or origin(view, index) == node):
            return frozenset()
        passed.add(index)
        index = node.inputs[0]
    return frozenset()
