"""Statements as nodes by Python's own parser: a tenth of libcst's time, where the Python that runs can read them."""

from __future__ import annotations

import ast
import warnings

from vglint.source.code import Statement
from vglint.source.native import expressions, statements, texts
from vglint.source.native.places import Places, Unsure, lowered

TABLES = (expressions, statements, texts)
"""Modules whose import fills the table of `places`."""

__all__ = ["TABLES", "read"]


def read(text: str) -> tuple[Statement, ...] | None:
    """Returns the statements of a text, each node as lowering libcst's tree gives it; None where that has to be asked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are not our business
            tree = ast.parse(text)
        at = Places(text, [*_starts(text)])
        if at.wide and not _is_plain(tree):
            return None
        return tuple(lowered(statement, at) for statement in tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError, Unsure):
        return None


def _starts(text: str) -> list[int]:
    """Returns where the lines of a text start, as Python counts them."""
    starts, at = [0], 0
    if "\r" not in text:
        while (at := text.find("\n", at) + 1) > 0:
            starts.append(at)
        return starts
    while at < len(text):
        end = min((found for mark in "\r\n" if (found := text.find(mark, at)) >= 0), default=len(text))
        at = end + (2 if text.startswith("\r\n", end) else 1)
        starts.append(at)
    return starts


def _is_plain(tree: ast.AST) -> bool:
    """Whether every name is written as it is called: Python makes one of those that look alike."""
    return all(
        value.isascii()
        for node in ast.walk(tree)
        for field in _NAMES
        if isinstance(value := getattr(node, field, None), str)
    )


_NAMES = ("attr", "arg", "name", "asname", "module")
