"""`--prove-fix`: each suggested fix is made on a copy, the copy is probed, and what was measured before and after is shown."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from vglint import disk
from vglint.finding import Finding, Report, Verdict
from vglint.lint.fixing import applied
from vglint.lint.jobs import Job
from vglint.lint.probing import measures_by_optimizer
from vglint.lint.verdicts import Probed, Say, outcome_of
from vglint.number import factor, plain
from vglint.probe import Measured, Outcome, copy_tree
from vglint.report.view import place
from vglint.rule import Scalar
from vglint.rulebook.confirm import verdict


class Proof(Struct, frozen=True):
    """A finding, and what the probe says of the model as it is and as the fix makes it; a text where it says nothing."""

    finding: Finding
    before: Verdict | str
    after: Verdict | str
    numbers: tuple[tuple[str, Scalar, Scalar], ...] = ()
    """Measures before and after: those of the rule's condition, and how far the loss falls."""

    @property
    def holds(self) -> bool:
        """Whether the fault is measured before the fix and not after it."""
        before, after = self.before, self.after
        return (
            isinstance(before, Verdict)
            and isinstance(after, Verdict)
            and (before.verdict, after.verdict) == ("confirmed", "refuted")
        )

    def to_json(self) -> dict[str, object]:
        """Returns the proof as plain data."""
        return {
            "rule": self.finding.rule,
            "path": self.finding.span.file,
            "line": self.finding.span.line,
            "entry": self.finding.entry,
            "before": _word(self.before),
            "after": _word(self.after),
            "measures": {name: [old, new] for name, old, new in self.numbers},
            "holds": self.holds,
        }

    def __str__(self) -> str:
        """Returns the proof in one line: `proved: unowned parameters 4 → 0; the fault is confirmed before the fix, refuted after it`."""
        word = "proved" if self.holds else "not proved"
        numbers = ", ".join(
            f"{name.removeprefix('log10_').replace('_', ' ')} {_number(name, old)} → {_number(name, new)}"
            for name, old, new in self.numbers
        )
        said = f"the fault is {_word(self.before)} before the fix, {_word(self.after)} after it"
        return f"{word}: {numbers}; {said}" if numbers else f"{word}: {said}"

    @property
    def placed(self) -> str:
        """The proof in one line that starts with the finding's place."""
        finding = self.finding
        where = place(finding.span.file, finding.cell, finding.span.line)
        return f"{where}: the fix of {finding.rule} in {finding.entry} is {self}"


def proved(report: Report, proven: Sequence[Proof]) -> Report:
    """Returns the report in which each fix says what was measured of it."""
    said = {_key(proof.finding): str(proof) for proof in proven}
    return replace(report, findings=tuple(_with_proof(finding, said.get(_key(finding))) for finding in report.findings))


def _with_proof(finding: Finding, proof: str | None) -> Finding:
    if finding.fix is None or proof is None:
        return finding
    return replace(finding, fix=replace(finding.fix, proof=proof))


def _key(finding: Finding) -> tuple[object, ...]:
    return finding.rule, finding.span, finding.cell, finding.entry, finding.world


def proofs(probed: Probed, say: Say) -> Iterator[Proof]:
    """Yields a proof for each finding that was probed and has a fix of its own file; runs the fixed copies."""
    waiting = [(job, finding) for job in probed.jobs for finding in job.findings if _has_fix(finding)]
    for number, (job, finding) in enumerate(waiting, 1):
        say(f"[{number}/{len(waiting)}] running {job.name} with its fix")
        yield _proof(job, finding, probed.outcomes[job.file, job.entry])


def _has_fix(finding: Finding) -> bool:
    return finding.fix is not None and bool(finding.fix.edits)


def _proof(job: Job, finding: Finding, before: Outcome | str) -> Proof:
    folder = Path(tempfile.mkdtemp(prefix="vglint-fix-"))
    try:
        fixed = _fixed_copy(job, finding, folder)
        after = fixed if isinstance(fixed, str) else outcome_of(fixed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    checked = job.rulebook.find(finding.rule)

    def said(outcome: Outcome | str) -> Verdict | str:
        if isinstance(outcome, Measured):
            return verdict(checked, measures_by_optimizer(outcome)) or "nothing to measure"
        return outcome if isinstance(outcome, str) else outcome.reason

    names = checked.confirm.names if checked.confirm is not None else ()
    wanted = [*(name.removeprefix("measured.") for name in names if name.startswith("measured.")), "loss_drop"]
    return Proof(finding, said(before), said(after), tuple(_numbers(before, after, wanted)))


def _fixed_copy(job: Job, finding: Finding, folder: Path) -> Job | str:
    """Returns the same job on a copy of its project in which the fix is made."""
    root = Path(job.settings.top).resolve()
    file = Path(job.file).resolve()
    if not file.is_relative_to(root):
        root = file.parent
    content = disk.read(file, disk.most_of(file))
    fixed = None if finding.fix is None else applied(job.file, content, [finding.fix])
    if finding.fix is None or fixed is None or fixed == content:
        return "the fix cannot be made"
    if any(Path(edit.file).resolve() != file for edit in finding.fix.edits):
        return "the fix changes another file too"
    copy_tree(root, file.relative_to(root), folder)
    copy = folder / file.relative_to(root)
    copy.write_bytes(fixed)
    return job.moved(str(folder), str(copy))


def _numbers(before: Outcome | str, after: Outcome | str, names: Sequence[str]) -> Iterator[tuple[str, Scalar, Scalar]]:
    if isinstance(before, Measured) and isinstance(after, Measured):
        for name in dict.fromkeys(names):
            old = next((run.measures[name] for run in before.runs if name in run.measures), None)
            new = next((run.measures[name] for run in after.runs if name in run.measures), None)
            if old is not None and new is not None:
                yield name, old, new


def _number(name: str, value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return factor(value) if name.startswith("log10_") else plain(value)


def _word(said: Verdict | str) -> str:
    return said.verdict if isinstance(said, Verdict) else f"inconclusive ({said})"
