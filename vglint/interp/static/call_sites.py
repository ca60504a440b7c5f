"""Calls of classes with constant arguments, as a file's `ast` shows them."""

from __future__ import annotations

import ast
import builtins as python
from collections.abc import Iterable, Iterator, Sequence

from vglint.source.module import Module
from vglint.source.unit import Unit
from vglint.span import Span

CALL_SITES = 6
"""Constant call sites that a class is built from, besides its defaults; and calls of classes of other files that a file starts from."""


def call_sites(module: Module) -> dict[str, dict[str, Span]]:
    """Returns, for each class of a file, the source and place of calls whose arguments need nothing local, without repeats.

    Of calls that are given the same classes (`Net(PlainBlock, [3, 3])`, `Net(PlainBlock, [9, 9])`) the first and the one with the
    largest numbers stand for all: what fails in between fails there.
    """
    bound = {each for unit in module.units for each in unit.names} | set(dir(python))
    classes = {unit.names[-1] for unit in module.units if unit.kind == "class" and unit.names}
    found: dict[str, dict[frozenset[str], list[tuple[float, str, Span]]]] = {name: {} for name in classes}
    for unit in module.units:
        for statement in unit.statements:
            for node in ast.walk(statement):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in classes):
                    continue
                used, text = _constant_call(node, bound)
                if not text:
                    continue
                alike = found[node.func.id].setdefault(frozenset(used & classes), [])
                if text not in (other for _, other, _ in alike):
                    alike.append((_size(node), text, unit.span_of(node)))
    return {name: _chosen(groups.values()) for name, groups in found.items()}


def calls_of_imported(module: Module, units: Sequence[Unit]) -> Iterator[tuple[Unit, str, str, Span]]:
    """Yields, for calls of imported classes in functions and at the top of a file, what holds the call, the class's name, the
    call's source and its place: what is built there is built nowhere else with these arguments."""
    imported = {each for unit in module.units if unit.kind == "import" for each in unit.names} - _OF_TORCH
    if not imported:
        return
    bound = {each for unit in module.units for each in unit.names} | set(dir(python))
    seen: set[str] = set()
    for unit in units:
        for statement in unit.statements:
            for node in ast.walk(statement):
                name = _class_named(node.func, imported) if isinstance(node, ast.Call) else ""
                if isinstance(node, ast.Call) and name and len(seen) < CALL_SITES:
                    _, text = _constant_call(node, bound)
                    if text and text not in seen:
                        seen.add(text)
                        yield unit, name, text, unit.span_of(node)


_OF_TORCH = frozenset({"torch", "nn", "F", "np", "numpy"})
"""What these names hold is no class of the user's."""


def _class_named(function: ast.expr, imported: set[str]) -> str:
    """Returns `Net` or `models.Net` where the first name is imported and the last looks like a class's; else ''."""
    text = ast.unparse(function) if isinstance(function, (ast.Name, ast.Attribute)) else ""
    first, _, rest = text.partition(".")
    return text if first in imported and (rest or first).rpartition(".")[2][:1].isupper() else ""


def _constant_call(node: ast.Call, bound: set[str]) -> tuple[set[str], str]:
    """Returns the names that a call's arguments use, and its source; '' where they need something local or there are none."""
    named = [each for each in node.keywords if each.arg is not None]
    given = [*node.args, *(each.value for each in named)]
    used = {each.id for arg in given for each in ast.walk(arg) if isinstance(each, ast.Name)}
    if not given or not used <= bound or any(isinstance(arg, ast.Starred) for arg in node.args):
        return used, ""
    return used, ast.unparse(ast.Call(node.func, node.args, named))


def _chosen(groups: Iterable[list[tuple[float, str, Span]]]) -> dict[str, Span]:
    kept: dict[str, Span] = {}
    for group in groups:
        for _, text, place in (group[0], max(group, key=lambda each: each[0])):
            if len(kept) < CALL_SITES:
                kept[text] = place
    return kept


def _size(node: ast.Call) -> float:
    """Returns the sum of the whole numbers in a call's arguments."""
    numbers = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    return sum(number for number in numbers if type(number) is int)
