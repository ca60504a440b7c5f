"""Compares what vglint predicts from source with what torch measures: `python -m benchmarks.prediction`.

Models are those of `benchmarks.generate`; a measurement is the median over seeds of the ratio of RMS activation
gradients, first weight layer over last, in decades. Writes `benchmarks/prediction.md` and two pictures beside it.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from benchmarks.generate import generate, generate_tasks
from benchmarks.measure import SEEDS, Measurement, measure
from benchmarks.picture import Curve, profiles, scatter
from benchmarks.train import train
from benchmarks.typical import TYPICAL
from benchmarks.writing import Model
from vglint.analysis.propagate import propagate
from vglint.analysis.ratio import ratio as ratio_of
from vglint.analysis.recurrence import Recurrence, recurrences
from vglint.graph import Graph
from vglint.interp import extract
from vglint.signal import Trace
from vglint.source.module import Module
from vglint.source.project import Project

HERE = Path(__file__).parent
RECURRENT = ("rnn", "lstm", "gru")
Verdict: TypeAlias = Literal["vanish", "fine", "explode"]


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
        return next(iter(recurrences(self.graph, self.trace)), None)


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
    measured, prediction = measure(model), predict(model)
    turns = {
        path: sum(point.path == path for point in measured.profile) - 1 for path in (measured.first, measured.last)
    }
    first, last = prediction.gradient(measured.first, 0), prediction.gradient(measured.last, turns[measured.last])
    return Row(model, measured, prediction, None if first is None or last is None else first - last)


def verdict(ratio: float, limit: float = 3.0) -> Verdict:
    return "vanish" if ratio < -limit else "explode" if ratio > limit else "fine"


def gradient_table(rows: Sequence[Row]) -> str:
    """Returns the comparison by family and over all, as Markdown."""
    lines = [
        "| family | models | predicted | median error | 95 % | largest | rank correlation | verdicts right |",
        "|---|---|---|---|---|---|---|---|",
    ]
    families = sorted({row.model.family for row in rows})
    for family in [*families, ""]:
        given = [row for row in rows if row.measured.ratio is not None and family in ("", row.model.family)]
        known = [row for row in given if row.ratio is not None]
        if not known:
            lines.append(f"| {family} | {len(given)} | 0 | – | – | – | – | – |")
            continue
        errors = sorted(row.error for row in known)
        pairs = [(row.ratio or 0.0, row.measured.ratio or 0.0) for row in known]
        right = sum(verdict(predicted) == verdict(measured) for predicted, measured in pairs)
        cells = [
            family or "**all**",
            str(len(given)),
            str(len(known)),
            f"{statistics.median(errors):.3f}",
            f"{quantile(errors, 0.95):.2f}",
            f"{errors[-1]:.2f}",
        ]
        cells += [f"{rank_correlation(pairs):.3f}", f"{right / len(known):.1%}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def recurrent_table(rows: Sequence[Row]) -> str:
    """Returns steps until the gradient is below 1e-3, predicted against measured, by cell, as Markdown.

    A model whose gradient does not get there within the measured lags is right when the prediction says so too.
    """
    lines = [
        "| cell | models | predicted | median error of steps to 1e-3 | 95 % | within 10 % | median error, decades a step |",
        "|---|---|---|---|---|---|---|",
    ]
    for family in [*RECURRENT, ""]:
        given = [row for row in rows if row.model.steps and family in ("", row.model.family)]
        pairs = [(row, found) for row in given if (found := row.prediction.recurrence()) is not None]
        errors = sorted(error for row, found in pairs if (error := steps_error(row.measured, found)) is not None)
        rates = sorted(abs(found.per_step - (row.measured.decay or 0.0)) for row, found in pairs)
        if not errors:
            continue
        cells = [
            family.upper() or "**all**",
            str(len(given)),
            str(len(pairs)),
            f"{statistics.median(errors):.1%}",
            f"{quantile(errors, 0.95):.0%}",
        ]
        cells += [f"{sum(error <= 0.1 for error in errors)} of {len(errors)}", f"{statistics.median(rates):.3f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def steps_error(measured: Measurement, found: Recurrence) -> float | None:
    """Returns the relative error of the steps to 1e-3; None where the measurement ends before it and theory agrees or cannot be held to it."""
    if measured.steps is None:
        return (
            None
            if found.below_1e3 is None or found.below_1e3 >= measured.lags - 1
            else 1.0 - found.below_1e3 / measured.lags
        )
    if found.below_1e3 is None:
        return 1.0
    return max(abs(found.below_1e3 - measured.steps) - 0.5, 0.0) / measured.steps


def training_table(rows: Sequence[Row], seeds: int) -> str:
    """Returns how well each predictor of failed training does, by optimiser, as Markdown."""
    lines = [
        "| optimiser | predictor | precision | recall | false-positive rate | flagged |",
        "|---|---|---|---|---|---|",
    ]
    for optimizer in ("sgd", "adam"):
        outcomes = {row.model.name: train(row.model, optimizer, seeds).outcome for row in rows}
        clear = [row for row in rows if outcomes[row.model.name] != "partly"]
        for label, predictor in PREDICTORS:
            flagged = [row for row in clear if predictor(row)]
            stuck = [row for row in clear if outcomes[row.model.name] == "stuck"]
            hits = [row for row in flagged if outcomes[row.model.name] == "stuck"]
            healthy = len(clear) - len(stuck)
            cells = [
                optimizer.upper() if optimizer == "sgd" else "Adam",
                label,
                _share(len(hits), len(flagged)),
                _share(len(hits), len(stuck)),
            ]
            cells += [_share(len(flagged) - len(hits), healthy), str(len(flagged))]
            lines.append("| " + " | ".join(cells) + " |")
        stuck_count = sum(outcome == "stuck" for outcome in outcomes.values())
        partly = sum(outcome == "partly" for outcome in outcomes.values())
        lines.append(
            f"| | {len(rows)} models: {stuck_count} stuck, {partly} partly (left out), {len(rows) - stuck_count - partly} train | | | | |"
        )
    return "\n".join(lines)


def _beyond(limit: float) -> Callable[[Row], bool]:
    return lambda row: row.ratio is not None and abs(row.ratio) > limit


PREDICTORS: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("vglint: ratio beyond 1e-2 or 1e2", _beyond(2)),
    ("vglint: ratio beyond 1e-3 or 1e3", _beyond(3)),
    ("vglint: ratio beyond 1e-4 or 1e4", _beyond(4)),
    ("vglint: ratio beyond 1e-8 or 1e8", _beyond(8)),
    ("baseline: any sigmoid or tanh", lambda row: row.model.activation in ("sigmoid", "tanh")),
    (
        "baseline: ≥ 10 weight layers, no norm, no skip",
        lambda row: row.model.depth >= 10 and row.model.norm == "none" and not row.model.residual,
    ),
)


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Returns Spearman's coefficient with mean ranks for ties; nan for fewer than three pairs."""
    if len(pairs) < 3:
        return math.nan
    left, right = _ranks([a for a, _ in pairs]), _ranks([b for _, b in pairs])
    return statistics.correlation(left, right) if len(set(left)) > 1 and len(set(right)) > 1 else math.nan


def quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for position in range(start, end + 1):
            ranks[order[position]] = (start + end) / 2
        start = end + 1
    return ranks


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "–"


def _curves() -> Iterable[Curve]:
    for title, model in TYPICAL:
        row = compare(model)
        turns: dict[str, int] = {}
        predicted: list[float | None] = []
        last = row.prediction.gradient(row.measured.last, 0)
        for point in row.measured.profile:
            turn = turns[point.path] = turns.get(point.path, -1) + 1
            value = row.prediction.gradient(point.path, turn)
            predicted.append(None if value is None or last is None else value - last)
        yield Curve(title, tuple(point.gradient for point in row.measured.profile), tuple(predicted))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the generator")
    parser.add_argument("--share", type=float, default=1.0, help="of each family")
    parser.add_argument("--no-training", action="store_true", help="leave the trainings out")
    parser.add_argument("--list", action="store_true", help="print each model, worst first, and write nothing")
    given = parser.parse_args()
    rows = [compare(model) for model in generate(given.seed, share=given.share)]
    feedforward = [row for row in rows if not row.model.steps]
    if given.list:
        _print_list(feedforward)
        _print_recurrent([row for row in rows if row.model.steps])
    table = gradient_table(feedforward)
    recurrent = recurrent_table(rows)
    extraction = sum(row.prediction.extraction for row in rows)
    propagation = sum(row.prediction.propagation for row in rows)
    cost = f"Extraction took {extraction:.1f} s of processor time over {len(rows)} models, propagation {propagation:.1f} s."
    agree = sum(row.prediction.ends() == (row.measured.first, row.measured.last) for row in feedforward)
    cost += f" vglint compares the same two layers as the measurement in {agree} of {len(feedforward)} models."
    print(table, recurrent, cost, sep="\n\n")
    if given.list:
        return
    text = _PAGE.format(count=len(rows), seeds=SEEDS, table=table, recurrent=recurrent, cost=cost)
    if not given.no_training:
        tasks = [compare(model) for model in generate_tasks(given.seed, share=given.share)]
        training = training_table(tasks, 3)
        print(training)
        text += _TRAINING.format(table=training)
    (HERE / "prediction.md").write_text(text)
    points = [
        (row.model.family, row.ratio, row.measured.ratio)
        for row in feedforward
        if row.ratio is not None and row.measured.ratio is not None
    ]
    (HERE / "prediction.svg").write_text(scatter(points, f"{len(points)} generated models"))
    (HERE / "profiles.svg").write_text(profiles(tuple(_curves())))


def _print_list(rows: Iterable[Row]) -> None:
    def key(row: Row) -> float:
        return -row.error if row.ratio is not None and row.measured.ratio is not None else -math.inf

    for row in sorted(rows, key=key):
        model, measured = row.model, row.measured
        numbers = " ".join("-" if value is None else f"{value:+.2f}" for value in (row.ratio, measured.ratio))
        print(
            f"{model.name} {numbers} ±{measured.spread:.2f} L={model.depth} {model.activation} {model.init} {model.norm} res={model.residual} {measured.first}→{measured.last} {row.prediction.why}"
        )


def _print_recurrent(rows: Iterable[Row]) -> None:
    for row in rows:
        found, measured, model = row.prediction.recurrence(), row.measured, row.model
        own = "-" if found is None else f"{found.below_1e3} {found.per_step:+.3f} T={found.steps}"
        print(
            f"{model.name} {own} | {measured.steps} {measured.decay:+.3f} of {measured.lags} T={model.steps} {model.family} {model.activation} {model.init} layers={model.depth} {row.prediction.why}"
        )


_PAGE = """# Prediction against measurement

Written by `python -m benchmarks.prediction`. {count} generated models (source text as people write it), each measured in torch in double
precision with N(0, 1) inputs, {seeds} seeds. The number is log10 of RMS ∂L/∂(output of the first weight layer) over RMS
∂L/∂(output of the last weight layer that feeds another); errors are in decades, against the median over seeds. A verdict is
vanish below 1e-3, explode above 1e3, fine between.

{table}

Recurrent models, by the lag at which RMS ∂L/∂(input at step t) is a thousandth of that at the last step:

{recurrent}

{cost}

![predicted against measured](prediction.svg)

![gradient profiles](profiles.svg)
"""

_TRAINING = """
## As a predictor of failed training

Classifiers of scikit-learn's digits, 300 steps of batch 64, the best of three learning rates, median of three seeds: a model
trains at 0.8 accuracy, is stuck below 0.3; what lies between is left out.

{table}
"""

if __name__ == "__main__":
    main()
