"""Lines as other programs count them: those of the file, also in notebooks."""

from __future__ import annotations

from vglint.finding import Report
from vglint.span import Span


def file_lines(span: Span, cell: int | None, report: Report) -> tuple[int, int]:
    """Returns the first and the last line of a place in its file; the first of the file where a notebook's cell is not found in it."""
    if cell is None:
        return max(span.line, 1), max(span.end_line, span.line, 1)
    lines = report.cell_lines.get(f"{span.file}:cell {cell}", ())
    if not 0 < span.line <= len(lines):
        return 1, 1
    return lines[span.line - 1], lines[min(max(span.end_line, span.line), len(lines)) - 1]
