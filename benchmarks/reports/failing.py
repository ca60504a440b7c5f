"""How well trainings that fail are foretold: by vglint's findings on the model's source and its training loop, by the predicted ratio
alone, and by two plain baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.generators.loops import LOOP
from benchmarks.generators.writing import Model
from benchmarks.oracle.train import OptimizerName, Training, train
from benchmarks.reports.comparing import Row
from vglint.config import Settings
from vglint.finding import Finding
from vglint.lint.text import text_linter
from vglint.rulebook import load

OPTIMIZERS: dict[OptimizerName, str] = {
    "sgd": "SGD(model.parameters(), lr=0.1)",
    "adam": "Adam(model.parameters(), lr=1e-3)",
}
ABOUT_THE_START = ("VG1", "VG2", "VG3", "VG4", "VG6")
"""Families of rules that say that the model's signal or gradient is bad at the start; the others are about losses and loops, and about memory
over more steps (VG5) than the eight of these tasks."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One model under one optimiser: what training came to, and what vglint's default run says of the source."""

    row: Row
    training: Training
    findings: tuple[Finding, ...]

    def says(self, *severities: str, worse: bool = False) -> bool:
        """Whether a finding of that severity says that training fails; with `worse`, or that it goes worse than in a shallower net."""
        return any(found.severity in severities and (worse or found.rule != "VG301") for found in self.findings)


def trials(rows: Sequence[Row], optimizer: OptimizerName) -> list[Trial]:
    lint = text_linter(load([]), Settings())
    found = []
    for row in rows:
        name = f"{row.model.name.replace('-', '_')}.py"
        findings = lint(name, source_of(row.model, optimizer))
        about = tuple(one for one in findings if one.rule.startswith(ABOUT_THE_START))
        found.append(Trial(row, train(row.model, optimizer), about))
    return found


def source_of(model: Model, optimizer: OptimizerName) -> str:
    """Returns the model's file with its training loop."""
    text = model.source + LOOP.format(entry=model.entry, optimizer=OPTIMIZERS[optimizer])
    return text if "import torch\n" in text else "import torch\n" + text


def training_table(rows: Sequence[Row]) -> str:
    """Returns how well each predictor of failed training does, by optimiser, as Markdown."""
    lines = [
        "| optimiser | predictor | flagged | precision | recall | false-positive rate |",
        "|---|---|---|---|---|---|",
    ]
    for optimizer, label in (("sgd", "SGD"), ("adam", "Adam")):
        lines += _lines(trials(rows, "sgd" if optimizer == "sgd" else "adam"), label)
    return "\n".join(lines)


def _lines(all_trials: Sequence[Trial], label: str) -> Iterator[str]:
    clear = [trial for trial in all_trials if trial.training.outcome != "partly"]
    stuck = [trial for trial in clear if trial.training.outcome == "stuck"]
    for name, predictor in PREDICTORS:
        flagged = [trial for trial in clear if predictor(trial)]
        hits = sum(trial.training.outcome == "stuck" for trial in flagged)
        cells = [label, name, str(len(flagged)), _share(hits, len(flagged)), _share(hits, len(stuck))]
        yield "| " + " | ".join([*cells, _share(len(flagged) - hits, len(clear) - len(stuck))]) + " |"
    partly = len(all_trials) - len(clear)
    yield (
        f"| {label} | of {len(all_trials)} models {len(stuck)} are stuck, {len(clear) - len(stuck)} train, "
        f"{partly} lie between and are left out | | | | |"
    )


def _beyond(limit: float) -> Callable[[Trial], bool]:
    return lambda trial: trial.row.ratio is not None and abs(trial.row.ratio) > limit


PREDICTORS: tuple[tuple[str, Callable[[Trial], bool]], ...] = (
    ("**vglint: an error**", lambda trial: trial.says("error")),
    ("**vglint: an error or a warning**", lambda trial: trial.says("error", "warning")),
    ("vglint, with VG301 (worse than a shallower net)", lambda trial: trial.says("error", "warning", worse=True)),
    ("predicted ratio beyond 1e-2 or 1e2", _beyond(2)),
    ("predicted ratio beyond 1e-3 or 1e3", _beyond(3)),
    ("predicted ratio beyond 1e-4 or 1e4", _beyond(4)),
    ("predicted ratio beyond 1e-8 or 1e8", _beyond(8)),
    ("baseline: any sigmoid or tanh", lambda trial: trial.row.model.activation in ("sigmoid", "tanh")),
    (
        "baseline: ≥ 10 weight layers, no norm, no skip",
        lambda trial: trial.row.model.depth >= 10 and trial.row.model.norm == "none" and not trial.row.model.residual,
    ),
)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "–"
