"""Classes that the arms of a condition at the top of a file define, each under the same name: one of them is meant, and which is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vglint.interp.static.worlds import World
from vglint.source import code
from vglint.source.module import Module
from vglint.source.unit import Unit

_SHOWN = 12
"""Characters of a condition that a headline has room for."""


def nested_classes(unit: Unit) -> Iterator[code.Class]:
    """Yields the classes with bases that the arms of a statement at the top of a file define, one for each name."""
    if unit.kind != "other" or "class " not in unit.source:
        return
    seen: set[str] = set()
    for statement in unit.body:
        for each in _defined(statement):
            if each.bases and each.name not in seen:
                seen.add(each.name)
                yield each


def arms_of(module: Module, users: Iterable[code.Node] | None = None) -> Iterator[World]:
    """Yields the other arms of conditions whose arms define classes of one name, of which some code (None: all of it) names one."""
    found = [(unit, node, names) for unit in module.units for node, names in _conditions(unit)]
    used = (
        None if users is None or not found else {each.id for each in code.walk(*users) if isinstance(each, code.Name)}
    )
    for unit, node, names in found:
        if used is None or used & names:
            test = unit.source_of(node.test)
            yield World("arm", f"if {test}" if len(test) <= _SHOWN else f"line {unit.span(node).line}", None, node)


def defining(module: Module, node: code.Node | None) -> Unit | None:
    """Returns the statement that has a condition in it."""
    return next((unit for unit in module.units for each, _ in _conditions(unit) if each is node), None)


def _conditions(unit: Unit) -> Iterator[tuple[code.If, frozenset[str]]]:
    if unit.kind != "other" or "class " not in unit.source:
        return
    todo: list[code.Node] = [*unit.body]
    while todo:
        node = todo.pop(0)
        if not isinstance(node, code.If):
            continue
        first, second = ({each.name for part in arm for each in _defined(part)} for arm in (node.body, node.orelse))
        if first & second and not isinstance(node.test, code.Constant):
            yield node, frozenset(first & second)
        todo += [each for each in (*node.body, *node.orelse) if isinstance(each, code.If)]


def _defined(node: code.Node) -> Iterator[code.Class]:
    if isinstance(node, code.Class):
        yield node
    elif isinstance(node, (code.If, code.Try, code.Handler)):
        for each in code.children(node):
            yield from _defined(each)
