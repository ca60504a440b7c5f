"""For people: what is wrong, the lines to look at, what to do, and what that is predicted to change."""

from __future__ import annotations

from vglint.finding import MEASURED, Finding, Fix, Report
from vglint.report.concise import problem_lines
from vglint.report.evidence import evidence_text
from vglint.report.frame import Mark, frame
from vglint.report.summary import statistics, summary, unknown_lines
from vglint.report.view import COLORS, View, harmless, place, visible
from vglint.report.wrap import wrapped


def full(report: Report, view: View) -> str:
    blocks: list[str] = []
    if view.statistics:
        blocks += ["\n".join(statistics(report, view))] if report.findings else []
    else:
        blocks += ["\n".join(_finding(finding, report, view)) for finding in report.findings]
    tail = [line for problem in report.problems for line in problem_lines(problem, view)]
    if not view.quiet:
        tail += [line for text in unknown_lines(report, view) for line in wrapped(text, view.width, 0, "    ")]
    if tail:
        blocks.append("\n".join(tail))
    if not view.quiet:
        blocks.append("\n".join(wrapped(summary(report, view.verbose), view.width)))
    return harmless("\n\n".join(blocks) + "\n", color=view.color) if blocks else ""


def _finding(finding: Finding, report: Report, view: View) -> list[str]:
    color = COLORS[finding.severity]
    head = f"{finding.severity}[{finding.rule}]"
    first, *more = wrapped(visible(finding.message), view.width, len(head) + 2, "    ")
    where = place(finding.span.file, finding.cell, finding.span.line, finding.span.column)
    entry = "" if finding.entry in ("", "<module>") else f" in {visible(finding.entry)}"
    return [
        f"{view.paint(head, color, bold=True)}: {view.paint(first, bold=True)}",
        *(view.paint(line, bold=True) for line in more),
        f"  {view.paint('-->', 'blue')} {where}{entry}",
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
            printed.append(f"  {view.paint(':::', 'blue')} {where}:{here[0].line}:{here[0].start}")
        if text is not None:
            printed += frame(text, here, color, view)
        elif position:
            printed += [f"    {visible(mark.text)}" for mark in here if mark.text]
    return printed


def _key(path: str, cell: int | None) -> str:
    return path if cell is None else f"{path}:cell {cell}"


def _notes(finding: Finding, view: View) -> list[str]:
    world = finding.world if not finding.message.endswith(f"({finding.world})") else ""
    notes: list[tuple[str, str]] = [
        ("only", world),
        ("why", finding.detail),
        ("help", finding.advice),
        ("effect", finding.effect),
    ]
    if finding.probe is not None:
        measured = evidence_text(finding.probe.evidence)
        notes.append(("probe", finding.probe.verdict + (f": {measured}" if measured else "")))
    if finding.fix is not None:
        notes += [("fix", _fix(finding.fix)), ("proof", finding.fix.proof)]
    if view.verbose:
        notes += [("evidence", evidence_text(finding.evidence)), ("confidence", finding.confidence)]
    if finding.rule != MEASURED:
        notes.append(("rule", f"{finding.name} (vglint explain {finding.rule})"))
    printed: list[str] = []
    for label, text in notes:
        if text:
            start = f"  = {label}: "
            first, *more = wrapped(visible(text), view.width, len(start), " " * 6)
            printed.append(f"  {view.paint('=', 'blue')} {view.paint(label, bold=True)}: {first}")
            printed += more
    return printed


def _fix(fix: Fix) -> str:
    """Returns what the change is and how to have it made."""
    option = "--fix" if fix.safety == "safe" else "--fix --unsafe-fixes"
    return f"{fix.label} ({option}; --diff shows it)"
