"""Sets of paths written as in `.gitignore`, relative to a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pathspec


@dataclass(frozen=True, slots=True)
class Patterns:
    """The paths below `folder` that lines of a `.gitignore` name; the last line that speaks of a path decides.

    A line that is no pattern names nothing, as with git.
    """

    folder: str
    lines: tuple[str, ...] = field(repr=False)

    def verdict(self, path: str, is_folder: bool = False) -> bool | None:
        """Returns True for an absolute path that is named, False for an exempt one (`!x`), None where no line is about it."""
        if not self.lines:
            return None
        above = self.folder.rstrip(os.sep) + os.sep
        if not path.startswith(above):
            return None
        relative = path[len(above) :].replace(os.sep, "/")
        return _spec(self.lines).check_file(relative + "/" if is_folder else relative).include

    def names(self, path: str) -> bool:
        """Whether `path`, relative or absolute, or a folder around it is named."""
        return self.verdict(os.path.abspath(path)) is True


@lru_cache(maxsize=256)
def _spec(lines: Sequence[str]) -> pathspec.GitIgnoreSpec:
    import pathspec  # late: most runs have nothing to match

    try:
        return pathspec.GitIgnoreSpec.from_lines(lines)
    except (ValueError, re.error):
        return pathspec.GitIgnoreSpec.from_lines([line for line in lines if _is_pattern(line)])


def _is_pattern(line: str) -> bool:
    import pathspec

    try:
        pathspec.GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):
        return False
    return True
