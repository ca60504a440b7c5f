"""Where the lines of a notebook's cells stand in its file: annotations of files know lines of the file, not of cells."""

from __future__ import annotations

import json
from collections.abc import Iterator

from vglint.regex import regex

_BETWEEN = regex(r"\s*,\s*")


def lines_in_file(content: bytes) -> tuple[tuple[int, ...], ...]:
    """Returns for each code cell the line of the file, from 1, that each of its lines stands on; nothing for a cell that is not found."""
    try:
        text = content.decode("utf-8-sig")
        document = json.loads(text)
    except (UnicodeDecodeError, ValueError, RecursionError):
        return ()
    return tuple(_cells(text, document))


def _cells(text: str, document: object) -> Iterator[tuple[int, ...]]:
    offset = 0
    for cell in _listed(document):
        source = cell.get("source") or cell.get("input") or ""
        lines = [source] if isinstance(source, str) else source
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            found = None
        else:
            found = _found(text, lines, offset)
        if found is not None:
            offset = found[1]
        if cell.get("cell_type", "code") == "code":
            numbers = () if found is None else found[0]
            yield numbers * (source.count("\n") + 1) if isinstance(source, str) else numbers


def _listed(document: object) -> list[dict[str, object]]:
    if not isinstance(document, dict):
        return []
    cells = document.get("cells")
    if cells is None:
        sheets = document.get("worksheets")
        cells = [cell for sheet in sheets or () for cell in sheet.get("cells", ())] if isinstance(sheets, list) else []
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []


def _found(text: str, lines: list[str], offset: int) -> tuple[tuple[int, ...], int] | None:
    """Returns the lines on which an array of strings stands, the first one behind `offset`, and where it ends."""
    if not lines:
        return (), offset
    forms = [(json.dumps(line, ensure_ascii=False), json.dumps(line)) for line in lines]
    start = offset
    while True:
        starts = [at for form in set(forms[0]) if (at := text.find(form, start)) >= 0]
        if not starts:
            return None
        start = min(starts)
        places, end = _array(text, forms, start)
        if len(places) == len(lines):
            first = text.count("\n", 0, start) + 1
            return tuple(first + text.count("\n", start, place) for place in places), end
        start += 1


def _array(text: str, forms: list[tuple[str, str]], start: int) -> tuple[list[int], int]:
    places: list[int] = []
    end = start
    for number, options in enumerate(forms):
        if number:
            between = _BETWEEN.match(text, end)
            if between is None:
                break
            end = between.end()
        form = next((form for form in options if text.startswith(form, end)), None)
        if form is None:
            break
        places.append(end)
        end += len(form)
    return places, end
