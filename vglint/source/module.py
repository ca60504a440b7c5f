"""One file as its top-level statements and the names they bind."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from vglint.finding import Problem
from vglint.source.notebook import Cell
from vglint.source.parse import units_by_ast
from vglint.source.unit import Unit
from vglint.span import Span


@dataclass(eq=False)
class Module:
    """One file: `path` as the user gave it, `file` on disk, `name` dotted, `text` decoded (a notebook: the joined cells)."""

    path: str
    file: Path
    name: str
    is_package: bool
    text: str = field(repr=False)
    units: tuple[Unit, ...] = field(repr=False)
    cells: tuple[Cell, ...] = field(default=(), repr=False)

    @property
    def package(self) -> str:
        """The dotted name that relative imports start from; empty at top level."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def binding(self, name: str) -> tuple[Unit, ...]:
        """Returns the units that bind `name` at module level, in order; `*` asks for the star imports."""
        return self._bindings.get(name, ())

    def cell_at(self, line: int) -> tuple[int, int] | None:
        """Returns the number of the notebook cell that holds `line` and the line inside it; None outside notebooks."""
        for cell in reversed(self.cells):
            if line >= cell.line:
                return cell.number, line - cell.line + 1
        return None

    def unit_at(self, span: Span) -> Unit | None:
        """Returns the unit that a place of this module lies in."""
        return next((unit for unit in self.units if unit.line <= span.line <= unit.end_line), None)

    def forget(self) -> None:
        """Drops every tree; they are made again when asked for."""
        for unit in self.units:
            unit.forget()

    @cached_property
    def _bindings(self) -> dict[str, tuple[Unit, ...]]:
        found: dict[str, tuple[Unit, ...]] = {}
        for unit in self.units:
            for name in unit.names:
                found[name] = (*found.get(name, ()), unit)
        return found


def parse(
    path: str, file: Path, name: str, is_package: bool, text: str, cells: tuple[Cell, ...] = ()
) -> Module | Problem:
    """Returns the module of a text, or where and why it is not Python that vglint can read."""
    try:
        units = units_by_ast(path, text)
    except SyntaxError as error:
        units_or_none = _by_libcst(path, text)
        if units_or_none is None:
            return Problem(path, error.lineno, f"not valid Python 3: {error.msg}")
        units = units_or_none
    except (RecursionError, MemoryError):
        return Problem(path, None, "nested too deeply to be read")
    except ValueError as error:
        return Problem(path, None, f"not valid Python 3: {error}")
    return Module(path, file, name, is_package, text, units, cells)


def _by_libcst(path: str, text: str) -> tuple[Unit, ...] | None:
    import libcst as cst

    from vglint.source.fallback import units_by_libcst

    try:
        return units_by_libcst(path, text)
    except (cst.ParserSyntaxError, RecursionError, ValueError):
        return None
