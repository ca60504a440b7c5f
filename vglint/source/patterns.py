"""Sets of paths written as in `.gitignore`, relative to a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property, lru_cache

from msgspec import Struct

from vglint.source.wildcard import Wildcard, compiled

MOST = 5_000
"""Lines of one file of patterns that are looked at."""


class Patterns(Struct, frozen=True, dict=True):
    """The paths below `folder` that lines of a `.gitignore` name; the last line that speaks of a path decides.

    A line that is no pattern names nothing, as with git.
    """

    folder: str
    lines: tuple[str, ...]

    @cached_property
    def _table(self) -> _Table:
        return _table(self.lines)

    def verdict(self, path: str, is_folder: bool = False, walked: bool = False) -> bool | None:
        """Returns True for an absolute path that is named, or lies in a folder that is; False for an exempt one (`!x`), None where no
        line is about it. Who `walked` there has asked about the folders around it."""
        if not self.lines:
            return None
        above = self.folder.rstrip(os.sep) + os.sep
        if not path.startswith(above):
            return None
        parts = tuple(path[len(above) :].split(os.sep))
        verdict = None
        for count in range(len(parts) if walked else 1, len(parts) + 1):
            inner = count < len(parts)
            found = self._table.verdict(parts[:count], is_folder or inner)
            if found and inner:
                return True  # what lies in a folder that is left out cannot be brought back
            if not inner:
                verdict = found
        return verdict

    def names(self, path: str) -> bool:
        """Whether `path`, relative or absolute, or a folder around it is named."""
        return self.verdict(os.path.abspath(path)) is True


class _Line(Struct, frozen=True, dict=True):
    """One pattern: its parts (None for `**`), whether it stands for folders only, and whether it brings back what it names."""

    parts: tuple[Wildcard | None, ...]
    folders: bool
    exempt: bool

    def fits(self, path: tuple[str, ...], is_folder: bool) -> bool:
        if self.folders and not is_folder:
            return False
        match self.parts:
            case (None, Wildcard() as name):  # at any depth: the last part alone counts
                return name.fits(path[-1])
            case _:
                return _fit(self.parts, path)


class _Table(Struct, frozen=True, dict=True):
    """Patterns with their places in the file: those that are one plain name by that name, the others one after the other."""

    plain: dict[str, list[tuple[int, _Line]]]
    others: tuple[tuple[int, _Line], ...]

    def verdict(self, path: tuple[str, ...], is_folder: bool) -> bool | None:
        last, verdict = -1, None
        for place, line in self.plain.get(path[-1], ()):
            if is_folder or not line.folders:
                last, verdict = place, not line.exempt
        for place, line in reversed(self.others):
            if place < last:
                break
            if line.fits(path, is_folder):
                return not line.exempt
        return verdict


def _fit(pattern: Sequence[Wildcard | None], path: Sequence[str]) -> bool:
    """Whether the parts of a pattern fit those of a path, where None stands for any number of parts."""
    at = place = 0
    star, marked = -1, 0
    while place < len(path):
        if at < len(pattern) and (part := pattern[at]) is None:
            star, marked = at, place
            at += 1
        elif at < len(pattern) and part is not None and part.fits(path[place]):
            at += 1
            place += 1
        elif star >= 0:
            marked += 1
            at, place = star + 1, marked
        else:
            return False
    return all(part is None for part in pattern[at:])


@lru_cache(maxsize=64)
def _table(lines: tuple[str, ...]) -> _Table:
    plain: dict[str, list[tuple[int, _Line]]] = {}
    others: list[tuple[int, _Line]] = []
    for place, text in enumerate(lines[:MOST]):
        line = _parsed(text)
        if line is None:
            continue
        name = _plain_name(line)
        if name is None:
            others.append((place, line))
        else:
            plain.setdefault(name, []).append((place, line))
    return _Table(plain, tuple(others))


def _plain_name(line: _Line) -> str | None:
    """Returns the name that a line such as `build/` or `*` free `name.txt` stands for at any depth."""
    match line.parts:
        case (None, Wildcard(plain=name)):
            return name
        case _:
            return None


def _parsed(text: str) -> _Line | None:
    """Returns the pattern of a line; None for a blank one, a comment, and what is no pattern."""
    if text.startswith("#"):
        return None
    text = _stripped(text.rstrip("\r\n"))
    exempt = text.startswith("!")
    text = text[exempt:]
    folders = text.endswith("/")
    text = text.removesuffix("/")
    if not text:
        return None
    anchored = "/" in text
    parts: list[Wildcard | None] = [] if anchored else [None]
    for part in text.removeprefix("/").split("/"):
        if part == "**":
            if parts[-1:] != [None]:
                parts.append(None)
            continue
        wildcard = compiled(part) if part else None
        if wildcard is None:
            return None
        parts.append(wildcard)
    if anchored and parts[-1] is None:  # `a/**` is what lies in a, not a
        parts.append(_ANY_NAME)
    return _Line(tuple(parts), folders, exempt)


_ANY_NAME = Wildcard((("", 0), ("", 0)))


def _stripped(text: str) -> str:
    """Returns a line without the blanks at its end, save one behind a backslash."""
    bare = text.rstrip(" \t")
    slashes = len(bare) - len(bare.rstrip("\\"))
    return bare + text[len(bare) : len(bare) + 1] if slashes % 2 else bare
