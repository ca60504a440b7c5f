"""SARIF 2.1.0, as GitHub code scanning and editors read it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import quote

import vglint
from vglint import HOME, rule_page
from vglint.finding import Edit, Finding, Fix, Place, Problem, Report
from vglint.regex import regex
from vglint.report.json import Json, dump, facts
from vglint.report.lines import file_lines
from vglint.report.view import View, relative, visible
from vglint.rule import Confidence, Severity
from vglint.span import Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_SEMANTIC = regex(r"\d+\.\d+\.\d+")
_LEVELS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
_PRECISION: Mapping[Confidence, str] = {"high": "high", "medium": "medium", "low": "low"}


def sarif(report: Report, view: View) -> str:
    used = sorted({finding.rule for finding in report.findings} | set(view.rules))
    index = {rule: position for position, rule in enumerate(used)}
    names = {finding.rule: finding.name for finding in report.findings}
    driver: Json = {
        "name": "vglint",
        "version": vglint.__version__,
        **({"semanticVersion": vglint.__version__} if _SEMANTIC.fullmatch(vglint.__version__) else {}),
        "informationUri": HOME,
        "rules": [_rule(rule, names.get(rule, ""), view) for rule in used],
    }
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        "invocations": [
            {
                "executionSuccessful": all(problem.kind == "comment" for problem in report.problems),
                "toolExecutionNotifications": [_notification(problem, view) for problem in report.problems],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, index[finding.rule], report, view) for finding in report.findings],
    }
    if view.root:
        run["originalUriBaseIds"] = {"%SRCROOT%": {"uri": f"file://{_absolute(view.root)}/"}}
    return dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(identifier: str, name: str, view: View) -> Json:
    rule = view.rules.get(identifier)
    if rule is None:
        return {"id": identifier, "name": name}
    text = "\n\n".join(part for part in (rule.why, rule.advice) if part)
    references = "\n".join(f"* {reference}" for reference in rule.references)
    markdown = f"# {rule.id} {rule.name}\n\n{text}" + (f"\n\n## References\n\n{references}" if references else "")
    return {
        "id": rule.id,
        "name": rule.name,
        **({} if view.is_foreign(rule.id) else {"helpUri": rule_page(rule.id)}),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why or rule.summary},
        "help": {"text": text or rule.summary, "markdown": markdown},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [rule.family], "precision": _PRECISION[rule.confidence]},
    }


def _result(finding: Finding, index: int, report: Report, view: View) -> Json:
    text = "\n".join(part for part in (finding.message, finding.detail, finding.advice, finding.effect) if part)
    result: dict[str, Json] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": _text(text)},
        "locations": [_location(finding.span, finding.cell, report, view)],
        "partialFingerprints": {"vglint/v1": finding.fingerprint},
        "properties": {
            "confidence": finding.confidence,
            "entry": visible(finding.entry),
            "evidence": facts(finding.evidence),
        },
    }
    if finding.related:
        result["relatedLocations"] = [
            _related(number, related, report, view) for number, related in enumerate(finding.related, start=1)
        ]
    if finding.fix is not None and finding.fix.edits and finding.cell is None:
        result["fixes"] = [_fix(finding.fix, view)]
    return result


def _text(text: str) -> str:
    """Returns a plain text message of SARIF (3.11.5, 3.11.6): what would be a link is none, and control characters are replaced."""
    shown = "\n".join(map(visible, text.split("\n")))
    return shown.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]") if _LINK.search(shown) else shown


_LINK = regex(r"\]\(")


def _location(span: Span, cell: int | None, report: Report, view: View) -> dict[str, Json]:
    first, last = file_lines(span, cell, report)
    region: dict[str, Json] = {"startLine": first, "endLine": last}
    if cell is None:
        region |= {"startColumn": max(span.column, 1), "endColumn": max(span.end_column, 1)}
    location: dict[str, Json] = {"physicalLocation": {"artifactLocation": _artifact(span.file, view), "region": region}}
    if cell is not None:
        name = f"cell {cell}, line {span.line}"
        location["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "module"}]
    return location


def _related(number: int, related: Place, report: Report, view: View) -> Json:
    return {
        "id": number,
        "message": {"text": _text(related.message)},
        **_location(related.span, related.cell, report, view),
    }


def _artifact(path: str, view: View) -> Json:
    shown = relative(path, view.root)
    if os.path.isabs(shown):
        return {"uri": f"file://{_absolute(shown)}"}
    return {"uri": _uri(shown), "uriBaseId": "%SRCROOT%"}


def _absolute(path: str) -> str:
    path = path.replace(os.sep, "/").rstrip("/")
    return ("" if path.startswith("/") else "/") + _uri(path)


def _uri(path: str) -> str:
    return quote(path, safe="/", errors="surrogateescape")


def _fix(fix: Fix, view: View) -> Json:
    files: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        files.setdefault(edit.file, []).append(edit)
    changes: list[Json] = [
        {
            "artifactLocation": _artifact(file, view),
            "replacements": [
                {
                    "deletedRegion": {"charOffset": edit.start, "charLength": edit.end - edit.start},
                    "insertedContent": {"text": edit.text},
                }
                for edit in edits
            ],
        }
        for file, edits in files.items()
    ]
    return {"description": {"text": _text(fix.label)}, "artifactChanges": changes}


def _notification(problem: Problem, view: View) -> Json:
    region: dict[str, Json] = {} if problem.line is None else {"region": {"startLine": max(problem.line, 1)}}
    return {
        "level": "warning" if problem.kind == "comment" else "error",
        "message": {"text": _text(problem.message)},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(problem.path, view), **region}}],
    }
