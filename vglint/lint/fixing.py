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


@dataclass(frozen=True, slots=True)
class Refused:
    """A finding whose fix is not made, and why."""

    finding: Finding
    why: str


def fixes(
    report: Report, govern: Callable[[str], Settings], unsafe: bool, buffer: Buffer | None = None
) -> tuple[list[Fixed], list[Refused]]:
    """Returns what fixing the report's findings makes of each file, and which fixes would do no good; nothing is written."""
    by_file: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if _is_wanted(finding, unsafe):
            by_file.setdefault(finding.span.file, []).append(finding)
    tasks: dict[Settings, list[str]] = {}
    for path in sorted(by_file):
        tasks.setdefault(govern(str(Path(path).absolute().parent)), []).append(path)
    made: list[Fixed] = []
    refused: list[Refused] = []
    for settings, paths in tasks.items():
        work.begin(work.Task(settings, tuple(paths), False))
        for one in _all_fixed({path: by_file[path] for path in paths}, buffer):
            if isinstance(one, Fixed):
                made.append(one)
            else:
                refused.append(one)
    return sorted(made, key=lambda fixed: fixed.path), refused


def _all_fixed(by_file: Mapping[str, Sequence[Finding]], buffer: Buffer | None) -> Iterator[Fixed | Refused]:
    for path, findings in by_file.items():
        content = buffer.content if buffer is not None and buffer.path == path else _read(path)
        text = None if content is None else decode(path, content)
        if isinstance(text, Text):
            yield from _fixed(path, text, findings)


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


def _fixed(path: str, text: Text, findings: Sequence[Finding]) -> Iterator[Fixed | Refused]:
    """Yields the file with all fixes made; where that does not go well, with those that go well one after the other."""
    before = _found(path, text.text, text.encoding)

    def fault(after: str, made: Sequence[Finding]) -> str:
        """Returns why a text is no better: it parses, has fewer findings of each fixed rule, and none of another more than before."""
        if not _parses(after):
            return "what it makes is not valid Python"
        now = _found(path, after, text.encoding)
        fixed = Counter(finding.rule for finding in made)
        if new := sorted(set(now) - set(before)):
            return f"it would bring in {', '.join(new)}"
        left = sorted(rule for rule, count in before.items() if now[rule] > count - fixed[rule])
        return f"{', '.join(left)} would still be found" if left else ""

    after, made = _applied(text.text, findings)
    if made and not fault(after, made):
        yield Fixed(path, text, after, tuple(made))
        return
    kept: list[Finding] = []
    for finding in findings:
        after, made = _applied(text.text, [*kept, finding])
        if finding not in made:
            continue  # it overlaps another, and waits for the next run
        if why := fault(after, made):
            yield Refused(finding, why)
        else:
            kept = made
    if kept:
        yield Fixed(path, text, _applied(text.text, kept)[0], tuple(kept))


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
