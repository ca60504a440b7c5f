"""A place in source text."""

from __future__ import annotations

from msgspec import Struct


class Span(Struct, frozen=True, order=True):
    """A range of text in one file.

    `file` is the path as the user gave it (posix separators). Lines and columns count from 1, columns in characters;
    `end_column` is the column just after the last character. In a notebook, lines count in the joined module text;
    `vglint.source` maps them to cells when a finding is made.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
