"""Calls of classes with constant arguments, as a file shows them."""

from __future__ import annotations

import builtins as python
import contextlib
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from msgspec import Struct

from vglint.interp.static.imported import is_of
from vglint.source import code
from vglint.source.module import Module
from vglint.source.unit import Unit

CALL_SITES = 6
"""Constant call sites that a class is built from, besides its defaults; and calls of classes of other files that a file starts from."""


class CallSite(Struct, frozen=True):
    """A call whose arguments need nothing local, and the statement that it stands in."""

    unit: Unit
    node: code.Call
    text: str
    """Its source on one line."""


def call_sites(module: Module) -> dict[str, tuple[CallSite, ...]]:
    """Returns, for each class of a file, its calls whose arguments need nothing local, without repeats.

    Of calls that are given the same classes (`Net(PlainBlock, [3, 3])`, `Net(PlainBlock, [9, 9])`) the first and the one with the
    largest numbers stand for all: what fails in between fails there.
    """
    bound = {each for unit in module.units for each in unit.names} | set(dir(python))
    classes = {unit.name for unit in module.units if unit.kind == "class"}
    found: dict[str, dict[frozenset[str], list[CallSite]]] = {name: {} for name in classes}
    for unit in module.units:
        for node in code.walk(*unit.body):
            if not (isinstance(node, code.Call) and isinstance(node.func, code.Name) and node.func.id in classes):
                continue
            used, site = _constant_call(unit, node, bound)
            if site is None:
                continue
            alike = found[node.func.id].setdefault(frozenset(used & classes), [])
            if site.text not in (other.text for other in alike):
                alike.append(site)
    return {name: _chosen(groups.values()) for name, groups in found.items()}


def calls_of_imported(module: Module, units: Sequence[Unit]) -> Iterator[tuple[str, CallSite]]:
    """Yields the calls of imported classes in functions and at the top of a file, with the class's name there: what is built there
    is built nowhere else with these arguments."""
    imported = {each for unit in module.units if unit.kind == "import" for each in unit.names}
    imported = {each for each in imported if not is_of(module, each, "torch", "numpy")}
    if not imported:
        return
    bound = {each for unit in module.units for each in unit.names} | set(dir(python))
    seen: set[str] = set()
    for unit in units:
        for node in code.walk(*unit.body):
            name = _class_named(node.func, imported) if isinstance(node, code.Call) else ""
            if isinstance(node, code.Call) and name and len(seen) < CALL_SITES:
                _, site = _constant_call(unit, node, bound)
                if site is not None and site.text not in seen:
                    seen.add(site.text)
                    yield name, site


def _class_named(function: code.Expression, imported: set[str]) -> str:
    """Returns `Net` or `models.Net` where the first name is imported and the last looks like a class's; else ''."""
    text = code.dotted(function)
    first, _, rest = text.partition(".")
    return text if first in imported and (rest or first).rpartition(".")[2][:1].isupper() else ""


def _constant_call(unit: Unit, node: code.Call, bound: set[str]) -> tuple[set[str], CallSite | None]:
    """Returns the names that a call's arguments use, and the call; None where they need something local or there are none.

    What `**` spreads is left out.
    """
    named = [each for each in node.keywords if each.name is not None]
    given = [*node.args, *(each.value for each in named)]
    used = {each.id for arg in given for each in code.walk(arg) if isinstance(each, code.Name)}
    if not given or not used <= bound or any(isinstance(arg, code.Starred) for arg in node.args):
        return used, None
    kept = code.Call(node.start, node.end, node.func, node.args, tuple(named))
    parts = ", ".join(_one_line(unit.source_of(each)) for each in (*node.args, *named))
    return used, CallSite(unit, kept, f"{unit.source_of(node.func)}({parts})")


def _one_line(text: str) -> str:
    """Returns an argument on one line, without the comments that stand in it."""
    if "#" in text:
        whole = f"({text}\n)"
        lines = whole.splitlines()
        with contextlib.suppress(tokenize.TokenError):
            for token in tokenize.generate_tokens(StringIO(whole).readline):
                if token.type == tokenize.COMMENT:
                    row, column = token.start
                    lines[row - 1] = lines[row - 1][:column]
        text = "\n".join(lines).removeprefix("(").removesuffix(")")
    return " ".join(text.split())


def _chosen(groups: Iterable[list[CallSite]]) -> tuple[CallSite, ...]:
    kept: dict[str, CallSite] = {}
    for group in groups:
        for site in (group[0], max(group, key=lambda each: _size(each.node))):
            if len(kept) < CALL_SITES:
                kept[site.text] = site
    return tuple(kept.values())


def _size(node: code.Call) -> int:
    """Returns the sum of the whole numbers in a call's arguments."""
    return sum(each.value for each in code.walk(node) if isinstance(each, code.Constant) and type(each.value) is int)
