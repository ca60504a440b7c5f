"""`--add-ignore`: comments that answer the findings of a report, each checked like a fix."""

from __future__ import annotations

from collections.abc import Callable

from vglint.config import Settings
from vglint.finding import Edit, Finding, Fix, Problem, Report
from vglint.fix import cell_sources
from vglint.lint.comment import with_comment
from vglint.lint.fixing import Fixed, Refused, made
from vglint.lint.project import Buffer
from vglint.source.notebook import read_notebook
from vglint.source.reading import Text, decode


def ignored(
    report: Report, govern: Callable[[str], Settings], reason: str, buffer: Buffer | None = None
) -> tuple[list[Fixed], list[Refused]]:
    """Returns what each file becomes with a comment for each finding of the report, and which cannot have one; nothing is written."""
    rules: dict[tuple[str, int | None, int], set[str]] = {}
    for finding in report.findings:
        rules.setdefault(_line(finding), set()).add(finding.rule)

    def change(finding: Finding, content: bytes) -> Fix | None:
        return _comment(finding, content, sorted(rules[_line(finding)]), reason)

    return made(report, govern, lambda finding: True, change, buffer)


def _line(finding: Finding) -> tuple[str, int | None, int]:
    return finding.span.file, finding.cell, finding.span.line


def _comment(finding: Finding, content: bytes, rules: list[str], reason: str) -> Fix | None:
    """Returns the edit that puts a comment at the end of the finding's line, or its rules into the one that stands there."""
    path = finding.span.file
    splice = with_comment(_text(path, finding.cell, content), finding.span.line, rules, reason)
    return None if splice is None else Fix("Say why this is intended", "safe", (Edit(path, *splice, finding.cell),))


def _text(path: str, cell: int | None, content: bytes) -> str:
    """Returns a file's text, or the source of one cell."""
    if cell is None:
        text = decode(path, content)
        return text.text if isinstance(text, Text) else ""
    book = read_notebook(path, content)
    if isinstance(book, Problem):
        return ""
    index = next(one.index for one in book.cells if one.number == cell)
    return cell_sources(content)[index]
