"""Facts of a difference whose two sides are one value, computed twice."""

from __future__ import annotations

from collections.abc import Callable

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.order import loops_of
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.graph import Node
from vglint.ops import has


@fact("node", "flag")
def cancels(found: NodeView) -> bool:
    """A difference of two values that the same operations make of the same values, both with their gradient: exactly 0, as is its gradient. What
    draws random numbers, as dropout does, differs from call to call. Zeros that are made so to be put beside other values (`cat`) are meant to be 0."""
    view, node = found.view, found.node
    if node.op != "sub" or len(node.inputs) != 2:
        return False
    left, right = node.inputs
    turns = {loops_of(view, view.graph.nodes[each]) for each in (left, right, node.index)}
    if len(turns) > 1 or not _same(view, left, right, 0):
        return False  # in another turn, weights have moved between the two
    if _only_fills(view, node.index):
        return False
    return all(any(view.trains(each) for each in view.before([side], _cut(view))) for side in (left, right))


def _only_fills(view: View, index: int) -> bool:
    """Whether a value is only put beside others, as zeros of the right size and device are that pad what was shifted."""
    todo, fills = [index], False
    while todo:
        for reader in view.readers[todo.pop()]:
            node = view.graph.nodes[reader]
            if has(node.op, "joins") and len({*node.inputs}) > 1:
                fills = True
            elif any(
                has(node.op, moved) for moved in ("copies", "transposes", "reshapes", "rearranges", "repeats", "picks")
            ):
                todo.append(reader)
            else:
                return False
    return fills


def _cut(view: View) -> Callable[[Node], bool]:
    return lambda node: not view.keeps_history(node)


def _same(view: View, left: int, right: int, depth: int) -> bool:
    if left == right:
        return True
    one, other = view.graph.nodes[left], view.graph.nodes[right]
    alike = one.op == other.op and one.config == other.config and one.params == other.params
    if not alike or not one.inputs or len(one.inputs) != len(other.inputs) or depth > _DEPTH:
        return False
    if has(one.op, "draws") or view.kinds[left] in ("dropout", "other", "create", "train") or one.op == "opaque":
        return False
    if view.hides_operand(left) or (not view.carries_gradient(one) and not has(one.op, "gives_integers")):
        return False
    return all(_same(view, a, b, depth + 1) for a, b in zip(one.inputs, other.inputs, strict=True))


_DEPTH = 6
"""The most operations, one behind the other, that are compared."""
