"""A report inside a notebook: HTML whose style touches nothing outside it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from vglint import rule_page
from vglint.finding import Finding, Report
from vglint.report.frame import source_lines
from vglint.report.view import View, place, visible

STYLE = """
.vglint { font: 14px/1.5 system-ui, sans-serif; max-width: 60em }
.vglint .vglint-finding { border-left: 4px solid #8c959f; padding: .2em .8em; margin: .5em 0 }
.vglint .vglint-error { border-color: #cf222e } .vglint .vglint-warning { border-color: #d4a72c } .vglint .vglint-info { border-color: #54aeff }
.vglint .vglint-head { font-weight: 600 } .vglint .vglint-dim { opacity: .7 }
.vglint code { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
.vglint mark { color: inherit; background: none; text-decoration: underline wavy #cf222e; text-underline-offset: 3px }
"""


def html(report: Report, view: View) -> str:
    """Returns an element for an output of a notebook; it loads nothing and runs nothing."""
    parts = [f'<div class="vglint"><style>{STYLE}</style>']
    for finding in report.findings:
        parts += _finding(finding, report, view)
    parts += [f'<div class="vglint-dim">{_text(problem.message)}</div>' for problem in report.problems]
    if not report.findings and not report.problems:
        parts.append('<div class="vglint-dim">vglint finds nothing.</div>')
    return "\n".join([*parts, "</div>"])


def _finding(finding: Finding, report: Report, view: View) -> Iterator[str]:
    yield f'<div class="vglint-finding vglint-{finding.severity}">'
    rule = _text(finding.rule)
    if not view.is_foreign(finding.rule):
        rule = f'<a href="{rule_page(finding.rule)}">{rule}</a>'
    yield f'<div class="vglint-head">{finding.severity} {rule}: {_text(finding.message)}</div>'
    where = f"cell {finding.cell}" if finding.cell is not None else place(finding.span.file, None, None)
    yield f'<div><span class="vglint-dim">{_text(where)}, line {finding.span.line}:</span> {_code(finding, report)}</div>'
    for label, text in (("why", finding.detail), ("help", finding.advice), ("effect", finding.effect)):
        if text:
            yield f'<div><span class="vglint-dim">{label}:</span> {_text(text)}</div>'
    yield "</div>"


def _code(finding: Finding, report: Report) -> str:
    """Returns the finding's line with its place marked; nothing where the text is not known."""
    span = finding.span
    key = span.file if finding.cell is None else f"{span.file}:cell {finding.cell}"
    lines = source_lines(report.texts.get(key, ""))
    if not 0 < span.line <= len(lines):
        return ""
    line = lines[span.line - 1]
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    start = min(span.column - 1, end)
    return f"<code>{_text(line[:start].lstrip())}<mark>{_text(line[start:end])}</mark>{_text(line[end:])}</code>"


def _text(text: str) -> str:
    return escape(visible(text))
