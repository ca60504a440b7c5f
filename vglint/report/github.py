"""Workflow commands of GitHub Actions: annotations on the changed lines of a pull request."""

from __future__ import annotations

from collections.abc import Mapping

from vglint.finding import Finding, Problem, Report
from vglint.report.lines import file_lines
from vglint.report.summary import summary
from vglint.report.view import View, relative, visible
from vglint.rule import Severity

_COMMANDS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}


def github(report: Report, view: View) -> str:
    lines = [_finding(finding, report, view) for finding in report.findings]
    lines += [_problem(problem, view) for problem in report.problems]
    return "".join(f"{line}\n" for line in (lines if view.quiet else [*lines, summary(report)]))


def _finding(finding: Finding, report: Report, view: View) -> str:
    span = finding.span
    properties = {"file": relative(span.file, view.root)}
    message = "\n".join(part for part in (finding.message, finding.detail, finding.advice, finding.effect) if part)
    first, last = file_lines(span, finding.cell, report)
    properties |= {"line": str(first), "endLine": str(last)}
    if finding.cell is not None:
        message = f"cell {finding.cell}, line {span.line}: {message}"
    elif span.line == span.end_line:  # GitHub refuses columns on a range of lines
        properties |= {"col": str(span.column), "endColumn": str(span.end_column)}
    properties["title"] = f"{finding.rule} {finding.name}"
    return _command(_COMMANDS[finding.severity], properties, message)


def _problem(problem: Problem, view: View) -> str:
    properties = {"file": relative(problem.path, view.root)}
    if problem.line is not None:
        properties["line"] = str(problem.line)
    return _command(
        "notice" if problem.kind == "comment" else "error", {**properties, "title": "vglint"}, problem.message
    )


def _command(name: str, properties: Mapping[str, str], message: str) -> str:
    joined = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {joined}::{_data(message)}"


def _data(text: str) -> str:
    return "\n".join(map(visible, text.split("\n"))).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
