"""`vglint PATH --probe`: models are run, findings get verdicts, and what is measured without a finding is one of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from vglint.finding import Finding, Report, Verdict
from vglint.graph import Graph
from vglint.interp import EntryError, entries
from vglint.interp.static.candidates import required_parameters
from vglint.lint.probing import adjusted, buildable, measures_by_optimizer, predicted_profile, wants_overfit
from vglint.lint.shown import is_shown, texts_of
from vglint.probe import Limits, Measured, Outcome, ProbeReport, faults, plan, run_isolated
from vglint.rulebook import Rulebook, load
from vglint.rulebook.confirm import judged, verdict
from vglint.source.code import Function
from vglint.source.module import Module
from vglint.source.project import Project

if TYPE_CHECKING:
    from vglint.config import Settings

SettingsOf = Callable[[str], "Settings"]
Say = Callable[[str], None]


@dataclass(slots=True)
class Job:
    """One model to run, with its findings; `graph` is None where the entry cannot be found again."""

    file: str
    entry: str
    settings: Settings
    rulebook: Rulebook
    graph: Graph | None = None
    module: Module | None = None
    graphs: tuple[Graph, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    def moved(self, root: str, file: str) -> Job:
        """Returns the job on a copy of its project, read anew; the entry may be gone from it."""
        settings = replace(self.settings, root=root)
        known = _graphs(file, settings)
        module, found = (None, ()) if isinstance(known, str) else known
        graph = next((graph for graph in found if graph.entry == self.entry), None)
        return Job(file, self.entry, settings, self.rulebook, graph, module, found, self.findings)


@dataclass(frozen=True, slots=True)
class Probed:
    """The report with verdicts, and what was measured of each model that was run."""

    report: Report
    models: tuple[ProbeReport, ...]
    jobs: tuple[Job, ...]
    outcomes: Mapping[tuple[str, str], Outcome | str]
    """By file and entry; a text where there was nothing to run."""

    @property
    def confirmed_errors(self) -> int:
        """How many findings are errors that the probe confirms."""
        found = (finding for finding in self.report.findings if finding.severity == "error")
        return sum(finding.probe is not None and finding.probe.verdict == "confirmed" for finding in found)


def with_verdicts(
    report: Report, settings_of: SettingsOf, say: Say = lambda text: None, files: Iterable[str] = ()
) -> Probed:
    """Returns the report with verdicts and the confidence that follows; what is refuted below the least confidence is gone.

    Runs the code of the files that findings lie in, and of the models in `files`; `say` is told of each model before it runs.
    """
    jobs = _jobs(report, settings_of, files)
    decided: dict[Finding, Finding | None] = {}
    models, extra = [], []
    outcomes: dict[tuple[str, str], Outcome | str] = {}
    for number, job in enumerate(jobs, 1):
        say(f"[{number}/{len(jobs)}] running {job.entry} of {job.file} (at most {job.settings.probe.timeout:g} s)")
        outcome = outcomes[job.file, job.entry] = outcome_of(job)
        found = tuple(_decided(job, finding, outcome) for finding in job.findings)
        measured = _faults(job, found, outcome)
        extra += [finding for finding in measured if is_shown(finding, job.settings)]
        for before, after in zip(job.findings, found, strict=True):
            kept = is_shown(after, job.settings) or not is_shown(before, job.settings)
            decided[before] = after if kept else None
        models.append(_model(job, outcome, (*found, *measured)))
    left = [decided.get(finding, finding) for finding in report.findings]
    findings = (*(finding for finding in left if finding is not None), *extra)
    ordered = tuple(sorted(findings, key=lambda finding: (finding.span.file, finding.span.line, finding.rule)))
    texts = {**texts_of(extra, {}), **report.texts}
    return Probed(
        replace(report, findings=ordered if extra else findings, texts=texts), tuple(models), tuple(jobs), outcomes
    )


def _jobs(report: Report, settings_of: SettingsOf, files: Iterable[str]) -> list[Job]:
    """Returns what to run: entries with findings that can be confirmed, and the models of `files` where all are wanted."""
    jobs: dict[tuple[str, str], Job] = {}
    rulebooks: dict[str, Rulebook] = {}
    graphs: dict[str, tuple[Module, tuple[Graph, ...]] | str] = {}

    def add(file: str, entry: str) -> Job:
        settings = settings_of(file)
        rulebook = rulebooks.setdefault(settings.root, load(settings.rule_dirs))
        known = graphs.setdefault(file, _graphs(file, settings))
        job = jobs.setdefault((file, entry), Job(file, entry, settings, rulebook))
        if not isinstance(known, str):
            job.module, job.graphs = known
            job.graph = next((graph for graph in job.graphs if graph.entry == entry), None)
        return job

    for finding in report.findings:
        settings = settings_of(finding.span.file)
        rulebook = rulebooks.setdefault(settings.root, load(settings.rule_dirs))
        if rulebook.find(finding.rule).confirm is not None:
            add(finding.span.file, finding.entry).findings.append(finding)
    for file in files:
        settings = settings_of(file)
        if settings.probe.models == "all":
            known = graphs.setdefault(file, _graphs(file, settings))
            for graph in () if isinstance(known, str) else whole_models(*known):
                add(file, graph.entry)
    return list(jobs.values())


def whole_models(module: Module, graphs: Sequence[Graph]) -> list[Graph]:
    """Returns the models of a file that are no part of another one of it, have something to train, and can be had without arguments.

    A function that needs arguments builds layers, not a model.
    """
    parts = {info.type.rpartition(".")[2] for graph in graphs for info in graph.modules if info.path}
    return [
        graph
        for graph in graphs
        if graph.kind in ("class", "function")
        and graph.parameters
        and graph.entry not in parts
        and not (graph.kind == "function" and _needs_arguments(module, graph.entry))
    ]


def _needs_arguments(module: Module, name: str) -> bool:
    found = module.binding(name)
    node = found[-1].definition if found else None
    return isinstance(node, Function) and bool(required_parameters(node))


def _graphs(file: str, settings: Settings) -> tuple[Module, tuple[Graph, ...]] | str:
    """Returns the file's entries; a text says why there are none."""
    project = Project(settings.top, [file], settings.resolve)
    module = project.module(file)
    if not isinstance(module, Module):
        return "the file cannot be read"
    try:
        return module, entries(project, module)
    except EntryError as error:
        return str(error)


def outcome_of(job: Job) -> Outcome | str:
    """Runs the model of a job; a text says why there is none to run."""
    graph, settings = job.graph, job.settings
    if graph is None:
        return f"{job.entry} is no entry of {job.file}"
    probe = settings.probe
    overfit = wants_overfit(job.rulebook, job.findings)
    request = plan(graph, settings.top, graph.entry, [other for other in job.graphs if other.kind == "training"])
    if job.module is not None:
        request = buildable(request, job.module, job.graphs)
    request = replace(request, seconds=probe.timeout * 0.7, overfit=overfit)
    target = next((target for target in probe.targets if target.entry in _names(job)), None)
    if target is not None:
        request = adjusted(request, target)
    return run_isolated(request, Limits(seconds=probe.timeout, memory=probe.memory << 20))


def _decided(job: Job, finding: Finding, outcome: Outcome | str) -> Finding:
    if isinstance(outcome, Measured):
        found = verdict(job.rulebook.find(finding.rule), measures_by_optimizer(outcome))
    else:
        found = Verdict("inconclusive", (("reason", outcome if isinstance(outcome, str) else outcome.reason),))
    return judged(finding, found)


def _faults(job: Job, found: Sequence[Finding], outcome: Outcome | str) -> tuple[Finding, ...]:
    """Returns what was measured and no finding explains."""
    explained = any(finding.probe is not None and finding.probe.verdict == "confirmed" for finding in found)
    if explained or job.graph is None or not isinstance(outcome, Measured):
        return ()
    return faults(outcome, job.entry, job.graph.span, job.graph)


def _model(job: Job, outcome: Outcome | str, findings: tuple[Finding, ...]) -> ProbeReport:
    name = f"{os.path.basename(job.file)}:{job.entry}"
    if not isinstance(outcome, Measured):
        return ProbeReport(name, None, findings, outcome if isinstance(outcome, str) else outcome.reason)
    predicted = predicted_profile(job.graph) if job.graph is not None else ()
    return ProbeReport(name, outcome, findings, predicted=predicted)


def _names(job: Job) -> tuple[str, ...]:
    return f"{job.file}:{job.entry}", f"{os.path.basename(job.file)}:{job.entry}"


def counts(report: Report) -> Mapping[str, int]:
    """Returns how many findings were confirmed, refuted, left open."""
    found = {"confirmed": 0, "refuted": 0, "inconclusive": 0}
    for finding in report.findings:
        if finding.probe is not None:
            found[finding.probe.verdict] += 1
    return found
