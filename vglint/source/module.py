"""One file as its top-level statements and the names they bind."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from msgspec import Struct, field

from vglint.finding import Problem
from vglint.source.code import Call, Name, Unread, walk
from vglint.source.notebook import Cell
from vglint.source.unit import Unit
from vglint.span import Span


class Module(Struct, eq=False, dict=True):
    """One file: `path` as the user gave it, `file` on disk, `name` dotted, `text` decoded (a notebook: the joined cells)."""

    path: str
    file: Path
    name: str
    is_package: bool
    content: str
    """The text, for what looks at a file to say what other files may see of it."""
    made: Callable[[], tuple[Unit, ...]]
    """Makes the units when they are first asked for."""
    encoding: str = "utf-8"
    """The codec that turns `text` back into the file's bytes."""
    cells: tuple[Cell, ...] = ()
    looked_at: Callable[[str], None] = field(default=lambda file: None)
    """Is told when somebody asks for more of the file than what single names mean."""
    _acting: dict[str, tuple[Unit, ...]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole text."""
        self.looked_at(str(self.file))
        return self.content

    @property
    def units(self) -> tuple[Unit, ...]:
        """The statements, in order."""
        self.looked_at(str(self.file))
        return self.statements

    @cached_property
    def statements(self) -> tuple[Unit, ...]:
        """The units, for what asks which of them a name stands for."""
        return self.made()

    @property
    def bound(self) -> frozenset[str]:
        """The names that the file binds at module level; `*` where it has star imports."""
        return frozenset(self._bindings)

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
        if name not in self._acting:
            self._acting[name] = tuple(unit for unit in self._active if name in unit.source and name in unit.acts_on)
        return self._acting[name]

    def cell_at(self, line: int) -> tuple[int, int] | None:
        """Returns the number of the notebook cell that holds `line` and the line inside it; None outside notebooks."""
        for cell in reversed(self.cells):
            if line >= cell.line:
                return cell.number, line - cell.line + 1
        return None

    def unit_at(self, span: Span) -> Unit | None:
        """Returns the unit that a place of this module lies in."""
        return next((unit for unit in self.units if unit.line <= span.line <= unit.end_line), None)

    def calling(self, name: str) -> tuple[Unit, ...]:
        """Returns the units that call what `name` means by this name, in order."""
        self.looked_at(str(self.file))
        return self._callers.get(name, ())

    @property
    def unread(self) -> tuple[Problem, ...]:
        """The statements that nobody can read, as problems; the first few where there are many."""
        found = [
            (unit.span(node).line, node.message)
            for unit in self.statements
            for node in unit.body
            if isinstance(node, Unread)
        ]
        shown = [Problem(self.path, line, message) for line, message in found[:UNREAD_SHOWN]]
        if len(found) > UNREAD_SHOWN:
            shown.append(Problem(self.path, None, f"{len(found) - UNREAD_SHOWN} more statements could not be read"))
        return tuple(shown)

    def forget(self) -> None:
        """Drops every tree; they are made again when asked for."""
        for unit in self.statements:
            unit.forget()

    @cached_property
    def repeated(self) -> frozenset[str]:
        """The names of classes and functions that the file defines more than once."""
        seen: set[str] = set()
        found: set[str] = set()
        for unit in self.statements:
            if unit.name and unit.name != "_":
                (found if unit.name in seen else seen).add(unit.name)
        return frozenset(found)

    @cached_property
    def _active(self) -> tuple[Unit, ...]:
        """The statements that may act on something, by their text."""
        return tuple(unit for unit in self.statements if unit.may_act)

    @cached_property
    def _callers(self) -> dict[str, tuple[Unit, ...]]:
        found: dict[str, list[Unit]] = {}
        for unit in self.statements:
            for name in {
                node.func.id for node in walk(*unit.body) if isinstance(node, Call) and isinstance(node.func, Name)
            }:
                found.setdefault(name, []).append(unit)
        return {name: tuple(units) for name, units in found.items()}

    @cached_property
    def _bindings(self) -> dict[str, tuple[Unit, ...]]:
        found: dict[str, list[Unit]] = {}
        for unit in self.statements:
            for name in unit.names:
                found.setdefault(name, []).append(unit)
        return {name: tuple(units) for name, units in found.items()}


UNREAD_SHOWN = 3
"""Statements of one file that could not be read and are told one by one."""
