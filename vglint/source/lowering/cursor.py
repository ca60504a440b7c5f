"""What lowering libcst's trees needs: a cursor over the text, and a table of what lowers each kind of node.

Tree and text are walked side by side: each token of the tree is the next token of the text, so that every place is exact and none is
computed from widths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import libcst as cst

from vglint.regex import regex
from vglint.source.code import Expression, Statement

_TRIVIA = regex(r"(?:[ \t\f\r\n;]+|#[^\r\n]*|\\(?:\r\n|\r|\n))*")


class Mismatch(ValueError):
    """Tree and text differ: a defect of the lowering."""


class Cursor:
    """A place in the text that moves forward, token by token."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> int:
        """Moves to the next token and returns its place."""
        found = _TRIVIA.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.at

    def take(self, token: str) -> int:
        """Moves behind the next token, which must be this one, and returns where it starts."""
        start = self.skip()
        if not self.text.startswith(token, start):
            raise Mismatch(f"{token!r} is not at {self.text[start : start + 20]!r}")
        self.at = start + len(token)
        return start

    def take_if(self, token: str) -> bool:
        """Moves behind the next token if it is this one."""
        before = self.at
        start = self.skip()
        found = self.text.startswith(token, start)
        self.at = start + len(token) if found else before
        return found

    def take_raw(self, text: str) -> int:
        """Moves behind text that stands right here, spaces and all."""
        start = self.at
        if not self.text.startswith(text, start):
            raise Mismatch(f"{text!r} is not at {self.text[start : start + 20]!r}")
        self.at += len(text)
        return start

    def take_brackets(self) -> None:
        """Moves behind `[…]`."""
        self.take("[")
        depth = 1
        while depth:
            found = re.compile(r"[\[\]]").search(self.text, self.at)
            if found is None:
                raise Mismatch("brackets do not close")
            depth += 1 if found[0] == "[" else -1
            self.at = found.end()


Rule = Callable[[Any, Cursor], Any]
_EXPRESSIONS: dict[type[cst.CSTNode], Rule] = {}
_STATEMENTS: dict[type[cst.CSTNode], Rule] = {}
F = TypeVar("F", bound=Rule)


def rule(table: dict[type[cst.CSTNode], Rule], *kinds: type[cst.CSTNode]) -> Callable[[F], F]:
    """Enters a function as what lowers some kinds of libcst nodes."""

    def enter(function: F) -> F:
        table.update(dict.fromkeys(kinds, function))
        return function

    return enter


def expression_rule(*kinds: type[cst.CSTNode]) -> Callable[[F], F]:
    return rule(_EXPRESSIONS, *kinds)


def statement_rule(*kinds: type[cst.CSTNode]) -> Callable[[F], F]:
    return rule(_STATEMENTS, *kinds)


BRACKETED: tuple[type[cst.CSTNode], ...] = (cst.Tuple, cst.GeneratorExp)
"""Kinds whose own parentheses count as a part of them."""


def expression(node: cst.BaseExpression, at: Cursor) -> Expression:
    """Lowers an expression, which starts at the next token, and moves behind it."""
    lower = _EXPRESSIONS.get(type(node))
    if lower is None:
        raise Mismatch(f"{type(node).__name__} is not lowered")
    if type(node) in BRACKETED:
        made: Expression = lower(node, at)
        return made
    for _ in node.lpar:
        at.take("(")
    made = lower(node, at)
    for _ in node.rpar:
        at.take(")")
    return made


def optional(node: cst.BaseExpression | None, at: Cursor) -> Expression | None:
    return None if node is None else expression(node, at)


def statements(nodes: Sequence[cst.CSTNode], at: Cursor) -> tuple[Statement, ...]:
    """Lowers statements in order; lines of several small ones are flat."""
    made: list[Statement] = []
    for node in nodes:
        if type(node) is cst.SimpleStatementLine:
            made += [_STATEMENTS[type(small)](small, at) for small in node.body]
        else:
            made.append(_STATEMENTS[type(node)](node, at))
    return tuple(made)


def block(suite: cst.BaseSuite, at: Cursor) -> tuple[Statement, ...]:
    """Lowers what stands behind a header's colon."""
    at.take(":")
    if isinstance(suite, cst.SimpleStatementSuite):
        return tuple(_STATEMENTS[type(small)](small, at) for small in suite.body)
    return statements(suite.body, at)
