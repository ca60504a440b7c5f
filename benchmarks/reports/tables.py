"""The tables of the prediction benchmark: gradients by family, steps of recurrent cells, as Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal, TypeAlias

from benchmarks.oracle.measure import Measurement
from benchmarks.reports.comparing import Row
from vglint.analysis.recurrence import Recurrence

RECURRENT = ("rnn", "lstm", "gru")
Verdict: TypeAlias = Literal["vanish", "fine", "explode"]


def verdict(ratio: float, limit: float = 3.0) -> Verdict:
    return "vanish" if ratio < -limit else "explode" if ratio > limit else "fine"


def gradient_table(rows: Sequence[Row]) -> str:
    """Returns the comparison by family and over all, as Markdown."""
    lines = [
        "| family | models | predicted | median error | 95 % | largest | rank correlation | verdicts right |",
        "|---|---|---|---|---|---|---|---|",
    ]
    families = sorted({row.model.family for row in rows})
    given = [row for row in rows if row.measured.ratio is not None]
    lines += [_line(family, [row for row in given if row.model.family == family]) for family in families]
    lines.append(_line("**all**", given))
    steady = [row for row in given if row.measured.spread <= STEADY]
    lines.append(_line("all, seeds within a decade", steady))
    return "\n".join(lines)


STEADY = 1.0
"""Decades between the quartiles of a model's seeds beyond which its ratio is hardly a property of its source."""


def _line(name: str, given: Sequence[Row]) -> str:
    known = [row for row in given if row.ratio is not None]
    if not known:
        return f"| {name} | {len(given)} | 0 | – | – | – | – | – |"
    errors = sorted(row.error for row in known)
    pairs = [(row.ratio or 0.0, row.measured.ratio or 0.0) for row in known]
    right = sum(verdict(predicted) == verdict(measured) for predicted, measured in pairs)
    cells = [
        name,
        str(len(given)),
        str(len(known)),
        f"{statistics.median(errors):.3f}",
        f"{quantile(errors, 0.95):.2f}",
    ]
    cells += [f"{errors[-1]:.2f}", f"{rank_correlation(pairs):.3f}", f"{right / len(known):.1%}"]
    return "| " + " | ".join(cells) + " |"


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
    """Returns the relative error of the first lag below 1e-3; None where the measurement ends before it and theory agrees."""
    if measured.steps is None:
        if found.below_1e3 is None or found.below_1e3 >= measured.lags - 1:
            return None
        return 1.0 - found.below_1e3 / measured.lags
    if found.below_1e3 is None:
        return 1.0
    first = math.ceil(measured.steps)
    return abs(found.below_1e3 - first) / first


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
