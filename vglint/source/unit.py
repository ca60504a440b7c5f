"""One top-level statement of a file, parsed when it is first asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias

from msgspec import Struct

from vglint.regex import regex
from vglint.source.code import Class, Expr, Expression, Function, Node, Statement, Unread
from vglint.source.kept import Bundle
from vglint.source.names import acted_on, bound_names
from vglint.source.parse import parsed, too_deep
from vglint.source.plain import plain_names
from vglint.source.split import Kind, Piece
from vglint.span import Span

Definition: TypeAlias = Class | Function

LINE = regex(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


class Unit(Struct, eq=False, dict=True):
    """One top-level statement, or several that share a line through `;`.

    `line` counts a decorator in; `text[start:end]` is exactly the lines `line` to `end_line`. What is derived is made once.
    """

    file: str
    kind: Kind
    name: str
    """What a class or function is called; else ''."""
    line: int
    end_line: int
    text: str
    """The whole file's."""
    start: int
    end: int
    deep: bool = False
    """It may be nested too deeply to be read."""
    kept: Bundle | None = None
    """What earlier runs know of the file."""
    place: Span | None = None
    """Where all of it stands, for code that stands in no file: an expression that is asked for."""

    @property
    def source(self) -> str:
        """The lines of the statement, decorators included."""
        return self.text[self.start : self.end]

    @cached_property
    def body(self) -> tuple[Statement, ...]:
        """The statement as nodes; one `Unread` where nobody can read it."""
        return parsed(self.source, self.deep) if self.kept is None else self.kept.body(self.source, self.deep)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What it binds at module level, also inside `if`, `try`, `with`, `for`; a star import binds `*`."""
        if self.name:
            return (self.name,)
        plain = plain_names(self.source)
        return bound_names(self.body) if plain is None else plain

    @property
    def may_act(self) -> bool:
        """Whether it may do something to what a name holds, as its text alone tells."""
        return self.kind == "other" or (self.name != "" and not _INERT.match(self.text, self.start))

    @cached_property
    def acts_on(self) -> frozenset[str]:
        """The names that it does something to without binding them."""
        return frozenset(acted_on(self.body)) if self.may_act else frozenset()

    @property
    def definition(self) -> Definition | None:
        """The class or function that the statement is."""
        match self.body:
            case [Class() | Function() as definition]:
                return definition
            case _:
                return None

    @property
    def head(self) -> Node:
        """The first of its statements: stands for the whole where a place is asked for."""
        return self.body[0] if self.body else Unread(0, len(self.source.rstrip()), "")

    def source_of(self, node: Node) -> str:
        """Returns the text of one of its nodes (of a compound statement, its header)."""
        return self.text[self.start + node.start : self.start + node.end]

    def span(self, node: Node) -> Span:
        """Returns the place of one of its nodes in the file."""
        if self.place is not None:
            return self.place
        key = node.start, node.end
        if (known := self._spans.get(key)) is not None:
            return known
        line, column = self._line_and_column(node.start)
        end_line, end_column = self._line_and_column(node.end)
        made = self._spans[key] = Span(self.file, line, column, end_line, end_column)
        return made

    def forget(self) -> None:
        """Drops the nodes; they are made again when asked for, as others."""
        for name in ("body", "_rows", "_spans"):
            self.__dict__.pop(name, None)

    def _line_and_column(self, offset: int) -> tuple[int, int]:
        rows = self._rows
        row = bisect_right(rows, offset) - 1
        return self.line + row, offset - rows[row] + 1

    @cached_property
    def _spans(self) -> dict[tuple[int, int], Span]:
        """The places of its nodes, as far as they were asked for."""
        return {}

    @cached_property
    def _rows(self) -> list[int]:
        """Where its lines start."""
        return [0, *(row.end() for row in LINE.finditer(self.source))][:-1] or [0]


def units(file: str, text: str, pieces: Sequence[Piece], kept: Bundle | None = None) -> tuple[Unit, ...]:
    """Returns the units for the pieces of a text."""
    made = []
    line, at = 1, 0
    for piece in pieces:
        line += _lines(text, at, piece.start)
        end_line = line + _lines(text, piece.start, piece.end) - (text[piece.end - 1 : piece.end] in ("\n", "\r"))
        made.append(Unit(file, piece.kind, piece.name, line, end_line, text, piece.start, piece.end, piece.deep, kept))
        at = piece.start
    return tuple(made)


def expression_unit(file: str, text: str) -> tuple[Unit, Expression] | str:
    """Returns an expression as a statement of its own, and the expression; a text says why it is none."""
    source = text.strip()
    unit = Unit(file, "other", "", 1, 1, f"({source}\n)\n", 0, len(source) + 4, too_deep(source))
    match unit.body:
        case [Expr(value=value)]:
            return unit, value
        case [Unread(message=message), *_]:
            return message.removeprefix("is not valid Python: ")
        case _:
            return "it is a statement"


def statement_unit(file: str, text: str) -> Unit | None:
    """Returns statements that stand in no file; None where nobody can read them."""
    unit = Unit(file, "other", "", 1, 1, f"{text}\n", 0, len(text) + 1, too_deep(text))
    return None if any(isinstance(each, Unread) for each in unit.body) else unit


def _lines(text: str, start: int, end: int) -> int:
    """Returns how many lines end between two offsets."""
    returns = text.count("\r", start, end)
    return text.count("\n", start, end) + (returns - text.count("\r\n", start, end) if returns else 0)


_INERT = regex(r"(?:(?:@[ \t]*\w+[ \t]*(?:#[^\r\n]*)?|#[^\r\n]*)?[\r\n][ \t]*)*(?:async[ \t]+def|def|class)\b")
"""A definition whose decorators are only names."""
