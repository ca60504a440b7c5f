"""One line for each finding: `path:line:column: VG101 message`."""

from __future__ import annotations

from vglint.finding import Finding, Problem, Report
from vglint.report.summary import statistics, summary, unknown_lines
from vglint.report.view import COLORS, View, place, visible


def concise(report: Report, view: View) -> str:
    if view.statistics:
        lines = statistics(report, view)
    else:
        lines = [_finding(finding, view) for finding in report.findings]
    lines += [problem_line(problem, view) for problem in report.problems]
    lines += unknown_lines(report)
    return "\n".join([*lines, summary(report)]) + "\n"


def problem_line(problem: Problem, view: View) -> str:
    """Returns `path:line: note: what is wrong`."""
    where = place(problem.path, None, problem.line)
    return f"{view.paint(where, bold=True)}: {view.paint('note', 'magenta')}: {visible(problem.message)}"


def _finding(finding: Finding, view: View) -> str:
    where = place(finding.span.file, finding.cell, finding.span.line, finding.span.column)
    mark = " [fixable]" if finding.fix is not None and finding.fix.edits else ""
    rule = view.paint(finding.rule, COLORS[finding.severity], bold=True)
    return f"{view.paint(where, bold=True)}: {rule} {visible(finding.message)}{mark}"
