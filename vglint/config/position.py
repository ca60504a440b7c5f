"""Where a key stands in a TOML text: the parser gives values without places, so the lines are read a second time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from vglint.regex import regex

Part: TypeAlias = "str | int"
"""A key, or the position in an array."""

_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = regex(rf"\s*(\[\[?)\s*({_KEY})\s*\]")
_PAIR = regex(rf"\s*({_KEY})\s*=")
_SHOWN = regex(rf"({_PART})|\[(\d+)\]")
_SKIPPED = regex(r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*', re.S)
"""Strings and comments: brackets in them do not count."""


def locate(text: str, key: str) -> tuple[int, int, int] | None:
    """Returns line, first and last column of a key such as `rules.VG101.decades` or `targets[0].loss`; of what is closest around it
    where it is not written out. Lines and columns count from 1; the last column is the one after the last character."""
    wanted = tuple(_parts(key))
    best: tuple[int, int, int] | None = None
    depth = 0
    for path, line, column, length, end in _keys(text):
        shared = _shared(path, wanted)
        if shared > depth and shared == len(path):
            depth, best = shared, (line, column, column + length)
            inside = _inside(text, end, line, wanted[shared:])
            best = inside or best
    return best


def _keys(text: str) -> Iterator[tuple[tuple[Part, ...], int, int, int, int]]:
    """Yields the path of each header and pair, with line, column and length, and where in the text it ends."""
    table: tuple[Part, ...] = ()
    arrays: dict[tuple[Part, ...], int] = {}
    lines = text.splitlines(keepends=True)
    offset, number = 0, 0
    while number < len(lines):
        line = lines[number]
        if (header := _HEADER.match(line)) is not None:
            table = tuple(_parts(header[2]))
            if header[1] == "[[":
                arrays[table] = arrays.get(table, -1) + 1
                table = (*table, arrays[table])
            yield table, number + 1, header.start(2) + 1, len(header[2]), offset + header.end()
        elif (pair := _PAIR.match(line)) is not None:
            path = (*table, *_parts(pair[1]))
            yield path, number + 1, pair.start(1) + 1, len(pair[1]), offset + pair.end()
            while number + 1 < len(lines) and not _is_whole(text[offset : offset + len(line)], pair.end()):
                number += 1
                line += lines[number]
        offset += len(line)
        number += 1


def _is_whole(pair: str, start: int) -> bool:
    """Whether the value of a pair ends where the text does."""
    value = _SKIPPED.sub(lambda found: "" if found[0].startswith("#") else "0", pair[start:])
    return value.count("[") + value.count("{") <= value.count("]") + value.count("}") and not re.search(
        r"\"\"\"|'''", value
    )


def _inside(text: str, start: int, line: int, rest: tuple[Part, ...]) -> tuple[int, int, int] | None:
    """Returns the place of the last named part in an inline table or array that begins at `start` in `line`."""
    names = [part for part in rest if isinstance(part, str)]
    if not names:
        return None
    found = re.compile(rf"""["']?{re.escape(names[-1])}["']?(?=\s*=)""").search(text, start)
    if found is None or re.search(r"\n\s*\[|\n\s*[\w.-]+\s*=", text[start : found.start()]):
        return None
    begin = text.rfind("\n", 0, found.start()) + 1
    return line + text.count("\n", start, found.start()), found.start() - begin + 1, found.end() - begin + 1


def _parts(key: str) -> Iterator[Part]:
    for found in _SHOWN.finditer(key):
        yield int(found[2]) if found[2] is not None else found[1].strip("\"'")


def _shared(path: tuple[Part, ...], wanted: tuple[Part, ...]) -> int:
    count = 0
    for one, other in zip(path, wanted, strict=False):
        if one != other:
            break
        count += 1
    return count
