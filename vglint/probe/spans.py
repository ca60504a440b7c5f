"""Where a live object's class is written."""

from __future__ import annotations

import inspect

from vglint.span import Span


def span_of(kind: type) -> Span:
    """Returns the first line of a class, as far as Python can tell; a notebook's cell has no file."""
    try:
        lines, first = inspect.getsourcelines(kind)
        file = inspect.getsourcefile(kind) or "<notebook>"
    except (OSError, TypeError):
        return Span("<notebook>", 1, 1, 1, 1)
    return Span(file, max(first, 1), 1, max(first, 1), len(lines[0].rstrip("\n")) + 1)
