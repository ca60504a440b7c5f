"""Code that makes models and neither trains them nor hands them back: they are judged all the same."""

from __future__ import annotations

from collections.abc import Iterable

from vglint.source import code
from vglint.source.module import Module
from vglint.source.unit import Unit


def makes_models(*nodes: code.Node) -> bool:
    """Whether code calls for layers in a row, wherever: `nn.Sequential(…)`."""
    return any(
        isinstance(each, code.Call) and code.dotted(each.func).rpartition(".")[2] == "Sequential"
        for each in code.walk(*nodes)
    )


def bare_script(module: Module, builders: set[str]) -> bool:
    """Whether a file's own statements make a model, themselves or by functions of the file that they give arguments to, by name or
    out of a table."""
    own = [unit for unit in module.units if unit.kind == "other"]
    tables = {name for unit in own if builders and _mentions(unit, builders) for name in unit.names}
    return any(makes_models(*unit.body) or _builds_with(unit, builders, tables) for unit in own)


def _mentions(unit: Unit, names: set[str]) -> bool:
    return any(isinstance(each, code.Name) and each.id in names for each in code.walk(*unit.body))


def bare_units(module: Module, walked: Iterable[Unit]) -> list[tuple[Unit, str]]:
    """Returns the functions of a file that make models, and the plain classes of which a method does, with its name: those that
    nothing which is walked comes to use."""
    defined = {unit.name: unit for unit in module.units if unit.name}
    seen: set[str] = set()

    def reach(unit: Unit) -> None:
        waiting = [unit]
        while waiting:
            body = waiting.pop().body
            new = {each.id for each in code.walk(*body) if isinstance(each, code.Name)} & defined.keys() - seen
            seen.update(new)
            waiting += [defined[name] for name in new]

    for unit in walked:
        reach(unit)
    found: list[tuple[Unit, str]] = []
    for unit in module.units:
        if unit.name in seen or unit.definition is None:
            continue
        method = _maker(unit.definition)
        if method is not None:
            found.append((unit, method))
            reach(unit)
    return found


def _maker(node: code.Class | code.Function) -> str | None:
    """Returns the method that makes models, '' for a function that does, None where none does."""
    if isinstance(node, code.Function):
        return "" if makes_models(*node.body) else None
    if any(code.dotted(base) != "object" for base in node.bases):
        return None
    made = [each.name for each in node.body if isinstance(each, code.Function) and makes_models(*each.body)]
    return "__init__" if "__init__" in made else made[0] if made else None


def _builds_with(unit: Unit, builders: set[str], tables: set[str]) -> bool:
    return any(
        isinstance(each, code.Call)
        and (each.args or each.keywords)
        and (
            each.func.id in builders
            if isinstance(each.func, code.Name)
            else isinstance(each.func, code.Subscript) and code.root_name(each.func.value) in tables
        )
        for each in code.walk(*unit.body)
    )
