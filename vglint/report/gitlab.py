"""GitLab's code quality report: a subset of Code Climate's issues."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from vglint.finding import Finding, Problem, Report
from vglint.report.json import Json, dump
from vglint.report.lines import file_lines
from vglint.report.view import View, relative
from vglint.rule import Severity

_SEVERITIES: Mapping[Severity, str] = {"error": "critical", "warning": "major", "info": "info"}


def gitlab(report: Report, view: View) -> str:
    issues: list[Json] = [_finding(finding, report, view) for finding in report.findings]
    issues += [_problem(problem, view) for problem in report.problems]
    return dump(issues)


def _finding(finding: Finding, report: Report, view: View) -> Json:
    first, last = file_lines(finding.span, finding.cell, report)
    body = "\n\n".join(part for part in (finding.detail, finding.advice, finding.effect) if part)
    return {
        "type": "issue",
        "check_name": finding.rule,
        "description": f"{finding.rule} {finding.name}: {finding.message}",
        **({"content": {"body": body}} if body else {}),
        "categories": ["Bug Risk"],
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": relative(finding.span.file, view.root), "lines": {"begin": first, "end": last}},
    }


def _problem(problem: Problem, view: View) -> Json:
    path = relative(problem.path, view.root)
    identity = f"{path}\0{problem.message}".encode("utf-8", "surrogatepass")
    line = problem.line or 1
    return {
        "type": "issue",
        "check_name": "vglint",
        "description": problem.message,
        "categories": ["Compatibility"],
        "fingerprint": blake2b(identity, digest_size=8).hexdigest(),
        "severity": "minor" if problem.kind == "comment" else "critical",
        "location": {"path": path, "lines": {"begin": line, "end": line}},
    }
