"""Findings, problems and mistakes as diagnostics, by address."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from lsprotocol import types
from msgspec.structs import replace

from vglint import disk, rule_page
from vglint.config import ConfigError, Settings
from vglint.finding import MEASURED, Finding, Problem, Report
from vglint.lint.baseline import Baselines
from vglint.lint.narrowing import Narrowed
from vglint.lint.outcome import Outcome
from vglint.lint.shown import report_of
from vglint.report.view import visible
from vglint.rule import Severity
from vglint.server.documents import Documents
from vglint.server.message import Fault, Linted
from vglint.server.text import Text
from vglint.span import Span

SOURCE = "vglint"
SEVERITIES: Mapping[Severity, types.DiagnosticSeverity] = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "info": types.DiagnosticSeverity.Information,
}
_KINDS = {
    "unread": types.DiagnosticSeverity.Warning,
    "comment": types.DiagnosticSeverity.Information,
    "internal": types.DiagnosticSeverity.Information,
}


def report_on(linted: Mapping[str, Linted], documents: Documents) -> Report:
    """Returns the report on what was linted; files that are not open only tell what they find in those that are.

    Each project has a report of its own, as on the command line.
    """
    open_ = {document.path for document in documents}
    texts = {document.path: document.content() for document in documents}
    projects: dict[str, dict[str, tuple[Outcome, Settings]]] = {}
    for path, one in linted.items():
        outcome = one.outcome
        if path not in open_:
            findings = tuple(finding for finding in outcome.findings if finding.span.file in open_)
            outcome = Outcome(findings=findings, needed=outcome.needed)
        projects.setdefault(one.settings.top, {})[path] = outcome, _with_baseline(one.settings)
    reports = [
        report_of(outcomes, (), texts, Baselines([settings for _, settings in outcomes.values()]), Narrowed())
        for outcomes in projects.values()
    ]
    return Report(
        findings=tuple(finding for report in reports for finding in report.findings),
        problems=tuple(problem for report in reports for problem in report.problems),
        missing=tuple(problem for report in reports for problem in report.missing),
        texts={file: text for report in reports for file, text in report.texts.items()},
        files=sum(report.files for report in reports),
        entries=sum(report.entries for report in reports),
        gaps=sum(report.gaps for report in reports),
    )


def _with_baseline(settings: Settings) -> Settings:
    """Returns settings without a baseline that cannot be read, of which the worker tells."""
    try:
        Baselines([settings])
    except ConfigError:
        return replace(settings, baseline=None)
    return settings


def diagnostics(
    report: Report, faults: Iterable[Fault], own: frozenset[str], documents: Documents
) -> dict[str, list[types.Diagnostic]]:
    """Returns the diagnostics of each address; `own` are the ids of rules without a page on the web."""
    found: dict[str, list[types.Diagnostic]] = {}
    for finding in report.findings:
        uri = documents.uri_of(absolute(finding.span.file), finding.cell)
        found.setdefault(uri, []).append(_finding(finding, report, own, documents))
    for problem in (*report.problems, *report.missing):
        uri, one = _problem(problem, documents, problem in report.missing)
        found.setdefault(uri, []).append(one)
    for fault in dict.fromkeys(replace(fault, path="", file=fault.file or fault.path) for fault in faults):
        text = Text(_read(fault.file), documents.encoding)
        span = Span(fault.file, fault.line, fault.columns[0], fault.line, fault.columns[1])
        one = types.Diagnostic(
            range_of(span, text), visible(fault.message), types.DiagnosticSeverity.Error, source=SOURCE
        )
        found.setdefault(documents.uri_of(fault.file), []).append(one)
    return found


def absolute(file: str) -> str:
    """Returns the path of a finding as documents have it."""
    return os.path.abspath(file).replace(os.sep, "/")


def range_of(span: Span, text: Text) -> types.Range:
    """Returns the editor's range of a place; one that is empty is widened to a character."""
    start = text.position(span.line - 1, span.column - 1)
    end = max(text.position(span.end_line - 1, span.end_column - 1), start)
    if end == start:
        end = text.position(span.line - 1, span.column)
    return types.Range(types.Position(*start), types.Position(*end))


def message_of(finding: Finding) -> str:
    """Returns what is said of a finding: the headline, why it matters, what to do, and what that changes."""
    world = finding.world if not finding.message.endswith(f"({finding.world})") else ""
    notes = (
        ("only", world),
        ("why", finding.detail),
        ("help", finding.advice),
        ("effect", finding.effect),
    )
    return "\n".join([visible(finding.message), *(f"{label}: {visible(text)}" for label, text in notes if text)])


def _finding(finding: Finding, report: Report, own: frozenset[str], documents: Documents) -> types.Diagnostic:
    has_page = finding.rule not in own and finding.rule != MEASURED
    related = [
        types.DiagnosticRelatedInformation(
            types.Location(
                documents.uri_of(absolute(place.span.file), place.cell),
                range_of(place.span, _text(place.span.file, place.cell, report, documents)),
            ),
            visible(place.message),
        )
        for place in finding.related
    ]
    return types.Diagnostic(
        range_of(finding.span, _text(finding.span.file, finding.cell, report, documents)),
        message_of(finding),
        SEVERITIES[finding.severity],
        finding.rule,
        types.CodeDescription(rule_page(finding.rule)) if has_page else None,
        SOURCE,
        related_information=related or None,
        data={"fingerprint": finding.fingerprint},
    )


def _problem(problem: Problem, documents: Documents, is_missing: bool) -> tuple[str, types.Diagnostic]:
    """Returns what could not be read, with its address."""
    path = absolute(problem.path)
    cell, line = problem.cell or (None, problem.line or 1)
    document = documents.at(path)
    uri, content, _ = document.part(cell) if document is not None else (documents.uri_of(path), _read(path), None)
    text = Text(content, documents.encoding)
    shown = text.line(line - 1)
    span = Span(path, line, len(shown) - len(shown.lstrip()) + 1, line, max(len(shown), 1) + 1)
    severity = types.DiagnosticSeverity.Hint if is_missing else _KINDS[problem.kind]
    return uri, types.Diagnostic(range_of(span, text), visible(problem.message), severity, source=SOURCE)


def _text(file: str, cell: int | None, report: Report, documents: Documents) -> Text:
    """Returns the text that a place counts in: what is on the screen, else what is on the disk."""
    document = documents.at(absolute(file))
    if document is not None:
        return Text(document.part(cell)[1], documents.encoding)
    return Text(report.texts.get(file if cell is None else f"{file}:cell {cell}", ""), documents.encoding)


def _read(file: str) -> str:
    try:
        return disk.read(file, disk.TEXT).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
