"""A code frame: the lines of a file that matter, each marked with what it has to do with the finding."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from vglint.report.view import View, visible
from vglint.report.wrap import columns, wrapped

_LONGEST = 120
"""Columns of code that are shown at most, whatever the terminal's width."""
_TAB = " " * 4
_NAMES = 8
"""Names of one place that are shown."""


class Mark(Struct, frozen=True):
    """What to point at on one line; columns count from 1, `end` is the column after the last character.

    `main` marks are underlined with `^`, others with `-`. `last_line` > `line` where the place spans lines.
    """

    line: int
    start: int
    end: int
    text: str
    main: bool
    last_line: int


def frame(text: str, marks: Sequence[Mark], color: str, view: View) -> list[str]:
    """Returns the marked lines of `text` with their marks below, `...` where lines are left out; no line, no frame."""
    lines = source_lines(text)
    kept = sorted(_merged([mark for mark in marks if 1 <= mark.line <= len(lines)]), key=_order)
    shown = _shown(lines, {mark.line for mark in kept})
    gutter = len(str(shown[-1])) if shown else 1
    width = min(_LONGEST, max(view.width - gutter - 3, 20)) if view.width else _LONGEST
    printed: list[str] = []
    before: int | None = None
    for number in shown:
        if before is not None and number > before + 1:
            printed.append(view.paint("...", "blue"))
        before = number
        here = [mark for mark in kept if mark.line == number]
        printed += _line(lines[number - 1], number, gutter, width, here, color, view)
    return printed


def _merged(marks: Sequence[Mark]) -> list[Mark]:
    """Returns the marks with those of one place as one: the finding's own with what else is said there."""
    places: dict[tuple[int, int, int, int], list[Mark]] = {}
    for mark in marks:
        places.setdefault((mark.line, mark.start, mark.end, mark.last_line), []).append(mark)
    return [
        replace(here[0], main=any(mark.main for mark in here), text=_joined([mark.text for mark in here if mark.text]))
        for here in places.values()
    ]


def _joined(texts: Sequence[str]) -> str:
    """Returns several texts as one: `a saturates` and `b saturates` are `a, b saturates`."""
    by_rest: dict[str, dict[str, None]] = {}
    for text in texts:
        name, _, rest = text.partition(" ")
        by_rest.setdefault(rest, {})[name] = None
    said = []
    for rest, names in by_rest.items():
        shown = [*names][:_NAMES] + (["…"] if len(names) > _NAMES else [])
        said.append(f"{', '.join(shown)} {rest}".strip())
    return "; ".join(said)


def source_lines(text: str) -> list[str]:
    """Returns the lines as Python counts them: `\\n`, `\\r\\n` and `\\r` end one, a form feed does not."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _order(mark: Mark) -> tuple[object, ...]:
    return mark.line, not mark.main, mark.start, mark.end, mark.last_line, mark.text


def _shown(lines: Sequence[str], marked: set[int]) -> list[int]:
    """Returns the marked line numbers, and a single unmarked line between two of them."""
    shown = set(marked)
    for number in marked:
        if number + 2 in marked:
            shown.add(number + 1)
        if number > 1 and lines[number - 2].strip() and len(marked) == 1:
            shown.add(number - 1)
    return sorted(shown)


def _line(line: str, number: int, gutter: int, width: int, marks: Sequence[Mark], color: str, view: View) -> list[str]:
    bar = view.paint("|", "blue")
    cut = _cut(line, width, marks)
    code = _tabs(line[cut : cut + 4 * width])
    trimmed = _clip(code, width)
    printed = [f"{view.paint(f'{number:>{gutter}}', 'blue')} {bar} {'…' if cut else ''}{trimmed}".rstrip()]
    for mark in marks:
        first = min(max(mark.start - 1, 0), len(line))
        last = max(min(mark.end - 1, len(line)), first + 1) if mark.last_line == mark.line else len(line.rstrip())
        indent = columns(_tabs(line[cut:first])) + (1 if cut else 0)
        length = max(1, min(columns(_tabs(line[first:last])), width - indent))
        tail = f" (to line {mark.last_line})" if mark.last_line > mark.line else ""
        under = view.paint(("^" if mark.main else "-") * length, color if mark.main else "blue", bold=True)
        words = f"{visible(mark.text)}{tail}".strip()
        before = f"{' ' * gutter} {bar} "
        if not words or indent + length + 1 + columns(words) <= width:
            printed.append(f"{before}{' ' * indent}{under} {words}".rstrip())
            continue
        offset = " " * max(min(indent, width - columns(words)), 0)
        printed.append(f"{before}{' ' * indent}{under}")
        top, *more = wrapped(words, width, len(offset), offset)
        printed += [f"{before}{offset}{top}", *(f"{before}{line}" for line in more)]
    return printed


def _cut(line: str, width: int, marks: Sequence[Mark]) -> int:
    """Returns how many characters to leave out on the left, so that the first mark of a very long line is seen."""
    first = min((mark.start for mark in marks), default=1) - 1
    return first - width // 4 if first > width * 3 // 4 else 0


def _tabs(line: str) -> str:
    return visible(line.replace("\t", _TAB))


def _clip(code: str, width: int) -> str:
    if columns(code) <= width:
        return code
    used = 0
    for position, character in enumerate(code):
        used += columns(character)
        if used > width - 1:
            return code[:position] + "…"
    return code
