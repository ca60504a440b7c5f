"""A notebook's code cells as one module."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from vglint import disk
from vglint.finding import Problem
from vglint.regex import regex
from vglint.source.split import Piece, split


class Cell(Struct, frozen=True):
    """One code cell: `number` counts code cells from 1, `line` is its first line in the joined module text.

    `index` is its place among all cells of the file, from 0.
    """

    number: int
    line: int
    index: int


class Notebook(Struct, frozen=True):
    """The code cells in order as one text: what is not Python is blanked, so that every line stays where it was.

    No statement runs from one cell into the next.
    """

    text: str
    cells: tuple[Cell, ...]
    pieces: tuple[Piece, ...]


def read_notebook(path: str, content: bytes) -> Notebook | Problem:
    """Returns the code of a Jupyter notebook (nbformat 3 and 4); a notebook in another language has none."""
    sources = _code_cells(path, content)
    if isinstance(sources, Problem):
        return sources
    if sum(len(source) for _, source in sources) > disk.SOURCE:
        return Problem(path, None, f"has more than {disk.SOURCE // 1_000_000} MB of code, the most that is read")
    texts = [_python(source) for _, source in sources]
    cells: list[Cell] = []
    pieces: list[Piece] = []
    line, start = 1, 0
    for number, ((index, _), text) in enumerate(zip(sources, texts, strict=True), 1):
        cells.append(Cell(number, line, index))
        pieces += [replace(piece, start=start + piece.start, end=start + piece.end) for piece in split(text)]
        line += text.count("\n")
        start += len(text)
    return Notebook("".join(texts), tuple(cells), tuple(pieces))


class _Cell(msgspec.Struct):
    cell_type: str = "code"
    source: list[str] | str = ""
    input: list[str] | str = ""


class _Sheet(msgspec.Struct):
    cells: list[_Cell] = []


class _Kernel(msgspec.Struct):
    language: str | None = None
    name: str | None = None


class _Metadata(msgspec.Struct):
    kernelspec: _Kernel | None = None
    language_info: _Kernel | None = None


class _Raw(msgspec.Struct):
    cells: list[_Cell] | None = None
    worksheets: list[_Sheet] | None = None
    metadata: _Metadata | None = None


def _code_cells(path: str, content: bytes) -> list[tuple[int, str]] | Problem:
    try:
        raw = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=_Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Problem(path, None, f"is not a notebook: {error}")
    if raw.cells is None and raw.worksheets is None:
        return Problem(path, None, "is not a notebook: it has no cells")
    metadata = raw.metadata or _Metadata()
    languages = [kernel.language or kernel.name for kernel in (metadata.kernelspec, metadata.language_info) if kernel]
    if any(language and "python" not in language.lower() for language in languages):
        return []
    cells = raw.cells if raw.cells is not None else [cell for sheet in raw.worksheets or () for cell in sheet.cells]
    sources = [(index, cell.source or cell.input) for index, cell in enumerate(cells) if cell.cell_type == "code"]
    return [(index, source if isinstance(source, str) else "".join(source)) for index, source in sources]


_SUSPECT = regex(r"^[ \t]*[%!?]|\?[ \t]*(?:#.*)?$|=[ \t]*[%!]", re.MULTILINE)
_CELL_MAGIC = regex(r"\s*%%(\w+)")
_PYTHON_CELLS = frozenset(
    {"time", "timeit", "capture", "prun", "debug", "python", "python3", "memit", "mprun", "vglint"}
)
_TIME = regex(r"(\s*)%time (?=\s*\S)")
_LINE_MAGIC = regex(r"(\s*)(?:[%!?].*|[\w.*\[\]]+\?{1,2}\s*(?:#.*)?)$")
_ASSIGNED = regex(r"([\w.,\s\[\]'\"]+=\s*)[%!](?!=)")
_REST = {
    quote: regex(rf"(?:[^\\]|\\.)*?{quote}", re.DOTALL) for quote in ("'", '"', "'''", '"""')
}  # a string up to its end
_TOKEN = regex(
    r"(?P<string>[a-zA-Z]{0,2}(?P<quote>\"\"\"|'''|\"|'))|(?P<comment>#.*)|(?P<open>[(\[{])|(?P<close>[)\]}])"
)


def _python(source: str) -> str:
    """Returns the cell with the same lines, and each line ended."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    source = source if source.endswith("\n") else source + "\n"
    if not _SUSPECT.search(source):
        return source
    lines = source.split("\n")
    at = 0
    while at < len(lines):
        if not lines[at].strip() and at + 1 < len(lines) and lines[at + 1].lstrip().startswith("%%"):
            at += 1  # a blank line above a cell magic
        elif magic := _CELL_MAGIC.match(lines[at]):
            if magic[1] not in _PYTHON_CELLS:
                return "\n" * source.count("\n")
            at += 1
        else:
            break
    return "\n".join(["" for _ in lines[:at]] + _without_magics(lines[at:]))


def _without_magics(lines: Sequence[str]) -> list[str]:
    """Returns the lines with `%magic`, `!shell` and `help?` replaced where a statement starts, not inside one."""
    kept = []
    depth, quote, continued, in_magic = 0, "", False, False
    for line in lines:
        if in_magic:
            in_magic = line.endswith("\\")
            kept.append("")
            continue
        if not depth and not quote and not continued:
            replaced = _statement(line)
            in_magic = replaced != line and line.endswith("\\") and not _TIME.match(line)
            line = replaced
        kept.append(line)
        depth, quote = _state_after(line, depth, quote)
        continued = line.endswith("\\") and not quote
    return kept


def _statement(line: str) -> str:
    if time := _TIME.match(line):
        return f"{time[1]}if 1: {line[time.end() :]}"  # as long as `%time `: columns stay true
    if magic := _LINE_MAGIC.match(line):
        return f"{magic[1]}pass"
    if assigned := _ASSIGNED.match(line):
        return f"{assigned[1]}get_ipython()"
    return line


def _state_after(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Returns how many brackets are open and which triple quote is, after a line."""
    position = 0
    while position < len(line):
        if quote:
            rest = _REST[quote].match(line, position)
            if rest is None:
                return depth, quote if len(quote) == 3 or line.endswith("\\") else ""
            position, quote = rest.end(), ""
            continue
        token = _TOKEN.search(line, position)
        if token is None or token["comment"]:
            return depth, ""
        position = token.end()
        quote = token["quote"] or ""
        depth += bool(token["open"]) - bool(token["close"])
    return max(depth, 0), quote if len(quote) == 3 else ""
