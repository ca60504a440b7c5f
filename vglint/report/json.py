"""The frozen machine-readable form, version 1: keys may be added, none changes its meaning."""

from __future__ import annotations

import math
from json import dumps
from typing import TypeAlias

from vglint.finding import Evidence, Finding, Fix, Place, Problem, Report, Verdict
from vglint.report.view import View

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def json(report: Report, view: View) -> str:
    document: Json = {
        "version": 1,
        "findings": [finding_json(finding) for finding in report.findings],
        "problems": [problem_json(problem) for problem in report.problems],
        "missing": [problem_json(problem) for problem in report.missing],
        "summary": summary_json(report),
    }
    return dump(document)


def dump(document: Json) -> str:
    """Returns indented JSON that any parser takes: ASCII, no NaN, no infinity."""
    return dumps(document, indent=2, allow_nan=False) + "\n"


def facts(evidence: Evidence) -> dict[str, Json]:
    """Returns facts by name; a number that JSON cannot hold becomes null."""
    return {name: finite(value) for name, value in evidence}


def finite(value: bool | int | float | str | None) -> Json:
    """Returns `value`, or None for NaN and infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def finding_json(finding: Finding) -> dict[str, Json]:
    """Returns one finding."""
    span = finding.span
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "path": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "cell": finding.cell,
        "message": finding.message,
        "detail": finding.detail,
        "advice": finding.advice,
        "effect": finding.effect,
        "entry": finding.entry,
        "evidence": facts(finding.evidence),
        "related": [_related(related) for related in finding.related],
        "fix": _fix(finding.fix),
        "probe": _probe(finding.probe),
        "world": finding.world,
        "fingerprint": finding.fingerprint,
    }


def problem_json(problem: Problem) -> dict[str, Json]:
    """Returns one problem."""
    return {"path": problem.path, "line": problem.line, "message": problem.message}


def summary_json(report: Report) -> dict[str, Json]:
    """Returns what a report counts."""
    return {
        "files": report.files,
        "entries": report.entries,
        "training": report.training,
        "partial": report.partial,
        "gaps": report.gaps,
        "known": report.known,
    }


def _related(related: Place) -> Json:
    span = related.span
    document: dict[str, Json] = {
        "line": span.line,
        "column": span.column,
        "path": span.file,
        "message": related.message,
    }
    if related.cell is not None:
        document["cell"] = related.cell
    return document


def _fix(fix: Fix | None) -> Json:
    if fix is None:
        return None
    edits: list[Json] = [
        {
            "path": edit.file,
            "start": edit.start,
            "end": edit.end,
            "text": edit.text,
            **({} if edit.cell is None else {"cell": edit.cell}),
        }
        for edit in fix.edits
    ]
    return {"title": fix.label, "safety": fix.safety, "edits": edits, **({"proof": fix.proof} if fix.proof else {})}


def _probe(verdict: Verdict | None) -> Json:
    if verdict is None:
        return None
    return {"verdict": verdict.verdict, "evidence": facts(verdict.evidence)}
