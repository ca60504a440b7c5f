"""For people: a code frame for each finding, the facts that it rests on, and the way out."""

from __future__ import annotations

from vglint.finding import MEASURED, Evidence, Finding, Report
from vglint.report.concise import problem_line
from vglint.report.frame import Mark, frame
from vglint.report.summary import statistics, summary, unknown_lines
from vglint.report.view import COLORS, View, place, visible


def full(report: Report, view: View) -> str:
    blocks: list[str] = []
    if view.statistics:
        blocks += ["\n".join(statistics(report, view))] if report.findings else []
    else:
        blocks += ["\n".join(_finding(finding, report, view)) for finding in report.findings]
    tail = [problem_line(problem, view) for problem in report.problems] + unknown_lines(report)
    if tail:
        blocks.append("\n".join(tail))
    blocks.append(summary(report))
    return "\n\n".join(blocks) + "\n"


def _finding(finding: Finding, report: Report, view: View) -> list[str]:
    color = COLORS[finding.severity]
    head = view.paint(f"{finding.severity}[{finding.rule}]", color, bold=True)
    where = place(finding.span.file, finding.cell, finding.span.line, finding.span.column)
    name = view.paint(finding.name, bold=True)
    return [
        f"{head} {name}: {visible(finding.message)}",
        f"{view.paint('-->', 'blue')} {where} in {visible(finding.entry)}",
        *_frames(finding, report, color, view),
        *_notes(finding, view),
    ]


def _frames(finding: Finding, report: Report, color: str, view: View) -> list[str]:
    """Returns a frame for the finding's own file (or cell), then one for each other that it points into."""
    marks: dict[str, list[Mark]] = {}
    span = finding.span
    main = Mark(span.line, span.column, span.end_column, "", True, span.end_line)
    marks[place(span.file, finding.cell, None)] = [main]
    keys = {place(span.file, finding.cell, None): _key(span.file, finding.cell)}
    for related in finding.related:
        at = related.span
        mark = Mark(at.line, at.column, at.end_column, related.message, False, at.end_line)
        marks.setdefault(place(at.file, related.cell, None), []).append(mark)
        keys[place(at.file, related.cell, None)] = _key(at.file, related.cell)
    printed: list[str] = []
    for position, (where, here) in enumerate(marks.items()):
        text = report.texts.get(keys[where])
        if position:
            printed.append(f"{view.paint(':::', 'blue')} {where}:{here[0].line}:{here[0].start}")
        if text is not None:
            printed += frame(text, here, color, view)
        elif position:
            printed += [f"    {visible(mark.text)}" for mark in here if mark.text]
    return printed


def _key(path: str, cell: int | None) -> str:
    return path if cell is None else f"{path}:cell {cell}"


def _notes(finding: Finding, view: View) -> list[str]:
    notes: list[tuple[str, str]] = []
    if finding.evidence:
        notes.append(("evidence", facts_line(finding.evidence)))
    if finding.confidence != "high":
        notes.append(("confidence", finding.confidence))
    if finding.probe is not None:
        measured = facts_line(finding.probe.evidence)
        notes.append(("probe", finding.probe.verdict + (f": {measured}" if measured else "")))
    if finding.advice:
        notes.append(("advice", visible(finding.advice)))
    if finding.fix is not None:
        unsafe = " (unsafe: read the change)" if finding.fix.safety == "unsafe" else ""
        notes.append(("fix", visible(finding.fix.title) + unsafe))
    if finding.rule != MEASURED:
        notes.append(("more", f"vglint explain {finding.rule}"))
    return [f"  {view.paint('=', 'blue')} {view.paint(label, bold=True)}: {text}" for label, text in notes]


def facts_line(evidence: Evidence) -> str:
    """Returns `log10_gradient_ratio = -7.2, depth = 10`."""
    return ", ".join(f"{name} = {_scalar(value)}" for name, value in evidence)


def _scalar(value: bool | int | float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else visible(str(value))
