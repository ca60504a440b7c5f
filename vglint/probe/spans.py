"""Where a live object is written."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable

from torch import nn

from vglint.span import Span


def span_of(kind: type) -> Span:
    """Returns the first line of a class, as far as Python can tell; a notebook's cell has no file."""
    found = _source(kind)
    if found is None:
        return Span("<notebook>", 1, 1, 1, 1)
    file, first, lines = found
    return Span(file, first, 1, first, len(lines[0].rstrip("\n")) + 1)


def finder(model: nn.Module) -> Callable[[str], Span | None]:
    """Returns what finds the place where the module at a path is made: the assignment to `self.NAME` in its owner's class."""

    def find(path: str) -> Span | None:
        parts = path.split(".")
        for end in range(len(parts), 0, -1):
            try:
                owner = model.get_submodule(".".join(parts[: end - 1]))
            except AttributeError:
                continue
            place = _assignment(type(owner), parts[end - 1])
            if place is not None:
                return place
        return None

    return find


def _assignment(kind: type, name: str) -> Span | None:
    """Returns the place of the value that a class assigns to `self.NAME`; torch's own classes have none of interest."""
    found = _source(kind)
    if found is None or kind.__module__.partition(".")[0] == "torch":
        return None
    file, first, lines = found
    text = "".join(lines)
    shift = len(lines[0]) - len(lines[0].lstrip())
    for node in ast.walk(ast.parse(textwrap.dedent(text))):
        if isinstance(node, ast.Assign) and any(_names(target, name) for target in node.targets):
            value = node.value
            return Span(
                file,
                first + value.lineno - 1,
                value.col_offset + shift + 1,
                first + (value.end_lineno or value.lineno) - 1,
                (value.end_col_offset or value.col_offset) + shift + 1,
            )
    return None


def _names(target: ast.expr, name: str) -> bool:
    if isinstance(target, (ast.Tuple, ast.List)):
        return any(_names(item, name) for item in target.elts)
    return (
        isinstance(target, ast.Attribute)
        and target.attr == name
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
    )


def _source(kind: type) -> tuple[str, int, list[str]] | None:
    try:
        lines, first = inspect.getsourcelines(kind)
        return inspect.getsourcefile(kind) or "<notebook>", max(first, 1), lines
    except (OSError, TypeError):
        return None
