"""Wildcards of one part of a path, matched in time that grows with the lengths and the number of `*`, and no faster."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct

from vglint.regex import regex

Run: TypeAlias = "str | re.Pattern[str]"
"""What stands between two `*`: plain text, or text of a fixed length with `?` and classes in it."""


class Wildcard(Struct, frozen=True):
    """The runs between the `*` of a pattern, with how many characters each takes; one run is a pattern without `*`."""

    runs: tuple[tuple[Run, int], ...]

    @property
    def plain(self) -> str | None:
        """Returns the text that a pattern without wildcards stands for."""
        match self.runs:
            case ((str(text), _),):
                return text
            case _:
                return None

    def fits(self, text: str) -> bool:
        """Whether the pattern fits a whole text: each run between two `*` is taken where it first fits, which leaves most for the rest."""
        (first, start), *others = self.runs
        if not others:
            return start == len(text) and _find(first, text, 0, len(text)) == 0
        *middle, (last, length) = others
        end = len(text) - length
        if end < start or not _stands(first, start, text, 0) or not _stands(last, length, text, end):
            return False
        for run, length in middle:
            found = _find(run, text, start, end)
            if found < 0:
                return False
            start = found + length
        return True


def _stands(run: Run, length: int, text: str, at: int) -> bool:
    return _find(run, text, at, at + length) == at


def _find(run: Run, text: str, start: int, end: int) -> int:
    if isinstance(run, str):
        return text.find(run, start, end)
    found = run.search(text, start, end)
    return -1 if found is None else found.start()


@lru_cache(maxsize=4096)
def compiled(text: str) -> Wildcard | None:
    """Returns a pattern without `/`; None where it ends in a backslash or inside a class, which fits nothing."""
    runs: list[tuple[Run, int]] = []
    plain, pattern, length = "", "", 0
    at = 0
    while at <= len(text):
        character = text[at : at + 1]
        at += 1
        if character in ("*", ""):
            if not (runs and character == "*" and not length):  # `**` is `*`
                runs.append((plain if len(plain) == length else re.compile(pattern, re.DOTALL), length))
            plain, pattern, length = "", "", 0
            continue
        length += 1
        if character == "[":
            found = _class(text, at)
            if found is None:
                return None
            inside, at = found
            pattern += inside
        elif character == "?":
            pattern += "."
        else:
            if character == "\\":
                if at == len(text):
                    return None
                character = text[at]
                at += 1
            plain += character
            pattern += re.escape(character)
    return Wildcard(tuple(runs))


_NAMED = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \t-\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_POSIX = regex(r"\[:([a-z]+):\]")


def _class(text: str, at: int) -> tuple[str, int] | None:
    """Returns the class whose inside starts at `at` as a regular expression, and the place behind its bracket."""
    negated = text[at : at + 1] in ("!", "^")
    at += negated
    inside: list[str] = []
    first = True
    while at < len(text) and (first or text[at] != "]"):
        first = False
        if named := _POSIX.match(text, at):
            if named[1] not in _NAMED:
                return None
            inside.append(_NAMED[named[1]])
            at = named.end()
            continue
        low, at = _member(text, at)
        high = low
        if text[at : at + 1] == "-" and text[at + 1 : at + 2] not in ("", "]"):
            high, at = _member(text, at + 1)
        if low <= high:
            inside.append(f"{re.escape(low)}-{re.escape(high)}")
    if at >= len(text):
        return None
    return (f"[{'^' if negated else ''}{''.join(inside)}]" if inside else "." if negated else "(?!)."), at + 1


def _member(text: str, at: int) -> tuple[str, int]:
    if text[at] == "\\" and at + 1 < len(text):
        at += 1
    return text[at], at + 1
