"""From outcomes to the report: what the settings let through, each finding once, in order, with the source it points into."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from vglint import disk
from vglint.finding import Finding, Problem, Report
from vglint.lint.fingerprints import fingerprints
from vglint.lint.outcome import Outcome
from vglint.rule import Confidence, Severity

if TYPE_CHECKING:
    from vglint.config import Settings
    from vglint.lint.baseline import Baselines
    from vglint.lint.narrowing import Narrowed

_SEVERITIES: Sequence[Severity] = ("info", "warning", "error")
_CONFIDENCES: Sequence[Confidence] = ("low", "medium", "high")


def report_of(
    outcomes: Mapping[str, tuple[Outcome, Settings]],
    problems: Iterable[Problem],
    given: Mapping[str, bytes],
    baselines: Baselines,
    narrowed: Narrowed,
) -> Report:
    """Returns the report on outcomes by path; `given` holds what is read in place of a file (standard input)."""
    groups: dict[object, list[_Found]] = {}
    for path, (outcome, settings) in outcomes.items():
        for finding in outcome.findings:
            through = "" if finding.span.file == path else path
            found = _Found(replace(finding, through=through) if through else finding, settings, path)
            groups.setdefault((finding.rule, finding.span, finding.cell), []).append(found)
    places = sorted((_in_order(group) for group in groups.values()), key=lambda group: _place(group[0].finding))
    texts = texts_of((group[0].finding for group in places), given)
    marks = fingerprints(((group[0].finding, group[0].settings.top) for group in places), texts)
    findings: list[Finding] = []
    known = 0
    for group, mark in zip(places, marks, strict=True):
        held = baselines.holds(replace(group[0].finding, fingerprint=mark), group[0].settings)
        shown = [
            found.finding
            for found in group
            if is_shown(found.finding, found.settings) and narrowed.concerns(found.path, found.finding)
        ]
        known += held and bool(shown)
        findings += [replace(max(shown, key=_rank), fingerprint=mark)] if shown and not held else []
    needed = {comment for outcome, _ in outcomes.values() for comment in outcome.needed}
    every = [*problems, *(problem for outcome, _ in outcomes.values() for problem in outcome.problems)]
    idle = [idle for outcome, _ in outcomes.values() for idle in outcome.idle]
    every += [one.problem for one in idle if (one.path, one.line, one.word) not in needed]
    every = [problem for problem in every if problem.kind != "comment" or narrowed.concerns(problem.path, None)]
    return Report(
        findings=tuple(findings),
        problems=tuple(sorted(set(every), key=lambda problem: (problem.path, problem.line or 0, problem.message))),
        files=len(outcomes),
        entries=sum(outcome.entries for outcome, _ in outcomes.values()),
        training=sum(outcome.training for outcome, _ in outcomes.values()),
        partial=sum(outcome.partial for outcome, _ in outcomes.values()),
        gaps=sum(outcome.gaps for outcome, _ in outcomes.values()),
        missing=tuple(problem for path in sorted(outcomes) for problem in outcomes[path][0].missing),
        texts=texts,
        cell_lines=cell_lines_of(findings, given),
        unknowns=tuple(unknown for path in sorted(outcomes) for unknown in outcomes[path][0].unknowns),
        silent=tuple(one for path in sorted(outcomes) for one in outcomes[path][0].silent),
        known=known,
        expired=baselines.expired(outcomes),
    )


class _Found(Struct, frozen=True):
    """A finding, and the settings of the file that led to it."""

    finding: Finding
    settings: Settings
    path: str


def _in_order(group: list[_Found]) -> list[_Found]:
    """Returns what several files found in one place: the file that it lies in comes first, so that the call does not matter."""
    return sorted(group, key=lambda found: found.finding.through)


def is_shown(finding: Finding, settings: Settings) -> bool:
    """Returns whether a finding is grave and sure enough; a rule selected by its own id or name is, unless thresholds are set."""
    named = {*(settings.select or ()), *settings.extend_select} & {finding.rule, finding.name}
    severity, confidence = settings.min_severity, settings.min_confidence
    if settings.pedantic or (named and severity == "warning"):
        severity = "info"
    if named and confidence == "medium":
        confidence = "low"
    return _SEVERITIES.index(finding.severity) >= _SEVERITIES.index(severity) and _CONFIDENCES.index(
        finding.confidence
    ) >= _CONFIDENCES.index(confidence)


def texts_of(findings: Iterable[Finding], given: Mapping[str, bytes]) -> dict[str, str]:
    """Returns the source text of every file, or cell of a notebook, that findings point into."""
    spans = (span for finding in findings for span in (finding.span, *(place.span for place in finding.related)))
    files = {span.file for span in spans}
    texts: dict[str, str] = {}
    for file in sorted(files):
        content = given.get(file)
        if content is None:
            try:
                content = disk.read(file, disk.most_of(file))
            except (OSError, ValueError):
                continue
        texts.update(_texts(file, content))
    return texts


def cell_lines_of(findings: Iterable[Finding], given: Mapping[str, bytes]) -> dict[str, tuple[int, ...]]:
    """Returns the lines of notebooks' files on which the lines of the cells stand that findings point into."""
    files = {finding.span.file for finding in findings if finding.cell is not None}
    files |= {place.span.file for finding in findings for place in finding.related if place.cell is not None}
    found: dict[str, tuple[int, ...]] = {}
    for file in sorted(files):
        from vglint.source.notebook_lines import lines_in_file

        try:
            content = given[file] if file in given else disk.read(file, disk.most_of(file))
        except (OSError, ValueError):
            continue
        found.update((f"{file}:cell {number}", lines) for number, lines in enumerate(lines_in_file(content), 1))
    return found


def _texts(file: str, content: bytes) -> dict[str, str]:
    from vglint.source.reading import decode

    if not file.endswith(".ipynb"):
        decoded = decode(file, content)
        return {} if isinstance(decoded, Problem) else {file: decoded.text}
    from vglint.source.notebook import read_notebook

    book = read_notebook(file, content)
    if isinstance(book, Problem):
        return {}
    lines = [f"{line}\n" for line in book.text.split("\n")]
    ends = [cell.line - 1 for cell in book.cells[1:]] + [len(lines) - 1] * bool(book.cells)
    return {
        f"{file}:cell {cell.number}": "".join(lines[cell.line - 1 : end])
        for cell, end in zip(book.cells, ends, strict=True)
    }


def excluded(settings: Settings) -> Callable[[str], bool]:
    """Returns the test whether the configuration leaves a path out."""
    from vglint.source.patterns import Patterns

    patterns = Patterns(os.path.abspath(settings.root), settings.excluded)
    return patterns.names


def _rank(finding: Finding) -> tuple[int, int]:
    return _SEVERITIES.index(finding.severity), _CONFIDENCES.index(finding.confidence)


def _place(finding: Finding) -> tuple[object, ...]:
    span = finding.span
    return span.file, finding.cell or 0, span.line, span.column, finding.rule, span.end_line, span.end_column
