"""`vglint PATH --probe`: every model with a finding that can be confirmed is run once, and its findings get verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from vglint.finding import Finding, Report, Verdict
from vglint.interp import EntryError, entries
from vglint.lint.probing import adjusted, measures_by_optimizer, wants_overfit
from vglint.lint.shown import is_shown
from vglint.probe import Limits, Measured, Outcome, plan, run_isolated
from vglint.rulebook import Rulebook, load
from vglint.rulebook.confirm import judged, verdict
from vglint.source.module import Module
from vglint.source.project import Project

if TYPE_CHECKING:
    from vglint.config import Settings


def with_verdicts(
    report: Report, settings_of: Callable[[str], Settings], say: Callable[[str], None] = lambda text: None
) -> Report:
    """Returns the report with verdicts and the confidence that follows; what is refuted below the least confidence is gone.

    Runs the code of the files that findings lie in; `say` is told of each model before it runs.
    """
    outcomes: dict[tuple[str, str], Outcome | str] = {}
    rulebooks: dict[str, Rulebook] = {}
    kept = []
    for finding in report.findings:
        settings = settings_of(finding.span.file)
        rulebook = rulebooks.setdefault(settings.root, load(settings.rule_dirs))
        checked = rulebook.find(finding.rule)
        if checked.confirm is None:
            kept.append(finding)
            continue
        key = finding.span.file, finding.entry
        if key not in outcomes:
            say(f"running {finding.entry} of {finding.span.file} (at most {settings.probe.timeout:g} s)")
            outcomes[key] = _outcome(finding, settings, wants_overfit(rulebook, _same_entry(report, finding)))
        outcome = outcomes[key]
        if isinstance(outcome, Measured):
            found = verdict(checked, measures_by_optimizer(outcome))
        else:
            found = Verdict("inconclusive", (("reason", outcome if isinstance(outcome, str) else outcome.reason),))
        decided = judged(finding, found)
        if is_shown(decided, settings) or not is_shown(finding, settings):
            kept.append(decided)
    return replace(report, findings=tuple(kept))


def _same_entry(report: Report, finding: Finding) -> tuple[Finding, ...]:
    return tuple(
        other for other in report.findings if (other.span.file, other.entry) == (finding.span.file, finding.entry)
    )


def _outcome(finding: Finding, settings: Settings, overfit: bool) -> Outcome | str:
    """Runs the model of a finding's entry; a text says why there is none to run."""
    project = Project(settings.root, [finding.span.file], settings.resolve)
    module = project.module(finding.span.file)
    if not isinstance(module, Module):
        return "the file cannot be read"
    try:
        graphs = entries(project, module)
    except EntryError as error:
        return str(error)
    graph = next((graph for graph in graphs if graph.entry == finding.entry), None)
    if graph is None:
        return f"{finding.entry} is no entry of {finding.span.file}"
    training = tuple(other for other in graphs if other.kind == "training")
    probe = settings.probe
    request = replace(plan(graph, settings.root, graph.entry, training), seconds=probe.timeout * 0.7, overfit=overfit)
    target = next((target for target in probe.targets if target.entry in _names(finding)), None)
    if target is not None:
        request = adjusted(request, target)
    return run_isolated(request, Limits(seconds=probe.timeout, memory=probe.memory << 20))


def _names(finding: Finding) -> tuple[str, ...]:
    return f"{finding.span.file}:{finding.entry}", f"{finding.span.file.rpartition('/')[2]}:{finding.entry}"


def counts(report: Report) -> Mapping[str, int]:
    """Returns how many findings were confirmed, refuted, left open."""
    found = {"confirmed": 0, "refuted": 0, "inconclusive": 0}
    for finding in report.findings:
        if finding.probe is not None:
            found[finding.probe.verdict] += 1
    return found
