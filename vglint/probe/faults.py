"""What a probe shows to be wrong without any rule: findings VG000, with the place where it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vglint.finding import MEASURED, Evidence, Finding, Verdict
from vglint.graph import Graph
from vglint.probe.record import Layer, Measured, Run
from vglint.rule import Scalar
from vglint.span import Span


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name: which runs show it, what is said of it, which layer is blamed."""

    name: str
    shows: Callable[[Run], bool]
    message: Callable[[Run], str]
    measures: tuple[str, ...]


def _number(run: Run, name: str, otherwise: float) -> float:
    value = run.measures.get(name, otherwise)
    return float(value) if not isinstance(value, str) else otherwise


def _vanishes(run: Run) -> bool:
    """Says whether a thousandth or less of the gradient is left and the loss hardly falls, or a thirtieth and it does not fall at all.

    A millionth at the start and later is enough where the run is too small to say how the loss goes.
    """
    drop = _number(run, "loss_drop", 1.0)
    late, early = _number(run, "log10_weight_gradient_ratio", 0.0), _number(run, "log10_gradient_ratio", 0.0)
    if "loss_drop" not in run.measures:
        return late < -6 and early < -6
    return (late < -3 and drop < 0.05) or (early < -1.5 and drop < 0.005)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "measured-nonfinite",
        lambda run: bool(run.nonfinite),
        lambda run: f"NaN or infinity first appears in {run.nonfinite}",
        ("nonfinite",),
    ),
    Fault(
        "measured-failing-step",
        lambda run: bool(run.raised),
        lambda run: f"the first training step raises: {run.raised}",
        ("step_raised",),
    ),
    Fault(
        "measured-vanishing-gradient",
        _vanishes,
        lambda run: (
            f"after {len(run.losses)} steps the first weight layer's gradient is 1e{_number(run, 'log10_weight_gradient_ratio', 0):.1f} of the last one's, and the loss does not fall"
        ),
        ("log10_weight_gradient_ratio", "log10_gradient_ratio", "loss_drop"),
    ),
    Fault(
        "measured-explosion",
        lambda run: run.measures.get("diverged") is True,
        lambda run: f"the loss rises from {run.losses[0]:.3g} to {run.losses[-1]:.3g} in {len(run.losses)} steps",
        ("diverged", "log10_gradient_ratio", "loss_drop"),
    ),
    Fault(
        "measured-dead-units",
        lambda run: _number(run, "dead_share", 0.0) > 0.5 and _number(run, "loss_drop", 1.0) < 0.05,
        lambda run: (
            f"{_number(run, 'dead_share', 0):.0%} of a layer's inputs are zero on every sample, and the loss does not fall"
        ),
        ("dead_share", "loss_drop"),
    ),
    Fault(
        "measured-blind-optimizer",
        lambda run: _number(run, "blind_optimizers", 0) > 0 and not run.raised,
        lambda run: "an optimiser steps and none of its parameters ever has a gradient",
        ("blind_optimizers", "zero_gradients"),
    ),
    Fault(
        "measured-unreached-parameters",
        lambda run: len(_unreached(run)) > 0 and not run.raised,
        lambda run: f"no gradient ever reaches {_few(_unreached(run))}",
        ("zero_gradients",),
    ),
)


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
    for fault in FAULTS:
        if measured.runs and all(fault.shows(run) for run in measured.runs):
            run = measured.runs[0]
            place = look(_blamed(fault, run)) or span
            evidence = evidence_of(measured.runs, fault.measures)
            found.append(
                Finding(
                    MEASURED,
                    fault.name,
                    "warning",
                    "high",
                    place,
                    fault.message(run),
                    entry,
                    evidence,
                    probe=Verdict("confirmed", evidence),
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
    return lambda path: next((node.span for node in graph.nodes if node.path == path), None)


def _blamed(fault: Fault, run: Run) -> str:
    """Returns the path of the layer to look at: the one named first in the fault's own words, else the first weight layer."""
    if fault.name == "measured-unreached-parameters":
        return _unreached(run)[0].rpartition(".")[0]
    if fault.name == "measured-nonfinite":
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
