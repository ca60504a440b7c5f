"""What reading CPython's trees needs: places in the text, and a table of what reads each kind of node."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from vglint.regex import regex

_TRIVIA = regex(r"(?:[ \t\f\r\n;]+|#[^\r\n]*|\\(?:\r\n|\r|\n))*")
_COMMENT = regex(r"#[^\r\n]*")


class Unsure(Exception):
    """A place cannot be told from what CPython says: libcst has to be asked."""


class Places:
    """The text of a statement, and where in it the lines start that a tree counts."""

    __slots__ = ("rows", "text", "wide")

    def __init__(self, text: str, rows: Sequence[int]) -> None:
        self.text = text
        self.rows = rows
        self.wide = not text.isascii()

    def start(self, node: Any) -> int:
        """Returns where a node of the tree starts."""
        row = self.rows[node.lineno - 1]
        return self._in_row(row, node.col_offset) if self.wide else row + int(node.col_offset)

    def end(self, node: Any) -> int:
        """Returns where it ends."""
        row = self.rows[node.end_lineno - 1]
        return self._in_row(row, node.end_col_offset) if self.wide else row + int(node.end_col_offset)

    def _in_row(self, row: int, octets: int) -> int:
        """Returns the place that lies so many bytes of UTF-8 behind the start of a line."""
        part = self.text[row : row + octets]
        return row + (
            octets if part.isascii() else len(part.encode("utf-8", "surrogatepass")[:octets].decode(errors="replace"))
        )

    def skip(self, at: int) -> int:
        """Returns where the next token starts."""
        found = _TRIVIA.match(self.text, at)
        assert found is not None
        return found.end()

    def behind(self, token: str, at: int) -> int:
        """Returns where the next token ends, which must be this one."""
        start = self.skip(at)
        if not self.text.startswith(token, start):
            raise Unsure
        return start + len(token)

    def behind_if(self, token: str, at: int) -> int:
        """Returns where the next token ends if it is this one, else the place itself."""
        start = self.skip(at)
        return start + len(token) if self.text.startswith(token, start) else at

    def closed(self, before: int, start: int, end: int) -> int:
        """Returns where what stands from `start` to `end` ends with the parentheses around it, which open behind `before`."""
        between = self.text[before:start]
        for _ in range(_COMMENT.sub("", between).count("(") if "(" in between else 0):
            end = self.behind(")", end)
        return end


Reader = Callable[[Any, Places], Any]
READERS: dict[type[ast.AST], Reader] = {}
F = TypeVar("F", bound=Reader)


def reads(*kinds: type[ast.AST]) -> Callable[[F], F]:
    """Enters a function as what reads some kinds of nodes."""

    def enter(function: F) -> F:
        READERS.update(dict.fromkeys(kinds, function))
        return function

    return enter


def lowered(node: ast.AST, at: Places) -> Any:
    """Returns the node for an expression or statement of CPython's."""
    reader = READERS.get(type(node))
    if reader is None:
        raise Unsure
    return reader(node, at)


def several(nodes: Sequence[ast.AST], at: Places) -> tuple[Any, ...]:
    return tuple([lowered(node, at) for node in nodes])


def optional(node: ast.AST | None, at: Places) -> Any:
    return None if node is None else lowered(node, at)
