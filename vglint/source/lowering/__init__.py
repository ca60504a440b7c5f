"""libcst's tree of one statement, lowered to the nodes of `code`."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from vglint.source.code import Statement
from vglint.source.lowering import access, compound, displays, literals, operations, patterns, simple
from vglint.source.lowering.cursor import Cursor, Mismatch, statements

TABLES = (access, compound, displays, literals, operations, patterns, simple)
"""Modules whose import fills the tables of `cursor`."""

__all__ = ["TABLES", "Mismatch", "lower"]


def lower(tree: Sequence[cst.CSTNode], text: str) -> tuple[Statement, ...]:
    """Returns the statements of a parsed text. Raises Mismatch where tree and text differ."""
    return statements(tree, Cursor(text))
