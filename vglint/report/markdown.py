"""Markdown: a table for job summaries and comments on pull requests."""

from __future__ import annotations

import re

from vglint import rule_page
from vglint.finding import Finding, Problem, Report
from vglint.regex import regex
from vglint.report.summary import summary
from vglint.report.view import View, place, relative, visible

_SPECIAL = regex(r"([\\`*_{}\[\]<>#|~&])")


def markdown(report: Report, view: View) -> str:
    lines = [f"### vglint: {_text(summary(report))}"]
    if report.findings:
        lines += ["", "| | where | what | help |", "|---|---|---|---|"]
        lines += [_finding(finding, view) for finding in report.findings]
    if report.problems:
        lines += ["", *(_problem(problem, view) for problem in report.problems)]
    return "\n".join(lines) + "\n"


def _finding(finding: Finding, view: View) -> str:
    where = place(relative(finding.span.file, view.root), finding.cell, finding.span.line, finding.span.column)
    rule = finding.rule if view.is_foreign(finding.rule) else f"[{finding.rule}]({rule_page(finding.rule)})"
    what = f"**{rule}** {_text(finding.message)}"
    why = f"<br>{_text(finding.detail)}" if finding.detail else ""
    then = f"<br>{_text(finding.effect)}" if finding.effect else ""
    return f"| {finding.severity} | {code(where)} | {what}{why} | {_text(finding.advice)}{then} |"


def _problem(problem: Problem, view: View) -> str:
    return f"* {code(place(relative(problem.path, view.root), None, problem.line))}: {_text(problem.message)}"


def code(text: str) -> str:
    """Returns text on one line as code; a run of back-ticks longer than those inside encloses it."""
    text = visible(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{text}{padding}{fence}".replace("|", "\\|")


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", visible(text))
