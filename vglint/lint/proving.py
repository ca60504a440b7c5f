"""`--prove-fix`: each suggested fix is made on a copy, the copy is probed, and what was measured before and after is shown."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vglint import disk
from vglint.finding import Finding, Verdict
from vglint.fix import apply
from vglint.lint.jobs import Job
from vglint.lint.probing import measures_by_optimizer
from vglint.lint.verdicts import Probed, Say, outcome_of
from vglint.probe import Measured, Outcome, copy_tree
from vglint.rule import Scalar
from vglint.rulebook.confirm import verdict
from vglint.source.reading import Text, decode


@dataclass(frozen=True, slots=True)
class Proof:
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
        finding = self.finding
        assert finding.fix is not None
        lines = [f"{finding.span.file}:{finding.span.line}: {finding.rule} in {finding.entry}: {finding.fix.title}"]
        width = max((len(name) for name, _, _ in self.numbers), default=0)
        lines += [f"  {name:{width}}  {_number(old)} → {_number(new)}" for name, old, new in self.numbers]
        lines.append(f"  {_word(self.before)} → {_word(self.after)}")
        return "\n".join(lines)


def proofs(probed: Probed, say: Say) -> Iterator[Proof]:
    """Yields a proof for each finding that was probed and has a fix of its own file; runs the fixed copies."""
    waiting = [(job, finding) for job in probed.jobs for finding in job.findings if _has_fix(finding)]
    for number, (job, finding) in enumerate(waiting, 1):
        say(f"[{number}/{len(waiting)}] running {job.entry} of {job.file} with its fix")
        yield _proof(job, finding, probed.outcomes[job.file, job.entry])


def _has_fix(finding: Finding) -> bool:
    fix = finding.fix
    return bool(fix and fix.edits) and finding.cell is None


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
    text = decode(job.file, disk.read(file, disk.most_of(file)))
    if finding.fix is None or not isinstance(text, Text):
        return "the file cannot be read"
    if any(Path(edit.file).resolve() != file for edit in finding.fix.edits):
        return "the fix changes another file too"
    copy_tree(root, file.relative_to(root), folder)
    copy = folder / file.relative_to(root)
    copy.write_text(apply(text.text, [finding.fix])[0], encoding=text.encoding)
    return job.moved(str(folder), str(copy))


def _numbers(before: Outcome | str, after: Outcome | str, names: Sequence[str]) -> Iterator[tuple[str, Scalar, Scalar]]:
    if isinstance(before, Measured) and isinstance(after, Measured):
        for name in dict.fromkeys(names):
            old = next((run.measures[name] for run in before.runs if name in run.measures), None)
            new = next((run.measures[name] for run in after.runs if name in run.measures), None)
            if old is not None and new is not None:
                yield name, old, new


def _number(value: Scalar) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _word(said: Verdict | str) -> str:
    return said.verdict if isinstance(said, Verdict) else f"inconclusive ({said})"
