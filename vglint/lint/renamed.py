"""Outcomes as they read from another folder: the same files under other names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from vglint.lint.outcome import Idle, Outcome
from vglint.regex import regex

_PLACE = regex(r"(?P<path>.+?)(?P<rest>:\d+: .*)", re.DOTALL)
_PATHS = frozenset({"file", "path"})


class Shown(Struct, frozen=True):
    """How files are called from a folder: as they are given (by absolute path), else from the folder where they lie below it."""

    base: str
    given: Mapping[str, str]
    everywhere: bool = False
    """Whether files that do not lie below the folder are called from it, too."""

    @staticmethod
    def of(paths: Sequence[str]) -> Shown:
        """Returns how files are called in this run."""
        here = os.getcwd()
        return Shown(here, {os.path.normpath(os.path.join(here, path)): path for path in paths})

    def absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self.base, path))

    def called(self, file: str) -> str:
        """Returns how a file is called, by its absolute path."""
        if file in self.given:
            return Path(self.given[file]).as_posix()
        below = self.everywhere or file.startswith(self.base.rstrip(os.sep) + os.sep)
        return Path(os.path.relpath(file, self.base) if below else file).as_posix()


def renamed(outcome: Outcome, then: Shown, now: Shown) -> Outcome:
    """Returns an outcome whose files were called as they were then, with the names that they have now."""
    made: Outcome = _renamed(outcome, lambda path: now.called(then.absolute(path)))
    silent = []
    for entry, text in outcome.silent:
        place = _PLACE.fullmatch(text)
        silent.append((entry, text if place is None else now.called(then.absolute(place["path"])) + place["rest"]))
    return replace(made, silent=tuple(silent))


def portable(outcome: Outcome, here: Shown) -> Outcome:
    """Returns an outcome that says nothing of where the current folder lies: every file is called from there."""
    then = Shown(here.base, {}, everywhere=True)
    return _reached(renamed(outcome, here, then), then.called)


def settled(outcome: Outcome, here: Shown) -> Outcome:
    """Returns a portable outcome as it reads in this run."""
    then = Shown(here.base, {}, everywhere=True)
    return _reached(renamed(outcome, then, here), then.absolute)


def _reached(outcome: Outcome, path: Callable[[str], str]) -> Outcome:
    """Returns an outcome with other names for the files of comments, which are no part of what is shown."""
    return replace(
        outcome,
        idle=tuple(replace(idle, path=path(idle.path)) for idle in outcome.idle),
        needed=tuple((path(file), line, word) for file, line, word in outcome.needed),
    )


def _renamed(value: Any, called: Callable[[str], str]) -> Any:
    if isinstance(value, tuple):
        return tuple(_renamed(each, called) for each in value)
    if isinstance(value, Idle):
        return replace(value, problem=_renamed(value.problem, called))
    if not isinstance(value, Struct):
        return value
    fields: dict[str, Any] = {}
    for name in value.__struct_fields__:
        held = getattr(value, name)
        fields[name] = called(held) if name in _PATHS and isinstance(held, str) else _renamed(held, called)
    return type(value)(**fields)
