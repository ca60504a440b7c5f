"""Edits of a notebook: from the joined text of its code cells to single cells, and from there into its JSON, of which nothing else changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from vglint.finding import Edit
from vglint.regex import regex
from vglint.source.notebook import Cell

_SPACE = regex(r"[ \t\r\n]*")


class _Source(Struct, frozen=True):
    """Where the source of one cell stands in a notebook's text, and what it says."""

    start: int
    end: int
    value: str | list[str]

    @property
    def text(self) -> str:
        return self.value if isinstance(self.value, str) else "".join(self.value)


def in_cells(content: bytes, joined: str, cells: Sequence[Cell], edits: Iterable[Edit]) -> tuple[Edit, ...] | None:
    """Returns edits of the joined text as edits of single cells, their offsets in the cell's source; None where one touches two cells, or a
    line that is no Python there."""
    sources = {index: found.text for index, found in enumerate(_sources(_text(content)))}
    starts = [0]
    for line in joined.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found: list[Edit] = []
    for edit in edits:
        cell = next((one for one in reversed(cells) if starts[one.line - 1] <= edit.start), None)
        if cell is None or cell.index not in sources:
            return None
        own = sources[cell.index]
        first, size = starts[cell.line - 1], len(own)
        following = [other.line for other in cells if other.line > cell.line]
        last = starts[following[0] - 1] if following else len(joined)
        shown = joined[first:last]
        if "\r" in own or edit.end > last or not _is_plain(shown, own, edit.start - first, edit.end - first):
            return None
        start, end = (min(_moved(shown, own, place - first), size) for place in (edit.start, edit.end))
        text = edit.text
        if start == size and not own.endswith("\n") and text.endswith("\n"):
            text = "\n" + text.removesuffix("\n")
        found.append(replace(edit, start=start, end=end, text=text, cell=cell.number))
    return tuple(found)


def cell_sources(content: bytes) -> list[str]:
    """Returns the source of every cell of a notebook, code or not."""
    return [source.text for source in _sources(_text(content))]


def rewritten(content: bytes, cells: Sequence[Cell], edits: Iterable[Edit]) -> bytes:
    """Returns a notebook with the sources of the edited cells changed; every other byte stays."""
    text = _text(content)
    by_cell: dict[int, list[Edit]] = {}
    for edit in edits:
        index = next(cell.index for cell in cells if cell.number == edit.cell)
        by_cell.setdefault(index, []).append(edit)
    sources = list(_sources(text))
    for index in sorted(by_cell, reverse=True):
        source = sources[index]
        changed = source.text
        for edit in sorted(by_cell[index], key=lambda one: (one.start, one.end), reverse=True):
            changed = changed[: edit.start] + edit.text + changed[edit.end :]
        text = text[: source.start] + _written(text[source.start : source.end], source, changed) + text[source.end :]
    mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
    return mark + text.encode("utf-8")


def _text(content: bytes) -> str:
    return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8")


def _is_plain(shown: str, own: str, start: int, end: int) -> bool:
    """Whether the lines that an edit touches are the same in the cell and in the joined text: no magic stood there."""
    theirs, ours = shown.split("\n"), own.split("\n")
    first, last = shown.count("\n", 0, start), shown.count("\n", 0, max(start, end - 1))
    return theirs[first : last + 1] == ours[first : last + 1] or (start == end and start == len(shown))


def _moved(shown: str, own: str, place: int) -> int:
    """Returns an offset of the joined cell as one of the cell itself: the same line and column."""
    line = shown.count("\n", 0, place)
    column = place - (shown.rfind("\n", 0, place) + 1)
    start = 0
    for _ in range(line):
        start = own.find("\n", start) + 1
        if start == 0:
            return len(own)
    return start + column


def _written(old: str, source: _Source, changed: str) -> str:
    """Returns a source as JSON in the form that it had: a text, or a list of lines with its indentation."""
    plain = not re.search(r"\\u[0-9a-fA-F]{4}", old)
    if isinstance(source.value, str):
        return json.dumps(changed, ensure_ascii=not plain)
    inside = old[1:-1]
    before = (_SPACE.match(inside) or [""])[0]
    after = inside[len(inside.rstrip()) :]
    lines = [json.dumps(line, ensure_ascii=not plain) for line in changed.splitlines(keepends=True)]
    between = before if "\n" in before else " "
    return f"[{before}{f',{between}'.join(lines)}{after}]"


def _sources(text: str) -> Iterator[_Source]:
    """Yields the source of every cell, in order; nothing where the file has another form than nbformat 4."""
    for key, start, _end in _members(text, 0):
        if key == "cells":
            for first, _last in _elements(text, start):
                yield from (
                    _Source(value, end, json.loads(text[value:end]))
                    for name, value, end in _members(text, first)
                    if name == "source"
                )


def _members(text: str, start: int) -> Iterator[tuple[str, int, int]]:
    """Yields the keys of an object with where their values start and end."""
    decoder = json.JSONDecoder()
    place = _skip(text, start)
    if text[place : place + 1] != "{":
        return
    place = _skip(text, place + 1)
    while text[place : place + 1] == '"':
        key, place = decoder.raw_decode(text, place)
        value = _skip(text, _skip(text, place) + 1)
        _, end = decoder.raw_decode(text, value)
        yield str(key), value, end
        place = _skip(text, end)
        if text[place : place + 1] == ",":
            place = _skip(text, place + 1)


def _elements(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Yields where the elements of an array start and end."""
    decoder = json.JSONDecoder()
    place = _skip(text, start + 1)
    while text[place : place + 1] not in ("]", ""):
        _, end = decoder.raw_decode(text, place)
        yield place, end
        place = _skip(text, end)
        if text[place : place + 1] == ",":
            place = _skip(text, place + 1)


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return place if found is None else found.end()
