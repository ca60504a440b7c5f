"""One file as its top-level statements and the names they bind."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from vglint.finding import Problem
from vglint.source.depth import too_deep_text
from vglint.source.names import acted_on
from vglint.source.parse import units_by_ast
from vglint.source.unit import Unit
from vglint.span import Span

_PYTHON_2 = re.compile("Missing parentheses in call|multiple exception types|leading zeros|inconsistent use of tabs")


@dataclass(frozen=True, slots=True)
class Cell:
    """One code cell: `number` counts code cells from 1, `line` is its first line in the joined module text.

    `index` is its place among all cells of the file, from 0.
    """

    number: int
    line: int
    index: int


@dataclass(eq=False)
class Module:
    """One file: `path` as the user gave it, `file` on disk, `name` dotted, `text` decoded (a notebook: the joined cells)."""

    path: str
    file: Path
    name: str
    is_package: bool
    text: str = field(repr=False)
    units: tuple[Unit, ...] = field(repr=False)
    encoding: str = "utf-8"
    """The codec that turns `text` back into the file's bytes."""
    cells: tuple[Cell, ...] = field(default=(), repr=False)
    problems: tuple[Problem, ...] = field(default=(), repr=False)
    """What could not be read of a file that else could: a notebook's broken cells."""

    @property
    def package(self) -> str:
        """The dotted name that relative imports start from; empty at top level."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def binding(self, name: str) -> tuple[Unit, ...]:
        """Returns the units that bind `name` at module level, in order; `*` asks for the star imports."""
        return self._bindings.get(name, ())

    def acting_on(self, name: str) -> tuple[Unit, ...]:
        """Returns the units that do something to what `name` holds without binding it: `name.add(x)`, `name[k] = v`,
        `@name.register` over a definition."""
        return self._acting.get(name, ())

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
    def _acting(self) -> dict[str, tuple[Unit, ...]]:
        found: dict[str, list[Unit]] = {}
        for unit in self.units:
            for name in acted_on(unit.statements):
                found.setdefault(name, []).append(unit)
        return {name: tuple(units) for name, units in found.items()}

    @cached_property
    def _bindings(self) -> dict[str, tuple[Unit, ...]]:
        found: dict[str, list[Unit]] = {}
        for unit in self.units:
            for name in unit.names:
                found.setdefault(name, []).append(unit)
        return {name: tuple(units) for name, units in found.items()}


def units_of(path: str, text: str) -> tuple[Unit, ...] | Problem:
    """Returns the top-level statements of a text, or where and why it is not Python that vglint can read."""
    try:
        return units_by_ast(path, text)
    except SyntaxError as error:
        return _by_libcst(path, text) or Problem(path, error.lineno, _wrong_syntax(error))
    except (RecursionError, MemoryError):
        return Problem(path, None, "is nested too deeply to be read")
    except ValueError as error:
        return Problem(path, None, f"is not valid Python: {error}")


def _wrong_syntax(error: SyntaxError) -> str:
    if _PYTHON_2.search(error.msg):
        return f"is not valid Python 3, rather Python 2: {error.msg}"
    return f"is not valid Python: {error.msg}"


def _by_libcst(path: str, text: str) -> tuple[Unit, ...] | None:
    if too_deep_text(text):
        return None
    import libcst as cst

    from vglint.source.fallback import units_by_libcst

    try:
        return units_by_libcst(path, text)
    except (cst.ParserSyntaxError, RecursionError, ValueError):
        return None
