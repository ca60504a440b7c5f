"""One generated model, predicted from its source and measured in torch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from benchmarks.generators.writing import Model
from benchmarks.oracle.measure import Measurement, measure_well
from vglint.analysis.handwritten import written_out
from vglint.analysis.propagate import propagate
from vglint.analysis.ratio import ratio as ratio_of
from vglint.analysis.recurrence import Recurrence, recurrences
from vglint.graph import Graph
from vglint.interp import extract
from vglint.signal import Trace
from vglint.source.module import Module
from vglint.source.project import Project

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


@dataclass(frozen=True, slots=True)
class Prediction:
    """What vglint says of one source text; `why` where it says nothing."""

    graph: Graph | None
    trace: Trace | None
    why: str
    extraction: float
    propagation: float

    def gradient(self, path: str, turn: int) -> float | None:
        """Returns log10 RMS gradient at the output of the `turn`-th call of the layer at `path`."""
        if self.graph is None or self.trace is None:
            return None
        calls = [node.index for node in self.graph.nodes if node.path == path and node.type is not None]
        return self.trace.gradients[calls[turn]] if turn < len(calls) else None

    def ends(self) -> tuple[str, str] | None:
        """Returns the paths of the two layers that vglint itself compares."""
        if self.graph is None or self.trace is None:
            return None
        found = ratio_of(self.graph, self.trace)
        if found.first is None or found.last is None:
            return None
        return self.graph.nodes[found.first].path, self.graph.nodes[found.last].path

    def recurrence(self) -> Recurrence | None:
        if self.graph is None or self.trace is None:
            return None
        return next(chain(recurrences(self.graph, self.trace), written_out(self.graph, self.trace)), None)


@dataclass(frozen=True, slots=True)
class Row:
    model: Model
    measured: Measurement
    prediction: Prediction
    ratio: float | None

    @property
    def error(self) -> float:
        assert self.ratio is not None and self.measured.ratio is not None
        return abs(self.ratio - self.measured.ratio)


def predict(model: Model) -> Prediction:
    """Lints the text of `model`: extraction and propagation, nothing is run."""
    project = Project(HERE)
    module = project.add(f"{model.name.replace('-', '_')}.py", model.source)
    if not isinstance(module, Module):
        return Prediction(None, None, module.message, 0.0, 0.0)
    start = time.process_time()
    graph: Graph | None = None
    try:
        graph = extract(project, module, model.entry)
        middle = time.process_time()
        trace = propagate(graph)
    except Exception as error:
        return Prediction(graph, None, f"{type(error).__name__}: {error}", 0.0, 0.0)
    end = time.process_time()
    reasons = [f"{graph.nodes[index].op}: {why}" for index, why in trace.abstained[:2]] + [
        str(gap) for gap in graph.gaps[:2]
    ]
    why = "; ".join(reasons)
    return Prediction(graph, trace, why, middle - start, end - middle)


def compare(model: Model) -> Row:
    measured, prediction = measure_well(model), predict(model)
    turns = {
        path: sum(point.path == path for point in measured.profile) - 1 for path in (measured.first, measured.last)
    }
    first, last = prediction.gradient(measured.first, 0), prediction.gradient(measured.last, turns[measured.last])
    return Row(model, measured, prediction, None if first is None or last is None else first - last)
