"""Positions as editors count them: lines from 0, columns in units of UTF-16, or of what the editor prefers."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import Literal, TypeAlias, cast

from vglint.regex import regex

Encoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]
Position: TypeAlias = "tuple[int, int]"
"""Line and column, both from 0."""

_END = regex(r"\r\n|\r|\n")
_CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def encoding_of(given: object) -> Encoding:
    """Returns the encoding that editor and server agreed on; UTF-16 where it is none that is known."""
    name = str(getattr(given, "value", given))
    return cast(Encoding, name) if name in _CODECS else "utf-16"


class Text:
    """A text with its lines, which `\\n`, `\\r\\n` and `\\r` end, as in Python and in editors; a form feed ends none."""

    def __init__(self, text: str, encoding: Encoding = "utf-16") -> None:
        self.text = text
        self.encoding = encoding

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in _END.finditer(self.text))]

    @property
    def lines(self) -> int:
        """How many lines there are; an empty text has one."""
        return len(self._starts)

    def line(self, number: int) -> str:
        """Returns a line without its end; an empty one where there is none of this number."""
        if not 0 <= number < self.lines:
            return ""
        end = self._starts[number + 1] if number + 1 < self.lines else len(self.text)
        return self.text[self._starts[number] : end].rstrip("\r\n")

    def position(self, line: int, column: int) -> Position:
        """Returns the editor's position of a column in characters; what lies outside the text becomes its closest place."""
        number = min(max(line, 0), self.lines - 1)
        shown = self.line(number)
        if number != line:
            column = 0 if line < 0 else len(shown)
        return number, units(shown[: max(column, 0)], self.encoding)

    def position_at(self, offset: int) -> Position:
        """Returns the editor's position of an offset in characters."""
        offset = min(max(offset, 0), len(self.text))
        number = bisect_right(self._starts, offset) - 1
        return self.position(number, offset - self._starts[number])

    def offset(self, line: int, column: int) -> int:
        """Returns the offset in characters of an editor's position; what lies behind a line is its end."""
        if line < 0:
            return 0
        if line >= self.lines:
            return len(self.text)
        return self._starts[line] + characters(self.line(line), column, self.encoding)


def units(text: str, encoding: Encoding) -> int:
    """Returns the length of a text in an encoding's units."""
    codec, width = _CODECS[encoding]
    return len(text) if encoding == "utf-32" else len(text.encode(codec, "surrogatepass")) // width


def characters(text: str, column: int, encoding: Encoding) -> int:
    """Returns how many characters lie before a column; one that it falls into counts as before it."""
    if column <= 0:
        return 0
    if encoding == "utf-32" or text.isascii():
        return min(column, len(text))
    before = 0
    for index, character in enumerate(text):
        if before >= column:
            return index
        before += units(character, encoding)
    return len(text)
