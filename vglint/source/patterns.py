"""Sets of paths written as in `.gitignore`, relative to a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import pathspec


@dataclass(frozen=True)
class Patterns:
    """The paths below `folder` that lines of a `.gitignore` name; the last line that speaks of a path decides."""

    folder: str
    lines: tuple[str, ...] = field(repr=False)

    def verdict(self, path: str, is_folder: bool = False) -> bool | None:
        """Returns True for a path that is named, False for one that is exempt (`!x`), None for one that no line is about."""
        if not self.lines or not path.startswith(self._prefix):
            return None
        relative = path[len(self._prefix) :].replace(os.sep, "/")
        return self._spec.check_file(relative + "/" if is_folder else relative).include

    def names(self, path: str) -> bool:
        """Whether `path`, relative or absolute, or a folder around it is named."""
        return self.verdict(os.path.abspath(path)) is True

    @cached_property
    def _prefix(self) -> str:
        return os.path.abspath(self.folder).rstrip(os.sep) + os.sep

    @cached_property
    def _spec(self) -> pathspec.GitIgnoreSpec:
        return pathspec.GitIgnoreSpec.from_lines(self.lines)


def wrong_pattern(lines: Iterable[str]) -> tuple[str, str] | None:
    """Returns the first line that is not a pattern, and why; None where all are."""
    for line in lines:
        try:
            pathspec.GitIgnoreSpec.from_lines([line])
        except ValueError as error:
            return line, str(error)
    return None
