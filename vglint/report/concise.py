"""One line for each finding: `path:line:column: VG101 message`."""

from __future__ import annotations

from dataclasses import replace

from vglint.finding import Finding, Problem, Report
from vglint.report.summary import statistics, summary, unknown_lines
from vglint.report.view import COLORS, View, harmless, place, visible
from vglint.report.wrap import wrapped


def concise(report: Report, view: View) -> str:
    if view.statistics:
        lines = statistics(report, view)
    else:
        lines = [_finding(finding, view) for finding in report.findings]
    lines += ["".join(problem_lines(problem, replace(view, width=0))) for problem in report.problems]
    lines += [] if view.quiet else [*unknown_lines(report, view), summary(report, view.verbose)]
    return harmless("".join(f"{line}\n" for line in lines), color=view.color)


def problem_lines(problem: Problem, view: View) -> list[str]:
    """Returns `path:line: error: what is wrong`, in lines of the view's width."""
    where = place(problem.path, None, problem.line)
    label, color = ("note", "cyan") if problem.kind == "comment" else ("error", "red")
    first, *more = wrapped(visible(problem.message), view.width, len(where) + len(label) + 4, "    ")
    return [f"{view.paint(where, bold=True)}: {view.paint(label, color)}: {first}", *more]


def _finding(finding: Finding, view: View) -> str:
    where = place(finding.span.file, finding.cell, finding.span.line, finding.span.column)
    mark = " [fixable]" if finding.fix is not None and finding.fix.edits else ""
    rule = view.paint(finding.rule, COLORS[finding.severity], bold=True)
    return f"{view.paint(where, bold=True)}: {rule} {visible(finding.message)}{mark}"
