"""Workflow commands of GitHub Actions: annotations on the changed lines of a pull request."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from vglint.finding import Finding, Problem, Report
from vglint.report.lines import file_lines
from vglint.report.summary import summary
from vglint.report.view import View, place, relative, visible
from vglint.rule import Severity

_COMMANDS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}


_LIMIT = 10
"""Annotations of one kind that GitHub shows for a step."""


class _Note(Struct, frozen=True):
    """One annotation: its command, and the line of the log that stands for it where GitHub would not show it."""

    kind: str
    command: str
    plain: str
    changed: bool


def github(report: Report, view: View) -> str:
    """Returns annotations, of each kind no more than GitHub shows, those on changed lines where it is known which these are; and lines of text
    for the others."""
    notes = [_finding(finding, report, view) for finding in report.findings]
    notes += [_problem(problem, view) for problem in report.problems]
    annotated: set[int] = set()
    for kind in _COMMANDS.values():
        some = [number for number, note in enumerate(notes) if note.kind == kind]
        if len(some) > _LIMIT and view.changed is not None:
            some = [number for number in some if notes[number].changed]
        annotated |= set(some[:_LIMIT])
    lines = [note.command for number, note in enumerate(notes) if number in annotated]
    lines += [f"{note.kind}: {note.plain}" for number, note in enumerate(notes) if number not in annotated]
    return "".join(f"{line}\n" for line in (lines if view.quiet else [*lines, summary(report)]))


def _finding(finding: Finding, report: Report, view: View) -> _Note:
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
    plain = (
        f"{place(finding.span.file, finding.cell, span.line, span.column)}: {finding.rule} {visible(finding.message)}"
    )
    lines = (view.changed or {}).get(finding.span.file, frozenset())
    kind = _COMMANDS[finding.severity]
    return _Note(kind, _command(kind, properties, message), plain, any(first <= line <= last for line in lines))


def _problem(problem: Problem, view: View) -> _Note:
    properties = {"file": relative(problem.path, view.root)}
    if problem.line is not None:
        properties["line"] = str(problem.line)
    kind = "notice" if problem.kind == "comment" else "error"
    plain = f"{place(problem.path, None, problem.line)}: {visible(problem.message)}"
    command = _command(kind, {**properties, "title": "vglint"}, problem.message)
    return _Note(kind, command, plain, problem.path in (view.changed or {}))


def _command(name: str, properties: Mapping[str, str], message: str) -> str:
    joined = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {joined}::{_data(message)}"


def _data(text: str) -> str:
    return "\n".join(map(visible, text.split("\n"))).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
