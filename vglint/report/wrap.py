"""Text in lines of a terminal's width, with a hanging indent."""

from __future__ import annotations

import unicodedata


def wrapped(text: str, width: int, taken: int = 0, indent: str = "") -> list[str]:
    """Returns `text` in lines of at most `width` columns, words whole; the first line has `taken` columns less, the others an indent.

    A width of 0 leaves everything on one line.
    """
    if not width:
        return [text]
    lines: list[str] = []
    lead = text[: len(text) - len(text.lstrip(" "))]
    line, used = lead, taken + len(lead)
    for word in text.lstrip(" ").split(" "):
        length = columns(word)
        if line.strip() and used + 1 + length > width:
            lines.append(line)
            line, used = indent + word, columns(indent) + length
        else:
            space = " " if line.strip() else ""
            line += space + word
            used += len(space) + length
    return [*lines, line]


def columns(text: str) -> int:
    """Returns how many terminal columns `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_character(character) for character in text)


def _character(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
