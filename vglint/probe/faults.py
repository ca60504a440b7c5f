"""What runs show to be wrong by themselves: findings VG000 of the rules in `rules/measured`, with the place where it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vglint.finding import MEASURED, Evidence, Finding, Verdict
from vglint.graph import Graph
from vglint.probe.record import Layer, Measured, Run
from vglint.rule import Scalar
from vglint.rulebook.measured import Blame, MeasuredRule, measured_rules
from vglint.span import Span


def shown_by(run: Run) -> tuple[MeasuredRule, ...]:
    """Returns the rules whose fault a run shows."""
    measures = _measures(run)
    return tuple(rule for rule in measured_rules() if rule.shown_by(measures))


def _measures(run: Run) -> dict[str, Scalar]:
    """Returns a run's measures with those that its layers and words tell."""
    found = {**run.measures, "step_raised": bool(run.raised), "nonfinite": bool(run.nonfinite)}
    return {**found, "unreached_parameters": len(_unreached(run))}


def _words(run: Run) -> dict[str, Scalar]:
    """Returns what a message may name of a run."""
    losses = run.losses or (0.0,)
    return {
        "steps": max([len(run.losses), *(snapshot.step + 1 for snapshot in run.snapshots)]),
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "late": run.measures.get("log10_weight_gradient_ratio", 0.0),
        "dead": run.measures.get("dead_share", 0.0),
        "nonfinite_place": run.nonfinite,
        "raised": run.raised,
        "unreached": _few(_unreached(run)),
    }


Find = Callable[[str], "Span | None"]
"""From a module's path to the place where it is made."""


def faults(
    measured: Measured, entry: str, span: Span, graph: Graph | None = None, find: Find | None = None
) -> tuple[Finding, ...]:
    """Returns a finding for each fault that every run of every optimiser shows; a fault that some run is free of is none.

    Its place is that of the layer to look at, which the graph knows or `find` does, else `span`.
    """
    look = find or (_in_graph(graph) if graph is not None else lambda path: None)
    found = []
    for rule in measured_rules():
        if measured.runs and all(rule in shown_by(run) for run in measured.runs):
            run = measured.runs[0]
            place = look(_blamed(rule.blame, run)) or span
            evidence = evidence_of(measured.runs, rule.measures)
            verdict = Verdict("confirmed", evidence)
            message = rule.told(_words(run))
            found.append(
                Finding(
                    MEASURED, rule.name, rule.severity, rule.confidence, place, message, entry, evidence, probe=verdict
                )
            )
    return tuple(found)


def evidence_of(runs: Sequence[Run], names: Sequence[str]) -> Evidence:
    """Returns the measures of the first run by name, those that were taken."""
    found: dict[str, Scalar] = {}
    for name in names:
        for run in runs:
            if name in run.measures:
                found.setdefault(name, run.measures[name])
    return tuple(found.items())


def _in_graph(graph: Graph) -> Find:
    """Returns what finds a layer's place; in a script's graph its path begins with the variable that holds the model."""

    def find(path: str) -> Span | None:
        exact = (node.span for node in graph.nodes if node.path == path)
        held = (node.span for node in graph.nodes if path and node.path.partition(".")[2] == path)
        return next(exact, None) or next(held, None)

    return find


def _blamed(blame: Blame, run: Run) -> str:
    """Returns the path of the layer to look at."""
    if blame == "unreached layer":
        return _unreached(run)[0].rpartition(".")[0]
    if blame == "nonfinite place":
        return run.nonfinite.removeprefix("the gradient of ").partition(" ")[0]
    return next((layer.path for layer in _layers(run) if layer.weighted), "")


def _layers(run: Run) -> tuple[Layer, ...]:
    return run.snapshots[0].layers if run.snapshots else ()


def _unreached(run: Run) -> tuple[str, ...]:
    """Returns the parameters that no gradient reaches though their module runs: those of unused layers are left over, not at fault,
    a bias may cancel out, and what attends to one position has nothing to choose, which is a matter of the input's size."""
    ran = {layer.path for layer in _layers(run)}
    lone = {
        holder
        for snapshot in run.snapshots[:1]
        for squash in snapshot.squashes
        if squash.op == "softmax" and squash.entropy is None
        for holder in (squash.path, squash.path.rpartition(".")[0])
    }

    def attends(module: str) -> bool:
        return module.rpartition(".")[0] in lone or any(holder and module.startswith(f"{holder}.") for holder in lone)

    return tuple(
        name
        for name in run.zero_parameters
        if (module := name.rpartition(".")[0]) in ran and "bias" not in name.rpartition(".")[2] and not attends(module)
    )


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")
