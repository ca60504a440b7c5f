"""Fixes over files: those that a report offers, made together where that does what they say, else one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from vglint import disk
from vglint.config import Settings
from vglint.finding import Finding, Fix, Problem, Report
from vglint.fix import apply, compatible, rewritten, write
from vglint.lint import work
from vglint.lint.outcome import Outcome
from vglint.lint.project import Buffer
from vglint.source.notebook import read_notebook
from vglint.source.reading import Text, decode


class Fixed(Struct, frozen=True):
    """One file before and after, and the findings that are gone."""

    path: str
    before: bytes
    after: bytes
    findings: tuple[Finding, ...]

    def write(self) -> None:
        """Replaces the file in one step. Raises NotWrittenError and OSError."""
        write(Path(self.path), self.after, self.before)

    @property
    def texts(self) -> tuple[str, str]:
        """The file's text before and after; of a notebook, the code of its cells."""
        return _text(self.path, self.before), _text(self.path, self.after)


class Refused(Struct, frozen=True):
    """A finding whose fix is not made, and why."""

    finding: Finding
    why: str


def fixes(
    report: Report, govern: Callable[[str], Settings], unsafe: bool, buffer: Buffer | None = None
) -> tuple[list[Fixed], list[Refused]]:
    """Returns what fixing the report's findings makes of each file, and which fixes are left out; nothing is written."""
    return made(report, govern, lambda finding: _is_wanted(finding, unsafe), _offered, buffer)


def made(
    report: Report,
    govern: Callable[[str], Settings],
    wanted: Callable[[Finding], bool],
    change: Callable[[Finding, bytes], Fix | None],
    buffer: Buffer | None = None,
) -> tuple[list[Fixed], list[Refused]]:
    """Returns what a change for each wanted finding makes of each file, and which are left out; nothing is written."""
    by_file: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if wanted(finding):
            by_file.setdefault(finding.span.file, []).append(finding)
    tasks: dict[Settings, list[str]] = {}
    for path in sorted(by_file):
        tasks.setdefault(govern(str(Path(path).absolute().parent)), []).append(path)
    done: list[Fixed] = []
    refused: list[Refused] = []
    for settings, paths in tasks.items():
        work.begin(work.Task(settings, tuple(paths), False))
        for path in paths:
            content = buffer.content if buffer is not None and buffer.path == path else _read(path)
            for one in of_file(path, content, by_file[path], change) if content is not None else ():
                if isinstance(one, Fixed):
                    done.append(one)
                else:
                    refused.append(one)
    return sorted(done, key=lambda fixed: fixed.path), refused


def _is_wanted(finding: Finding, unsafe: bool) -> bool:
    fix = finding.fix
    return fix is not None and bool(fix.edits) and (unsafe or fix.safety == "safe")


def _offered(finding: Finding, content: bytes) -> Fix | None:
    return finding.fix


def _read(path: str) -> bytes | None:
    try:
        return disk.read(path, disk.most_of(path))
    except (OSError, ValueError):
        return None


def of_file(
    path: str, content: bytes, findings: Sequence[Finding], change: Callable[[Finding, bytes], Fix | None]
) -> Iterator[Fixed | Refused]:
    """Yields one file with all changes made; where that does not go well, with those that go well one after the other."""
    before = work.lint_buffer(path, content)
    kept, changes = [], {}
    for finding in findings:
        fix = change(finding, content) if _is_still_there(finding, before) else None
        if fix is not None:
            changes[finding] = fix
            kept.append(finding)
        else:
            yield Refused(finding, "the file has changed since it was read")
    together = applied(path, content, [changes[finding] for finding in kept])
    if together is not None and not _fault(before, work.lint_buffer(path, together), kept, together != content):
        yield Fixed(path, content, together, tuple(kept))
        return
    done: list[Finding] = []
    after = content
    for finding in kept:
        tried = applied(path, content, [changes[one] for one in (*done, finding)])
        if tried is None:
            continue  # it overlaps another, and waits for the next run
        if why := _fault(before, work.lint_buffer(path, tried), (*done, finding), tried != content):
            yield Refused(finding, why)
        else:
            done.append(finding)
            after = tried
    if done:
        yield Fixed(path, content, after, tuple(done))


def _is_still_there(finding: Finding, outcome: Outcome) -> bool:
    place = finding.rule, finding.span, finding.cell
    return any((one.rule, one.span, one.cell) == place for one in outcome.findings)


def _fault(before: Outcome, after: Outcome, made: Sequence[Finding], changed: bool) -> str:
    """Returns why a text is no better: it has problems, finds something new, or as much of a rule as before."""
    if not changed:
        return "there is nothing to change"
    if after.internal or len(after.problems) > len(before.problems):
        return "what it makes cannot be read"
    old, new = (Counter(finding.rule for finding in outcome.findings) for outcome in (before, after))
    shown = Counter(one.rule for one in after.findings if one.severity != "info" and one.confidence != "low")
    gone = Counter(dict.fromkeys({finding.rule for finding in made}, 1))
    if started := sorted(rule for rule in shown if shown[rule] > old[rule]):
        return f"it would bring in {', '.join(started)}"
    left = sorted(rule for rule in gone if new[rule] >= old[rule])
    return f"{', '.join(left)} would still be found" if left else ""


def applied(path: str, content: bytes, changes: Sequence[Fix]) -> bytes | None:
    """Returns a file with changes made; None where they overlap."""
    if len(compatible(changes)) < len(set(changes)):
        return None
    if path.endswith(".ipynb"):
        book = read_notebook(path, content)
        edits = {edit for fix in changes for edit in fix.edits}
        return content if isinstance(book, Problem) else rewritten(content, book.cells, edits)
    text = decode(path, content)
    if not isinstance(text, Text):
        return content
    try:
        return apply(text.text, changes)[0].encode(text.encoding)
    except UnicodeEncodeError:
        return content


def _text(path: str, content: bytes) -> str:
    if path.endswith(".ipynb"):
        book = read_notebook(path, content)
        return "" if isinstance(book, Problem) else book.text
    text = decode(path, content)
    return text.text if isinstance(text, Text) else ""
