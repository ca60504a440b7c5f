"""Reviewdog's diagnostic format: columns count bytes of UTF-8, from 1, and an end is exclusive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vglint import HOME, rule_page
from vglint.finding import Edit, Finding, Problem, Report
from vglint.report.frame import source_lines
from vglint.report.json import Json, dump
from vglint.report.lines import file_lines
from vglint.report.view import View, relative
from vglint.rule import Severity
from vglint.span import Span

_SEVERITIES: Mapping[Severity, str] = {"error": "ERROR", "warning": "WARNING", "info": "INFO"}


def rdjson(report: Report, view: View) -> str:
    diagnostics: list[Json] = [_finding(finding, report, view) for finding in report.findings]
    diagnostics += [_problem(problem, view) for problem in report.problems]
    return dump({"source": {"name": "vglint", "url": HOME}, "severity": "WARNING", "diagnostics": diagnostics})


def _finding(finding: Finding, report: Report, view: View) -> Json:
    parts = (finding.message, finding.detail, finding.advice, finding.effect)
    diagnostic: dict[str, Json] = {
        "message": "\n".join(part for part in parts if part),
        "location": _location(finding.span, finding.cell, report, view),
        "severity": _SEVERITIES[finding.severity],
        "code": {"value": finding.rule, **({} if view.is_foreign(finding.rule) else {"url": rule_page(finding.rule)})},
    }
    if finding.related:
        diagnostic["related_locations"] = [
            {"message": related.message, "location": _location(related.span, related.cell, report, view)}
            for related in finding.related
        ]
    text = report.texts.get(finding.span.file)
    edits = finding.fix.edits if finding.fix is not None and finding.cell is None else ()
    if edits and text is not None and all(edit.file == finding.span.file for edit in edits):
        diagnostic["suggestions"] = [_suggestion(edit, text) for edit in edits]
    return diagnostic


def _problem(problem: Problem, view: View) -> Json:
    place: dict[str, Json] = {"path": relative(problem.path, view.root)}
    if problem.line is not None:
        place["range"] = {"start": {"line": problem.line}}
    severity = "WARNING" if problem.kind == "comment" else "ERROR"
    return {"message": problem.message, "location": place, "severity": severity, "code": {"value": "vglint"}}


def _location(span: Span, cell: int | None, report: Report, view: View) -> Json:
    path = relative(span.file, view.root)
    if cell is not None:
        first, last = file_lines(span, cell, report)
        return {"path": path, "range": {"start": {"line": first}, "end": {"line": last}}}
    lines = source_lines(report.texts.get(span.file, ""))
    return {
        "path": path,
        "range": {
            "start": _position(lines, span.line, span.column - 1),
            "end": _position(lines, max(span.end_line, span.line), span.end_column - 1),
        },
    }


def _suggestion(edit: Edit, text: str) -> Json:
    return {
        "range": {"start": _at(text, edit.start), "end": _at(text, edit.end)},
        "text": edit.text,
    }


def _at(text: str, offset: int) -> Json:
    before = source_lines(text[:offset])
    return _position(before, len(before), len(before[-1]))


def _position(lines: Sequence[str], line: int, characters: int) -> Json:
    """Returns the position behind so many characters of a line."""
    number = max(line, 1)
    if number > len(lines) or not lines[number - 1]:
        return {"line": number, "column": max(characters, 0) + 1}
    before = lines[number - 1][: max(characters, 0)]
    return {"line": number, "column": len(before.encode("utf-8", "surrogatepass")) + 1}
