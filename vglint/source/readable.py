"""Whether a file that is not linted could be: a broken file is worth a word even where it does not concern torch."""

from __future__ import annotations

from vglint.finding import Problem
from vglint.source.module import units_of
from vglint.source.reading import decode
from vglint.source.unit import parse_ast


def fault(path: str, content: bytes) -> Problem | None:
    """Returns why a file cannot be read as Python or as a notebook; None where it can."""
    if path.endswith(".ipynb"):
        from vglint.source.notebook import read_notebook

        book = read_notebook(path, content)
        return book if isinstance(book, Problem) else None
    decoded = decode(path, content)
    if isinstance(decoded, Problem):
        return decoded
    try:
        parse_ast(decoded.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        units = units_of(path, decoded.text)
        return units if isinstance(units, Problem) else None
    return None
