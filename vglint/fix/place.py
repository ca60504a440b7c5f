"""Places in text: lines and columns to offsets, spans to the `ast` node that stands there."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property

from vglint.span import Span


@dataclass(frozen=True)
class Source:
    """A file's decoded text with its tree; `tree` is None where this Python cannot parse it."""

    text: str

    @cached_property
    def tree(self) -> ast.Module | None:
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError):
            return None

    @cached_property
    def starts(self) -> list[int]:
        """Offset of the first character of each line."""
        return [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", self.text))]

    def offset(self, line: int, column: int) -> int:
        """Returns the offset of a line and column that count from 1, columns in characters."""
        return self.starts[line - 1] + column - 1

    def range(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Returns the offsets of the first character of a node and of the one after its last."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._offset_of_bytes(node.lineno, node.col_offset), self._offset_of_bytes(
            node.end_lineno, node.end_col_offset
        )

    def at(self, span: Span) -> ast.expr | None:
        """Returns the outermost expression that covers exactly the span."""
        wanted = self.offset(span.line, span.column), self.offset(span.end_line, span.end_column)
        return next((node for node in self._on(span.line, ast.expr) if self.range(node) == wanted), None)

    def statement(self, span: Span) -> ast.stmt | None:
        """Returns the innermost statement around a place."""
        start = self.offset(span.line, span.column)
        around = [node for node in self._all(ast.stmt) if self.range(node)[0] <= start < self.range(node)[1]]
        return max(around, key=lambda node: self.range(node)[0], default=None)

    def segment(self, node: ast.expr | ast.stmt) -> str:
        """Returns a node's own text."""
        start, end = self.range(node)
        return self.text[start:end]

    def parents(self) -> dict[ast.AST, ast.AST]:
        """Returns each node's parent."""
        if self.tree is None:
            return {}
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def _all(self, kind: type[ast.stmt]) -> list[ast.stmt]:
        return [node for node in ast.walk(self.tree) if isinstance(node, kind)] if self.tree else []

    def _on(self, line: int, kind: type[ast.expr]) -> list[ast.expr]:
        if self.tree is None:
            return []
        return [node for node in ast.walk(self.tree) if isinstance(node, kind) and node.lineno == line]

    def _offset_of_bytes(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        text = self.text[start:end]
        return start + (column if text.isascii() else len(text.encode("utf-8")[:column].decode("utf-8", "ignore")))
