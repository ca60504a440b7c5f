"""`vglint PATH --probe`: models are run, findings get verdicts, and what is measured without a finding is one of its own."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from vglint.finding import MEASURED, Finding, Report, Verdict
from vglint.lint.fingerprints import fingerprints
from vglint.lint.jobs import Job, jobs_of, requests_of
from vglint.lint.probing import SCRIPT, measures_by_optimizer, predicted_profile, undecidable
from vglint.lint.running import Runner, pool
from vglint.lint.shown import is_shown, texts_of
from vglint.probe import Limits, Measured, Outcome, ProbeReport, Request, faults
from vglint.probe.nursery import nursery
from vglint.report.summary import plural
from vglint.rulebook.confirm import judged, verdict

if TYPE_CHECKING:
    from vglint.config import Settings

SettingsOf = Callable[[str], "Settings"]
Say = Callable[[str], None]


class Probed(Struct, frozen=True):
    """The report with verdicts, and what was measured of each model that was run."""

    report: Report
    models: tuple[ProbeReport, ...]
    jobs: tuple[Job, ...]
    outcomes: Mapping[tuple[str, str], Outcome]
    """By file and entry."""

    @property
    def confirmed_errors(self) -> int:
        """How many findings are errors that the probe confirms."""
        found = (finding for finding in self.report.findings if finding.severity == "error")
        return sum(finding.probe is not None and finding.probe.verdict == "confirmed" for finding in found)


def with_verdicts(
    report: Report, settings_of: SettingsOf, say: Say = lambda text: None, files: Iterable[str] = ()
) -> Probed:
    """Returns the report with verdicts and the confidence that follows; what is refuted below the least confidence is gone.

    Runs the code of the files that findings lie in, and of the models in `files`; `say` is told of each model before and after it runs.
    """
    jobs = jobs_of(report, settings_of, files)
    outcomes: dict[tuple[str, str], Outcome] = {}
    ran: dict[tuple[str, str], Request | None] = {}
    if jobs:
        with nursery() as within:
            _run(jobs, Runner(within), say, outcomes, ran)
    jobs = [job for job in jobs if (job.file, job.entry) in outcomes]
    decided: dict[Finding, Finding | None] = {}
    models: list[ProbeReport] = []
    extra: list[Finding] = []
    tops: list[str] = []
    scripts = {
        job.file: outcome
        for job in jobs
        if job.trains and isinstance(outcome := outcomes[job.file, job.entry], Measured) and outcome.models
    }
    judged_of = {
        (job.file, job.entry): tuple(
            _decided(job, finding, outcomes[job.file, job.entry], scripts.get(job.file)) for finding in job.findings
        )
        for job in jobs
    }
    confirmed = {place for place, found in judged_of.items() if any(map(_confirmed, found))}
    for group in _groups(jobs, ran):
        explained = any(_explained(job, outcomes, confirmed) for job in group)
        for number, job in enumerate(group):
            own = judged_of[job.file, job.entry]
            outcome = outcomes[job.file, job.entry]
            measured = () if explained or number else _faults(job, outcome)
            extra += [finding for finding in measured if is_shown(finding, job.settings)]
            tops += [job.settings.top] * (len(extra) - len(tops))
            for before, after in zip(job.findings, own, strict=True):
                kept = is_shown(after, job.settings) or not is_shown(before, job.settings)
                decided[before] = after if kept else None
            models.append(_model(job, outcome, (*own, *measured)))
    texts = {**texts_of(extra, {}), **report.texts}
    marks = fingerprints(zip(extra, tops, strict=True), texts)
    extra = [replace(finding, fingerprint=mark) for finding, mark in zip(extra, marks, strict=True)]
    left = [decided.get(finding, finding) for finding in report.findings]
    told = [_unmeasured(finding) for finding in left if finding is not None]
    ordered = tuple(sorted((*told, *extra), key=lambda finding: (finding.span.file, finding.span.line, finding.rule)))
    return Probed(
        replace(report, findings=ordered if extra else tuple(told), texts=texts), tuple(models), tuple(jobs), outcomes
    )


def _run(
    jobs: Sequence[Job],
    runner: Runner,
    say: Say,
    outcomes: dict[tuple[str, str], Outcome],
    ran: dict[tuple[str, str], Request | None],
) -> None:
    """Runs training first: a model that is trained there and has no finding of its own need not run again."""
    count, started = len(jobs), itertools.count(1)
    memory = max(job.settings.probe.memory for job in jobs) << 20

    def run(job: Job) -> None:
        settings = job.settings
        say(f"[{next(started)}/{count}] running {job.name} (at most {settings.probe.timeout:g} s)")
        key = job.file, job.entry
        outcomes[key], ran[key] = runner.first_measured(requests_of(job), limits_of(settings))
        say(told(job, outcomes[key]))

    with pool(memory) as threads:
        list(threads.map(run, [job for job in jobs if job.trains]))
        trained = {
            (job.file, name)
            for job in jobs
            if isinstance(outcome := outcomes.get((job.file, job.entry)), Measured)
            for name in outcome.models
        }
        rest = [job for job in jobs if not job.trains]
        list(threads.map(run, [job for job in rest if job.findings or (job.file, job.entry) not in trained]))


def outcome_of(job: Job) -> Outcome:
    """Runs what a job asks for, in a nursery of its own."""
    with nursery() as within:
        return Runner(within).first_measured(requests_of(job), limits_of(job.settings))[0]


def limits_of(settings: Settings) -> Limits:
    return Limits(seconds=settings.probe.timeout, memory=settings.probe.memory << 20)


def told(job: Job, outcome: Outcome) -> str:
    """Returns one line: what ran and what was made up, or why nothing ran and what would help."""
    if isinstance(outcome, Measured):
        return f"measured {job.name}: {'; '.join(outcome.synthesised)} ({plural(len(outcome.runs), 'run')}, {outcome.seconds:.1f} s)"
    return f"could not run {job.name}: {outcome.reason}{help_for(job, outcome.reason)}"


def help_for(job: Job, reason: str) -> str:
    """Returns what to write so that a model runs."""
    missing = re.match(r"(?:ModuleNotFoundError|ImportError): No module named '([\w.]+)'", reason)
    name = f"{os.path.basename(job.file)}:{job.entry}"
    if missing:
        return f" (install {missing[1]} where vglint runs)"
    if "still running" in reason:
        return " (give it more time: [tool.vglint.probe] timeout)"
    if "out of memory" in reason:
        return " (give it more memory: [tool.vglint.probe] memory)"
    if reason.startswith("FileNotFoundError"):
        return f" (put it there, or probe a model alone: vglint probe '{os.path.basename(job.file)}:…')"
    if job.trains:
        return ""
    if "needs" in reason:
        return f' (give arguments: [[tool.vglint.probe.targets]] entry = "{name}", args = {{…}})'
    if "no input" in reason:
        return f' (give inputs: [[tool.vglint.probe.targets]] entry = "{name}", inputs = [[8, 3, 32, 32]])'
    return f' (give a function that returns model and batch: [[tool.vglint.probe.targets]] entry = "{name}", factory = "make")'


def _groups(jobs: Sequence[Job], ran: Mapping[tuple[str, str], Request | None]) -> list[list[Job]]:
    """Returns the jobs by what was run for them: entries of one script share its run."""
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        request = ran[job.file, job.entry]
        groups.setdefault(repr(request) if request is not None else f"{job.file}:{job.entry}", []).append(job)
    return list(groups.values())


def _unmeasured(finding: Finding) -> Finding:
    """Returns a finding that no run can decide with a word about that."""
    if finding.probe is not None or finding.rule == MEASURED:
        return finding
    return replace(finding, probe=undecidable(finding.rule))


def _explained(job: Job, outcomes: Mapping[tuple[str, str], Outcome], confirmed: Collection[tuple[str, str]]) -> bool:
    """Says whether a confirmed finding tells what is wrong with an entry: its own, one of a model that it trains, or one of other code that trains the same."""
    trained = _trained(outcomes[job.file, job.entry])
    return any(
        file == job.file
        and (
            entry == job.entry
            or entry.partition("(")[0] in trained
            or not trained.isdisjoint(_trained(outcomes[file, entry]))
        )
        for file, entry in confirmed
    )


def _trained(outcome: Outcome) -> frozenset[str]:
    """Returns the names of the models that code trains."""
    return frozenset(outcome.models) if isinstance(outcome, Measured) else frozenset()


def _confirmed(finding: Finding) -> bool:
    return finding.probe is not None and finding.probe.verdict == "confirmed"


def _decided(job: Job, finding: Finding, outcome: Outcome, script: Measured | None) -> Finding:
    """Returns a finding with the verdict of its entry's runs, or of the script that trains the entry where only that confirms it."""
    rule = job.rulebook.find(finding.rule)
    if isinstance(outcome, Measured):
        found = verdict(rule, measures_by_optimizer(outcome))
        if (
            found is not None
            and found.verdict == "refuted"
            and job.trains
            and rule.rule.subject not in ("loop", "loss")
        ):
            # a script may build the model that the finding is about in a configuration that the runs did not come to
            found = Verdict("inconclusive", found.evidence)
    else:
        found = Verdict("inconclusive", (("reason", outcome.reason),))
    if script is not None and script is not outcome and job.entry.partition("(")[0] in script.models:
        whole = verdict(rule, measures_by_optimizer(script))
        if whole is not None and whole.verdict == "confirmed":
            found = whole
    return judged(finding, found)


def _faults(job: Job, outcome: Outcome) -> tuple[Finding, ...]:
    """Returns what was measured and no finding explains."""
    if job.graph is None or not isinstance(outcome, Measured):
        return ()
    return faults(outcome, job.entry, job.graph.span, job.graph)


def _model(job: Job, outcome: Outcome, findings: tuple[Finding, ...]) -> ProbeReport:
    file = os.path.basename(job.file)
    name = file if job.entry == SCRIPT else f"{file}:{job.entry}"
    if not isinstance(outcome, Measured):
        return ProbeReport(name, None, findings, outcome.reason)
    predicted = predicted_profile(job.graph) if job.graph is not None else ()
    return ProbeReport(name, outcome, findings, predicted=predicted)


def counts(report: Report) -> Mapping[str, int]:
    """Returns how many findings were confirmed, refuted, left open."""
    found = {"confirmed": 0, "refuted": 0, "inconclusive": 0}
    for finding in report.findings:
        if finding.probe is not None:
            found[finding.probe.verdict] += 1
    return found
