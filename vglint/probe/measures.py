"""The measures that rules ask for, derived from what a run saw; names and meanings are those of `vglint.rulebook.measures`."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from vglint.probe.record import Layer, Snapshot
from vglint.probe.watch import Sight
from vglint.rule import Scalar

LATE = 50
"""Step from which the weight-gradient ratio counts: before it, deliberate zero-initialised heads look like a fault."""

_GREAT_NORM = 1e3


def measures_of(
    snapshots: Sequence[Snapshot],
    losses: Sequence[float],
    sights: Sequence[Sight],
    norms: Sequence[float],
    constant: float | None,
    final: tuple[float, float | None] | None,
) -> dict[str, Scalar]:
    """Returns the measures that can be taken; what cannot is absent."""
    found: dict[str, Scalar] = {}
    if not snapshots:
        return found
    start = _ratio(snapshots[0].layers)
    if start is not None:
        found["log10_gradient_ratio"] = start
    late = _late(snapshots, losses)
    if late is not None:
        found["log10_weight_gradient_ratio"] = late
    finite = [loss for loss in losses if math.isfinite(loss)]
    if len(finite) >= 10 and final is not None:
        first = statistics.mean(finite[:3])
        start_loss = min(first, constant) if constant is not None and constant > 0 else first
        found["loss_drop"] = 1.0 - final[0] / start_loss if start_loss > 0 else 0.0
        last = min(final[0], statistics.median(finite[-5:]))
        great = bool(norms) and statistics.median(norms) > _GREAT_NORM
        found["diverged"] = last > 2 * max(finite[0], 1e-6) or (last >= finite[0] and great)
        if final[1] is not None:
            found["dead_share"] = final[1]
    whole = next((snapshot for snapshot in reversed(snapshots) if snapshot.squashes), snapshots[-1])
    shares = [squash.saturated for squash in whole.squashes if squash.saturated is not None]
    found["saturated_share"] = max(shares, default=0.0)
    entropies = [squash.entropy for squash in snapshots[0].squashes if squash.entropy is not None]
    if entropies:
        found["attention_entropy"] = min(entropies)
    times = [
        math.log10(steps[0] / last) if steps[0] > 0 else -math.inf
        for sight in sights[:1]
        for steps in sight.times
        if len(steps) > 1 and (last := steps[-1]) > 0
    ]
    cells = _cells(snapshots[0].layers)
    if times or cells:
        found["log10_time_ratio"] = max(min([*times, *cells]), -300.0)
    found["dropped_share"] = max((sight.dropped for sight in sights), default=0.0)
    found["stacked_linears"] = max((sight.stacked for sight in sights), default=0)
    normalised = [sight.normalised for sight in sights[:1] if sight.normalised is not None]
    if normalised:
        found["least_normalised_moment"] = min(normalised)
    found["doubled_sums"] = any(sight.doubled for sight in sights)
    moment = next((sight.output for sight in sights if sight.output is not None), None)
    if moment is not None and 0 < moment < math.inf:
        found["log10_output_moment"] = math.log10(moment)
    updates = [snapshot.update_ratio for snapshot in snapshots if snapshot.update_ratio is not None]
    if updates:
        found["update_ratio"] = statistics.median(updates)
    return found


def _late(snapshots: Sequence[Snapshot], losses: Sequence[float]) -> float | None:
    """Returns the median weight-gradient ratio at late steps. A loss that is nearly gone by then leaves gradients that say nothing: then
    the last step before that counts, and a run that was cut short counts from half of `LATE`."""
    unlearnt = [snapshot for snapshot in snapshots if losses[snapshot.step] > 0.2 * losses[0]]
    known = [(snapshot.step, ratio) for snapshot in unlearnt if (ratio := weight_ratio(snapshot.layers)) is not None]
    late = [ratio for step, ratio in known if step >= LATE]
    if late:
        return statistics.median(late)
    return known[-1][1] if known and (known[-1][0] >= LATE // 2 or len(unlearnt) < len(snapshots)) else None


def ends(layers: Sequence[Layer]) -> tuple[Layer, Layer] | None:
    """Returns the first weight layer that the gradient reaches and the last whose output feeds another."""
    heard = {layer.path for layer in layers if layer.gradient is not None}
    weighted = [
        layer for layer in layers if layer.weighted and (layer.gradient is not None or layer.path not in heard)
    ]  # of a model that was called for its output's shape before, that call has no gradient
    feeding = [layer for layer in weighted if layer.feeds]
    return (weighted[0], feeding[-1]) if feeding else None


def _ratio(layers: Sequence[Layer]) -> float | None:
    found = ends(layers)
    if found is None or found[0].gradient is None or found[1].gradient is None:
        return None
    return found[0].gradient - found[1].gradient


def weight_ratio(layers: Sequence[Layer]) -> float | None:
    """Returns the weight gradient of the first weight layer over the last's; a gradient of exactly 0 counts as 1e-300."""
    weighted = [layer for layer in layers if layer.weighted and not layer.frozen and layer.type != "Embedding"]
    if len(weighted) < 2 or weighted[-1].weight_gradient is None:
        return None
    first = weighted[0].weight_gradient
    return (first if first is not None else -300.0) - weighted[-1].weight_gradient


def _cells(layers: Sequence[Layer]) -> list[float]:
    """Returns, for each module that runs at least 8 times in a pass, the gradient of its first call over its last's."""
    turns: dict[str, list[Layer]] = {}
    for layer in layers:
        if layer.type in ("RNNCell", "LSTMCell", "GRUCell"):
            turns.setdefault(layer.path, []).append(layer)
    found = []
    for calls in turns.values():
        first, last = calls[0].gradient, calls[-1].gradient
        if len(calls) >= 8 and last is not None:
            found.append((first if first is not None else -300.0) - last)
    return found
