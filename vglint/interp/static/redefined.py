"""Names that a file defines several times: each definition holds until the next."""

from __future__ import annotations

from collections.abc import Iterator

from vglint.source.module import Module
from vglint.source.names import free_names
from vglint.source.unit import Unit


def lasts_until(module: Module, unit: Unit) -> int:
    """Returns the line up to which what a unit defines holds, one past the file's last where it is not defined again."""
    later = (other.line for other in module.binding(unit.name) if other.name == unit.name and other.line > unit.line)
    return min(later, default=module.units[-1].end_line + 1)


def definitions(module: Module, before: int) -> list[Unit]:
    """Returns the definitions of names that are defined several times as they hold at a line: the last before it, else the first."""
    found: dict[str, Unit] = {}
    for name in module.repeated:
        for unit in module.binding(name):
            if unit.name == name and (unit.line < before or name not in found):
                found[name] = unit
    return sorted(found.values(), key=lambda unit: unit.line)


def is_outdated(module: Module, unit: Unit) -> bool:
    """Whether a function that a file's statements call reads a name that the file binds anew after the last such call.

    What the name means at the end is not what the function was called with.
    """
    calls = [*_calls(module, unit)]
    if not calls:
        return False
    read = free_names(unit.body)
    bound = {name for each in module.units if each.kind == "other" and each.line < max(calls) for name in each.names}
    return any(
        each.kind == "other" and each.line > max(calls) and not (read & bound).isdisjoint(each.names)
        for each in module.units
    )


def _calls(module: Module, unit: Unit) -> Iterator[int]:
    """Yields the lines of the statements that come to call a function, as long as its name means that one."""
    names, todo = {unit.name}, [unit.name]
    lines: set[int] = set()
    last = lasts_until(module, unit)
    while todo:
        for each in module.calling(todo.pop()):
            if each.kind == "function" and each.name not in names:
                names.add(each.name)
                todo.append(each.name)
            elif each.kind == "other" and unit.line < each.line < last:
                lines.add(each.line)
    yield from sorted(lines)
