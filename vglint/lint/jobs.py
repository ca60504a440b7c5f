"""What `--probe` runs: for each entry the requests to try in turn, and which entries a file has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from vglint.finding import Finding, Report
from vglint.graph import Graph
from vglint.interp import EntryError, entries
from vglint.interp.static.candidates import required_parameters
from vglint.lint.probing import SCRIPT, adjusted, buildable, is_script, wants_overfit
from vglint.probe import Request, plan
from vglint.rulebook import Rulebook, load
from vglint.source.code import Function
from vglint.source.module import Module
from vglint.source.project import Project

if TYPE_CHECKING:
    from vglint.config import Settings

SettingsOf = Callable[[str], "Settings"]


class Job(Struct):
    """One entry to run, with its findings; `graph` is None where the entry cannot be found again."""

    file: str
    entry: str
    settings: Settings
    rulebook: Rulebook
    graph: Graph | None = None
    module: Module | None = None
    graphs: tuple[Graph, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The entry and its file as people call them."""
        return f"the script {self.file}" if self.entry == SCRIPT else f"{self.entry} of {self.file}"

    @property
    def trains(self) -> bool:
        """Whether the entry is training code, which is run as it is written."""
        return self.graph is not None and self.graph.kind == "training"

    def moved(self, root: str, file: str) -> Job:
        """Returns the job on a copy of its project, read anew; the entry may be gone from it."""
        settings = replace(self.settings, root=root)
        known = graphs_of(file, settings)
        module, found = (None, ()) if isinstance(known, str) else known
        graph = next((graph for graph in found if graph.entry == self.entry), None)
        return Job(file, self.entry, settings, self.rulebook, graph, module, found, self.findings)


def jobs_of(report: Report, settings_of: SettingsOf, files: Iterable[str]) -> list[Job]:
    """Returns the entries with findings that a measurement can decide, then the training and the models of `files` where all are wanted."""
    jobs: dict[tuple[str, str], Job] = {}
    rulebooks: dict[str, Rulebook] = {}
    graphs: dict[str, tuple[Module, tuple[Graph, ...]] | str] = {}

    def add(file: str, entry: str) -> Job:
        settings = settings_of(file)
        rulebook = rulebooks.setdefault(settings.root, load(settings.rule_dirs))
        known = graphs.setdefault(file, graphs_of(file, settings))
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
            known = graphs.setdefault(file, graphs_of(file, settings))
            if isinstance(known, str):
                continue
            trained = [job for job in jobs.values() if job.file == file and job.trains]
            if is_script(*known) and not trained:
                add(file, _main(known[1]).entry)
            for graph in whole_models(*known):
                add(file, graph.entry)
    return list(jobs.values())


def requests_of(job: Job) -> tuple[Request, ...]:
    """Returns what to try in turn until something is measured: a script is run whole before one of its functions is run alone."""
    graph, settings = job.graph, job.settings
    script = job.module is not None and is_script(job.module, job.graphs)
    if graph is None:
        if not script:
            return ()
        graph = _main(job.graphs)
    probe = settings.probe
    training = [other for other in job.graphs if other.kind == "training"]
    request = plan(graph, settings.top, graph.entry, training)
    if job.module is not None:
        request = buildable(request, job.module, job.graphs)
    overfit = wants_overfit(job.rulebook, job.findings)
    request = replace(request, seconds=probe.timeout * 0.7, overfit=overfit, script=script and not request.training)
    target = next((target for target in probe.targets if target.entry in _names(job)), None)
    if target is not None:
        return (replace(adjusted(request, target), script=False),)
    if graph.entry != SCRIPT and (not request.training or not script):
        return (request,)
    whole = replace(
        request, expression=SCRIPT, training=True, arguments=(), hosts=(), overfit=False, loss=None, rate=None
    )
    return (whole,) if graph.entry == SCRIPT else (whole, request)


def _main(graphs: Sequence[Graph]) -> Graph:
    """Returns the training code that stands for a script."""
    training = [graph for graph in graphs if graph.kind == "training"]
    order = {SCRIPT: 0, "main": 1}
    return min(training, key=lambda graph: order.get(graph.entry, 2))


def whole_models(module: Module, graphs: Sequence[Graph]) -> list[Graph]:
    """Returns the models of a file that are no part of another one of it, have something to train, and can be had without arguments.

    A function that needs arguments builds layers, not a model.
    """
    models = [graph for graph in graphs if graph.kind in ("class", "function")]
    parts = {info.type.rpartition(".")[2] for graph in models for info in graph.modules if info.path}
    return [
        graph
        for graph in models
        if graph.parameters
        and graph.entry not in parts
        and not (graph.kind == "function" and _needs_arguments(module, graph.entry))
    ]


def _needs_arguments(module: Module, name: str) -> bool:
    found = module.binding(name)
    node = found[-1].definition if found else None
    return isinstance(node, Function) and bool(required_parameters(node))


def graphs_of(file: str, settings: Settings) -> tuple[Module, tuple[Graph, ...]] | str:
    """Returns the file's entries; a text says why there are none."""
    project = Project(settings.top, [file], settings.resolve)
    project.inputs = settings.inputs
    module = project.module(file)
    if not isinstance(module, Module):
        return "the file cannot be read"
    try:
        return module, entries(project, module)
    except EntryError as error:
        return str(error)


def _names(job: Job) -> tuple[str, ...]:
    return f"{job.file}:{job.entry}", f"{os.path.basename(job.file)}:{job.entry}"
