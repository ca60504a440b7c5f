"""What a run measured, as the trace of the graph that was predicted."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from vglint.graph import Graph, Node
from vglint.probe.record import Layer, Measured
from vglint.signal import Signal, Trace


def trace_of(graph: Graph, measured: Measured, step: int = 0) -> Trace:
    """Returns the measured trace at `step`, the median over runs; only modules of torch are seen, and of the rest nothing is known."""
    layers = [
        {(layer.path, layer.call): layer for layer in snapshot.layers}
        for run in measured.runs
        for snapshot in run.snapshots
        if snapshot.step == step
    ]
    keys = _keys(graph)
    signals = tuple(
        _signal([layer for seen in layers if (layer := seen.get(key)) is not None]) if key else None for key in keys
    )
    gradients = tuple(_gradient([seen[key] for seen in layers if key in seen]) if key else None for key in keys)
    gains = tuple(_gain(node, gradients) for node in graph.nodes)
    return Trace("measured", signals, gradients, gains)


def _keys(graph: Graph) -> list[tuple[str, int] | None]:
    """Returns, for each node that is a module of torch, its path and which of its calls it is."""
    turns: dict[str, int] = {}
    keys: list[tuple[str, int] | None] = []
    for node in graph.nodes:
        if node.type is None or node.op in ("input", "optimizer"):
            keys.append(None)
            continue
        turns[node.path] = turns.get(node.path, -1) + 1
        keys.append((node.path, turns[node.path]))
    return keys


def _signal(layers: Sequence[Layer]) -> Signal | None:
    if not layers:
        return None
    varied = [layer.varied for layer in layers if layer.varied is not None]
    return Signal(
        statistics.median(layer.moment for layer in layers),
        statistics.median(layer.mean for layer in layers),
        statistics.median(varied) if varied else 0.0,
    )


def _gradient(layers: Sequence[Layer]) -> float | None:
    known = [layer.gradient for layer in layers if layer.gradient is not None]
    return statistics.median(known) if known else None


def _gain(node: Node, gradients: Sequence[float | None]) -> float | None:
    """Returns the node's gain where its input has no other reader to collect gradients from."""
    if not node.inputs:
        return None
    above, own = gradients[node.inputs[0]], gradients[node.index]
    return above - own if above is not None and own is not None else None
