"""libcst's tree of one statement, lowered to the nodes of `code`."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from vglint.source import lower_expressions, lower_statements
from vglint.source.code import Statement
from vglint.source.lowering import Cursor, statements

TABLES = (lower_expressions, lower_statements)
"""Modules whose import fills the tables of `lowering`."""


def lower(tree: Sequence[cst.CSTNode], text: str) -> tuple[Statement, ...]:
    """Returns the statements of a parsed text. Raises Mismatch where tree and text differ."""
    return statements(tree, Cursor(text))
