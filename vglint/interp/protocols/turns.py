"""What the turns of a loop of unknown length hand to one another. Where it is nothing, no path through the graph grows longer with their number."""

from __future__ import annotations

from typing import Any

from vglint.interp.machine.core import Frame, Run
from vglint.interp.machine.journal import LIST, MISSING, FieldKey, read_place
from vglint.interp.nodes.emit import shape_of
from vglint.interp.values.inside import nodes_of, tensors_of
from vglint.interp.values.objects import DictV, IteratorV, ListV, Locals, ModuleV, OpaqueV, ParamV, Scope, TensorV
from vglint.ops import having
from vglint.shape import Shape
from vglint.source import code
from vglint.source.names import target_names
from vglint.value import Expr

_SUMS = having("adds", "puts") | {"join"}
"""Ops by which turns put something into a tensor that all of them share, beside what others put there."""


def carried_by_turns(
    run: Run, log: list[tuple[Any, Any, Any]], start: int, loop: code.For | None, frame: Frame
) -> tuple[tuple[int, int], ...] | None:
    """Returns what each turn of a loop that was walked once hands to the next: the node that a turn starts from and the one that the next takes
    in its place. None where something else goes on too (a number, a list, a tensor of another shape), () where no turn reads what the turn
    before wrote, save the sums that all of them add to.

    `log` are the turn's writes and `start` its first node; `loop` is the statement, where it is one.
    """
    found: dict[int, int] = {}
    for holder, key, before in log:
        if _is_apart(run, holder, key, before, start, loop, frame):
            continue
        after = read_place(holder, key)
        handed = [(before, after)] if key == FieldKey("node") else pairs(run, before, after)
        if not handed or any(found.setdefault(old, new) != new for old, new in handed):
            return None
    return tuple(found.items())


def counts_on(log: list[tuple[Any, Any, Any]], loop: code.For, frame: Frame) -> bool:
    """Whether a turn leaves another number, or text, in a place that the next one may read: a width that doubles, the number of the stage."""
    return any(
        _is_plain(before) and read_place(holder, key) != before
        for holder, key, before in log
        if isinstance(holder, dict) and before is not MISSING and not _is_of_call(holder, frame)
        if not (holder is frame.scope.names and (key in target_names(loop.target) or _is_set_first(loop, key)))
    )


def _is_plain(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, (int, float, str, Expr))
        or (type(value) is tuple and all(map(_is_plain, value)))
    )


def pairs(run: Run, before: Any, after: Any) -> list[tuple[int, int]]:
    """Returns the nodes of tensors before a turn and behind it, where they are as many and each has the shape that it had."""
    old, new = tensors_of(before), tensors_of(after)
    if len(old) != len(new) or type(before) is not type(after) or isinstance(before, (ListV, DictV)):
        return []
    if not all(_may_be_alike(shape_of(run, each), shape_of(run, other)) for each, other in zip(old, new, strict=True)):
        return []
    return [(each.node, other.node) for each, other in zip(old, new, strict=True) if each.node != other.node]


def _may_be_alike(before: Shape | None, after: Shape | None) -> bool:
    """Whether two shapes have the same sizes, those that are not known aside."""
    if before is None or after is None:
        return True
    return len(before) == len(after) and all(
        one == other or one is None or other is None for one, other in zip(before, after, strict=True)
    )


def _is_apart(run: Run, holder: Any, key: Any, before: Any, start: int, loop: code.For | None, frame: Frame) -> bool:
    own = loop if holder is frame.scope.names else None
    if before is MISSING or _is_of_call(holder, frame) or (own is not None and key in target_names(own.target)):
        return True
    if isinstance(holder, (TensorV, ParamV)) and key == FieldKey("node"):
        return before is None or before >= start or _only_added_to(run, (before,), start)
    if isinstance(holder, (TensorV, IteratorV, OpaqueV)):
        return True
    if key is LIST:
        return not before
    if isinstance(key, FieldKey):
        return isinstance(holder, ListV) or (isinstance(holder, ModuleV) and key.name == "called")
    nodes = nodes_of(before)
    if nodes:
        return min(nodes) >= start or _only_added_to(run, tuple(node for node in nodes if node < start), start)
    after = read_place(holder, key)
    return after is before or (own is not None and _is_set_first(own, key))


def is_callees(holder: Any, frame: Frame) -> bool:
    """Whether a table holds the names of a function that was called from a frame, and that no function made there reads later."""
    return type(holder) is Locals and not holder.captured and _is_of_call(holder, frame)


def _is_of_call(holder: Any, frame: Frame) -> bool:
    """Whether a table holds the names of a call that a frame has made: those of the next turn's are another table."""
    if type(holder) is not Locals:
        return False
    scope: Scope | None = frame.scope
    while scope is not None and scope.names is not holder:
        scope = scope.parent
    return scope is None


def _only_added_to(run: Run, olds: tuple[int, ...], start: int) -> bool:
    """Whether all that a turn does with some tensors of before is to add to them."""
    shared = set(olds)
    for number in range(start, len(run.graph.nodes)):
        draft = run.graph.nodes[number]
        taken = [position for position, node in enumerate(draft.inputs) if node in shared]
        if not taken:
            continue
        if draft.op not in _SUMS or (draft.op != "join" and len(taken) > 1):
            return False
        if draft.op not in ("add", "join") and taken != [0]:
            return False
        shared.add(number)
    return True


def _is_set_first(loop: code.For, name: str) -> bool:
    """Whether a turn assigns a name before it reads it."""
    for statement in loop.body:
        if not _mentions(statement, name):
            continue
        if not isinstance(statement, code.Assign) or _mentions(statement.value, name):
            return False
        return any(name in target_names(target) for target in statement.targets)
    return True


def _mentions(node: code.Node, name: str) -> bool:
    return any(isinstance(each, code.Name) and each.id == name for each in code.walk(node))
