"""Names that a file defines several times: each definition holds until the next."""

from __future__ import annotations

from vglint.source.module import Module
from vglint.source.unit import Unit


def repeated(module: Module) -> frozenset[str]:
    """Returns the names of classes and functions that a file defines more than once."""
    seen: set[str] = set()
    found: set[str] = set()
    for unit in module.units:
        if unit.name and unit.name != "_":
            (found if unit.name in seen else seen).add(unit.name)
    return frozenset(found)


def lasts_until(module: Module, unit: Unit) -> int:
    """Returns the line up to which what a unit defines holds, one past the file's last where it is not defined again."""
    later = (other.line for other in module.units if other.name == unit.name and other.line > unit.line)
    return min(later, default=module.units[-1].end_line + 1)


def definitions(module: Module, before: int) -> list[Unit]:
    """Returns the definitions of names that are defined several times as they hold at a line: the last before it, else the first."""
    names = repeated(module)
    found: dict[str, Unit] = {}
    for unit in module.units:
        if unit.name in names and (unit.line < before or unit.name not in found):
            found[unit.name] = unit
    return sorted(found.values(), key=lambda unit: unit.line)
