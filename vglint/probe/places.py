"""The line of the code under test that is running."""

from __future__ import annotations

import os
import sys

import torch

_LIBRARIES = (
    "<",
    os.path.join(os.path.dirname(torch.__file__), ""),
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ""),
)
"""How the names of frames begin that are torch's or ours, wherever the code under test lies."""


def line_text() -> str:
    """Returns ' at FILE:LINE' of the innermost frame that is neither torch's nor ours, '' where there is none."""
    number = _frame()
    return f" at {number[0]}:{number[1]}" if number else ""


def line_number() -> int | None:
    found = _frame()
    return found[1] if found else None


def _frame() -> tuple[str, int] | None:
    """Returns file and line of the innermost frame that is neither torch's nor ours."""
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_LIBRARIES):
            return os.path.basename(file), frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return None
