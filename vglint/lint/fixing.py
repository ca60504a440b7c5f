"""Fixes over files: made only where the fixed text still parses and no longer has the findings."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vglint.config import Settings
from vglint.finding import Finding, Fix, Report
from vglint.fix import apply, write
from vglint.lint import work
from vglint.lint.project import Buffer
from vglint.source.reading import Text, decode


@dataclass(frozen=True, slots=True)
class Fixed:
    """One file before and after, and the findings that are gone."""

    path: str
    before: Text
    after: str
    findings: tuple[Finding, ...]

    def write(self) -> None:
        """Replaces the file in one step. Raises OSError and UnicodeEncodeError."""
        write(Path(self.path), self.after.encode(self.before.encoding))


def fixes(report: Report, govern: Callable[[str], Settings], unsafe: bool, buffer: Buffer | None = None) -> list[Fixed]:
    """Returns what fixing the report's findings makes of each file; nothing is written."""
    by_file: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if _is_wanted(finding, unsafe):
            by_file.setdefault(finding.span.file, []).append(finding)
    tasks: dict[Settings, list[str]] = {}
    for path in sorted(by_file):
        tasks.setdefault(govern(str(Path(path).absolute().parent)), []).append(path)
    made: list[Fixed] = []
    for settings, paths in tasks.items():
        work.begin(work.Task(settings, tuple(paths), False))
        made += _all_fixed({path: by_file[path] for path in paths}, buffer)
    return sorted(made, key=lambda fixed: fixed.path)


def _all_fixed(by_file: Mapping[str, Sequence[Finding]], buffer: Buffer | None) -> Iterator[Fixed]:
    for path, findings in by_file.items():
        content = buffer.content if buffer is not None and buffer.path == path else _read(path)
        text = None if content is None else decode(path, content)
        if isinstance(text, Text):
            fixed = _fixed(path, text, findings)
            if fixed is not None:
                yield fixed


def _is_wanted(finding: Finding, unsafe: bool) -> bool:
    fix = finding.fix
    if fix is None or not fix.edits or finding.cell is not None:
        return False
    return (unsafe or fix.safety == "safe") and all(edit.file == finding.span.file for edit in fix.edits)


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


def _fixed(path: str, text: Text, findings: Sequence[Finding]) -> Fixed | None:
    """Returns the file with all fixes made; where that does not go well, with those that go well one after the other."""
    before = _found(path, text.text, text.encoding)

    def is_better(after: str, made: Sequence[Finding]) -> bool:
        """Whether the text parses, has fewer findings of each fixed rule, and none of another rule more than before."""
        if not made or not _parses(after):
            return False
        now = _found(path, after, text.encoding)
        fixed = Counter(finding.rule for finding in made)
        return all(now[rule] <= count - fixed[rule] for rule, count in before.items()) and not set(now) - set(before)

    after, made = _applied(text.text, findings)
    if is_better(after, made):
        return Fixed(path, text, after, tuple(made))
    kept: list[Finding] = []
    for finding in findings:
        after, made = _applied(text.text, [*kept, finding])
        if finding in made and is_better(after, made):
            kept = made
    return Fixed(path, text, _applied(text.text, kept)[0], tuple(kept)) if kept else None


def _applied(text: str, findings: Sequence[Finding]) -> tuple[str, list[Finding]]:
    wanted = [finding.fix for finding in findings if finding.fix is not None]
    after, made = apply(text, wanted)
    return after, [finding for finding in findings if _is_made(finding.fix, made)]


def _is_made(fix: Fix | None, made: Iterable[Fix]) -> bool:
    return fix is not None and fix in made


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def _found(path: str, text: str, encoding: str) -> Counter[str]:
    """Returns how often each rule is found in a text that stands for a file."""
    outcome = work.lint_buffer(path, text.encode(encoding, "replace"))
    return Counter(finding.rule for finding in outcome.findings)
