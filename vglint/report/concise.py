"""One line for each finding: `path:line:column: VG101 message`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from vglint.finding import Finding, Problem, Report
from vglint.report.summary import statistics, summary, unknown_lines
from vglint.report.view import COLORS, View, harmless, place, visible
from vglint.report.wrap import wrapped
from vglint.rule import Safety


def concise(report: Report, view: View) -> str:
    if view.statistics:
        lines = statistics(report, view)
    else:
        lines = [_finding(finding, view) for finding in report.findings]
    lines += ["".join(problem_lines(problem, replace(view, width=0))) for problem in report.problems]
    lines += (
        []
        if view.quiet
        else [
            *unknown_lines(report, view),
            *([] if view.statistics else _legend(report.findings)),
            summary(report, view.verbose),
        ]
    )
    return harmless("".join(f"{line}\n" for line in lines), color=view.color)


_MARKS: dict[Safety, str] = {"safe": "[*]", "unsafe": "[unsafe]"}


def _legend(findings: Sequence[Finding]) -> list[str]:
    """Returns what the marks mean, in one line; nothing where there is none."""
    counts = Counter(finding.fix.safety for finding in findings if finding.fix is not None and finding.fix.edits)
    said = [f"{_MARKS[safety]} {counts[safety]} fixed by {_OPTIONS[safety]}" for safety in _MARKS if counts[safety]]
    return ["; ".join(said)] if said else []


_OPTIONS: dict[Safety, str] = {"safe": "--fix", "unsafe": "--fix --unsafe-fixes"}


def problem_lines(problem: Problem, view: View) -> list[str]:
    """Returns `path:line: error: what is wrong`, in lines of the view's width."""
    where = place(problem.path, None, problem.line)
    label, color = ("note", "cyan") if problem.kind == "comment" else ("error", "red")
    first, *more = wrapped(visible(problem.message), view.width, len(where) + len(label) + 4, "    ")
    return [f"{view.paint(where, bold=True)}: {view.paint(label, color)}: {first}", *more]


def _finding(finding: Finding, view: View) -> str:
    where = place(finding.span.file, finding.cell, finding.span.line, finding.span.column)
    fix = finding.fix
    mark = "" if fix is None or not fix.edits else f" {_MARKS[fix.safety]}"
    rule = view.paint(finding.rule, COLORS[finding.severity], bold=True)
    return f"{view.paint(where, bold=True)}: {rule} {visible(finding.message)}{mark}"
