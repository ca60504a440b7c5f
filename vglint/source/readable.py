"""Whether a file that is not linted could be: a broken file is worth a word even where it does not concern torch."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

from vglint.finding import Problem
from vglint.source.module import Module
from vglint.source.reading import decode
from vglint.source.split import split
from vglint.source.unit import units


def faults(path: str, content: bytes) -> tuple[Problem, ...]:
    """Returns why a file cannot be read as Python or as a notebook, or what of it cannot."""
    if path.endswith(".ipynb"):
        from vglint.source.notebook import read_notebook

        book = read_notebook(path, content)
        return (book,) if isinstance(book, Problem) else ()
    decoded = decode(path, content)
    if isinstance(decoded, Problem):
        return (decoded,)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are not our business
            ast.parse(decoded.text)  # quicker than libcst, which has the last word
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        parts = units(path, decoded.text, tuple(split(decoded.text)))
        return Module(path, Path(path), "", False, decoded.text, lambda: parts).unread
    return ()
