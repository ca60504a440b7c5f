"""Loops of unknown length whose turns do not follow on one another: however many there are, no path through the graph grows longer."""

from __future__ import annotations

from typing import Any

from vglint.interp.machine.core import Frame, Run
from vglint.interp.machine.journal import LIST, MISSING, FieldKey, read_place
from vglint.interp.syntax.carried import nodes_of
from vglint.interp.values.objects import IteratorV, ListV, Locals, ModuleV, ParamV, Scope, TensorV
from vglint.ops import having
from vglint.source import code
from vglint.source.names import target_names

_SUMS = having("adds", "puts") | {"join"}
"""Ops by which turns put something into a tensor that all of them share, beside what others put there."""


def turns_are_apart(run: Run, log: list[tuple[Any, Any, Any]], start: int, loop: code.For, frame: Frame) -> bool:
    """Whether no turn of a loop that was walked once reads what the turn before wrote, save the sums that all of them add to.

    `log` are the turn's writes and `start` its first node.
    """
    return all(_is_apart(run, holder, key, before, start, loop, frame) for holder, key, before in log)


def _is_apart(run: Run, holder: Any, key: Any, before: Any, start: int, loop: code.For, frame: Frame) -> bool:
    own = holder is frame.scope.names
    if before is MISSING or is_callees(holder, frame) or (own and key in target_names(loop.target)):
        return True
    if isinstance(holder, (TensorV, ParamV)) and key == FieldKey("node"):
        return before is None or before >= start or _only_added_to(run, (before,), start)
    if isinstance(holder, (TensorV, IteratorV)):
        return True
    if key is LIST:
        return not before
    if isinstance(key, FieldKey):
        return isinstance(holder, ListV) or (isinstance(holder, ModuleV) and key.name == "called")
    nodes = nodes_of(before)
    if nodes:
        return min(nodes) >= start or _only_added_to(run, tuple(node for node in nodes if node < start), start)
    after = read_place(holder, key)
    return after is before or (own and _is_set_first(loop, key))


def is_callees(holder: Any, frame: Frame) -> bool:
    """Whether a table holds the names of a function that was called from a frame, and that no function made there reads later."""
    if type(holder) is not Locals or holder.captured:
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
