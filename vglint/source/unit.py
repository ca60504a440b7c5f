"""One top-level statement of a file: read with `ast`, parsed with libcst when it is first asked for."""

from __future__ import annotations

import ast as syntax
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from vglint.source.depth import too_deep
from vglint.span import Span

if TYPE_CHECKING:
    import libcst as cst

Kind: TypeAlias = Literal["class", "function", "import", "other"]
Definition: TypeAlias = "syntax.ClassDef | syntax.FunctionDef | syntax.AsyncFunctionDef"

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_HEADER = re.compile(r"(?:async\s+)?(?:def|class)\s+\w+")


@dataclass(eq=False)
class Unit:
    """One top-level statement, or several that share a line through `;`.

    `names` are bound at module level, also inside `if`, `try`, `with`, `for`; a star import binds `*`. `line` counts a
    decorator in. `text[start:end]` is exactly the lines `line` to `end_line`. What is derived is made once and kept until `forget`.
    """

    file: str
    kind: Kind
    names: tuple[str, ...]
    line: int
    end_line: int
    text: str = field(repr=False)
    """The whole file's."""
    start: int
    end: int
    by_libcst: bool = False
    """Only libcst could read the file: then positions come from libcst too."""

    @property
    def source(self) -> str:
        """The lines of the statement, decorators included."""
        return self.text[self.start : self.end]

    @cached_property
    def tree(self) -> cst.SimpleStatementLine | cst.BaseCompoundStatement:
        """The libcst statement; an empty line where libcst cannot read what `ast` can, or only in an age."""
        import libcst as cst

        try:
            body = () if too_deep(self.statements) else cst.parse_module(self.source).body
        except (cst.ParserSyntaxError, RecursionError, ValueError):
            body = ()
        return body[0] if len(body) == 1 else cst.SimpleStatementLine(body=[])

    @cached_property
    def statements(self) -> tuple[syntax.stmt, ...]:
        """The `ast` statements; line numbers are those of the file. Empty where `ast` cannot read the file."""
        if self.by_libcst:
            return ()
        return tuple(parse_ast("\n" * (self.line - 1) + self.source).body)

    @property
    def ast(self) -> Definition | None:
        """The `ast` node of a class or function, for a look at names, bases and methods that costs no libcst parse."""
        match self.statements:
            case [syntax.ClassDef() | syntax.FunctionDef() | syntax.AsyncFunctionDef() as definition]:
                return definition
            case _:
                return None

    def span(self, node: cst.CSTNode) -> Span:
        """Returns the place of a node of `tree`, else of the closest node around it that has one, else the unit's lines.

        A class or function is its header up to the name; other compound statements are their header up to the colon's expression.
        """
        if self.by_libcst:
            return self._span_by_libcst(node)
        place = self._place(node)
        return self._lines_span() if place is None else self._span_of_ast(place)

    def span_of(self, node: syntax.AST) -> Span:
        """Returns the place of a node of `statements`."""
        return self._span_of_ast(node)

    def forget(self) -> None:
        """Drops the trees; they are made again when asked for. Nodes of the old tree have no place any more."""
        for name in ("tree", "statements", "_places", "_parents", "_rows", "_positions"):
            self.__dict__.pop(name, None)

    def _place(self, node: cst.CSTNode) -> syntax.AST | None:
        places = self._places
        if (place := places.get(id(node))) is not None:
            return place
        from vglint.source.position import inner

        within = inner(node)
        while within is not None and id(within) not in places:
            within = inner(within)
        if within is None:
            within = next((outer for outer in self._around(node) if id(outer) in places), None)
        if within is None:
            return None
        places[id(node)] = places[id(within)]
        return places[id(within)]

    def _around(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        outer = self._parents.get(id(node))
        while outer is not None:
            yield outer
            outer = self._parents.get(id(outer))

    @cached_property
    def _parents(self) -> dict[int, cst.CSTNode]:
        from vglint.source.position import parents

        return parents(self.tree)

    @cached_property
    def _places(self) -> dict[int, syntax.AST]:
        from vglint.source.position import paired

        return paired(self.tree, self.statements)

    @cached_property
    def _rows(self) -> list[str]:
        return LINE.findall(self.source)

    def _span_of_ast(self, node: syntax.AST) -> Span:
        line, column = node.lineno, self._column(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        if isinstance(node, (syntax.ClassDef, syntax.FunctionDef, syntax.AsyncFunctionDef)):
            header = _HEADER.match(self._rows[line - self.line], column - 1)
            if header is not None:
                return Span(self.file, line, column, line, header.end() + 1)
        last = _header_end(node)
        end_line, end_offset = last.end_lineno, last.end_col_offset  # type: ignore[attr-defined]
        return Span(self.file, line, column, end_line, self._column(end_line, end_offset))

    def _column(self, line: int, offset: int) -> int:
        row = self._rows[line - self.line]
        return offset + 1 if row.isascii() else len(row.encode()[:offset].decode(errors="replace")) + 1

    def _lines_span(self) -> Span:
        last = self._rows[-1].rstrip("\r\n") if self._rows else ""
        return Span(self.file, self.line, 1, self.end_line, len(last) + 1)

    def _span_by_libcst(self, node: cst.CSTNode) -> Span:
        ranges = self._positions
        for candidate in (node, *self._around(node)):
            if candidate in ranges:
                start, end = ranges[candidate].start, ranges[candidate].end
                lines = self.line - 1
                return Span(self.file, start.line + lines, start.column + 1, end.line + lines, end.column + 1)
        return self._lines_span()

    @cached_property
    def _positions(self) -> dict[cst.CSTNode, cst.metadata.CodeRange]:
        import libcst as cst
        from libcst.metadata import MetadataWrapper, PositionProvider

        module = cst.parse_module(self.source).with_changes(body=[self.tree])  # with the indent that the file has
        return dict(MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider))


def parse_ast(text: str) -> syntax.Module:
    """Returns the `ast` of a module; SyntaxError, ValueError, RecursionError and MemoryError go to the caller."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are not our business
        return syntax.parse(text)


def _header_end(node: syntax.AST) -> syntax.AST:
    match node:
        case syntax.If(test=last) | syntax.While(test=last) | syntax.For(iter=last) | syntax.AsyncFor(iter=last):
            return last
        case syntax.With(items=[*_, item]) | syntax.AsyncWith(items=[*_, item]):
            return item.optional_vars or item.context_expr
        case syntax.Match(subject=last):
            return last
        case _:
            return node
