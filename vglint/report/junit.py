"""JUnit's XML: one failed test for each finding, for CI systems that show tests."""

from __future__ import annotations

from vglint.finding import Finding, Problem, Report
from vglint.regex import regex
from vglint.report.lines import file_lines
from vglint.report.view import View, place, relative

_FORBIDDEN = regex("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not hold."""


def junit(report: Report, view: View) -> str:
    cases = [_finding(finding, report, view) for finding in report.findings]
    cases += [_problem(problem, view) for problem in report.problems]
    counts = f'failures="{len(report.findings)}" errors="{len(report.problems)}" skipped="0"'
    if not cases:
        cases = ['    <testcase name="no problems" classname="vglint" />']
    counts = f'tests="{len(cases)}" {counts}'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            f'<testsuites name="vglint" {counts}>',
            f'  <testsuite name="vglint" {counts}>',
            *cases,
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


def _finding(finding: Finding, report: Report, view: View) -> str:
    path = relative(finding.span.file, view.root)
    where = place(path, finding.cell, finding.span.line, finding.span.column)
    line = file_lines(finding.span, finding.cell, report)[0]
    text = "\n".join(part for part in (where, finding.message, finding.detail, finding.advice, finding.effect) if part)
    name = f"{finding.rule} {finding.name} at {where}"
    message = f"{finding.severity}: {finding.message}"
    return _case("failure", name, path, line, finding.rule, message, text)


def _problem(problem: Problem, view: View) -> str:
    path = relative(problem.path, view.root)
    return _case("error", f"read {path}", path, problem.line or 1, problem.kind, problem.message, problem.message)


def _case(tag: str, name: str, path: str, line: int, kind: str, message: str, text: str) -> str:
    case = f'    <testcase name={_quoted(name)} classname={_quoted(path)} file={_quoted(path)} line="{line}">'
    body = f"      <{tag} type={_quoted(kind)} message={_quoted(message)}>{_escaped(text)}</{tag}>"
    return f"{case}\n{body}\n    </testcase>"


def _quoted(text: str) -> str:
    plain = _escaped(text).replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
    return f'"{plain.replace(chr(34), "&quot;")}"'


def _escaped(text: str) -> str:
    """Returns a text as XML holds it; Python's own XML package loads its network code, which every run would wait for."""
    return _clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
