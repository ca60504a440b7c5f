"""Compares the probe's verdicts with outcomes of real training: `python -m benchmarks probe [--kept]`.

The models are the classifiers of `benchmarks.generators.generate`, trained on digits by `benchmarks.oracle.train`; the probe sees only their source, and
makes up its own task. Per optimiser: a model that shows a fault on every seed is confirmed to fail. A failure has a flow cause where
`benchmarks.oracle.measure` finds the first layer's gradient a tenth of the last one's or less, or ten times as large, at the start. With `--kept`, only models that
were probed and trained before count. Writes `benchmarks/reports/probe.md`; exits with 1 where a model that trains is confirmed to fail.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import torch

from benchmarks.generators.generate import generate_tasks
from benchmarks.generators.writing import Model
from benchmarks.oracle.measure import build, cache_folder
from benchmarks.oracle.measure import measure as gradients
from benchmarks.oracle.train import OptimizerName, Outcome, train
from benchmarks.reports.prediction import HELD_OUT, HELD_OUT_SHARE
from vglint.interp import extract
from vglint.probe import plan
from vglint.probe.decoding import decoded
from vglint.probe.faults import shown_by
from vglint.probe.feeding import find_inputs
from vglint.probe.record import Measured, to_json
from vglint.probe.session import measure
from vglint.probe.task import teacher_task
from vglint.source.module import Module
from vglint.source.project import Project

HERE = Path(__file__).parent
VERSION = "4"


@dataclass(frozen=True, slots=True)
class Row:
    """One model under one optimiser: what training came to, and which faults every seed of the probe shows."""

    model: Model
    optimizer: OptimizerName
    outcome: Outcome
    faults: tuple[str, ...]
    agree: bool
    """Whether the seeds show the same faults."""
    flow: bool = False
    """Whether a failure has a flow cause."""


def probed(model: Model) -> Measured:
    """Probes a model in this process, from the cache where the same text was probed before."""
    path = _kept(model)
    if path.exists():
        return decoded(path.read_bytes(), Measured)
    project = Project(HERE)
    module = project.add(f"{model.name.replace('-', '_')}.py", model.source)
    assert isinstance(module, Module)
    request = plan(extract(project, module, model.entry), HERE, model.entry)
    start = time.monotonic()

    def make(seed: int) -> torch.nn.Module:
        torch.manual_seed(seed)
        return build(model).train()

    inputs = find_inputs(make(0), request.arguments)
    task = teacher_task(make(0), inputs, None)
    found = measure(make, task, request, [], start)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(to_json(found)))
    return found


def _kept(model: Model) -> Path:
    key = sha256(repr((VERSION, model.source, model.entry)).encode()).hexdigest()[:24]
    return cache_folder() / "probes" / f"{key}.json"


def rows_of(model: Model) -> tuple[Row, ...]:
    found = probed(model)
    rows = []
    names: tuple[Literal["sgd", "adam"], ...] = ("sgd", "adam")
    for optimizer in names:
        runs = [run for run in found.runs if run.optimizer == optimizer]
        shown = [frozenset(rule.name for rule in shown_by(run)) for run in runs]
        every = frozenset.intersection(*shown)
        outcome = train(model, optimizer).outcome
        flow = outcome == "stuck" and _has_flow_cause(model)
        rows.append(Row(model, optimizer, outcome, tuple(sorted(every)), len(set(shown)) == 1, flow))
    return tuple(rows)


def _has_flow_cause(model: Model) -> bool:
    ratio = gradients(model).ratio
    return ratio is None or abs(ratio) >= 1.0


def table(rows: list[Row]) -> str:
    lines = [
        "| optimiser | train | partly | stuck | confirmed of stuck | of stuck with a flow cause | of those that train | seeds agree |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for optimizer in ("sgd", "adam"):
        own = [row for row in rows if row.optimizer == optimizer]
        by = {outcome: [row for row in own if row.outcome == outcome] for outcome in ("trains", "stuck", "partly")}
        flow = [row for row in by["stuck"] if row.flow]
        hits = sum(bool(row.faults) for row in by["stuck"])
        false = sum(bool(row.faults) for row in by["trains"])
        agree = sum(row.agree for row in own)
        cells = [
            optimizer,
            *(str(len(by[name])) for name in ("trains", "partly", "stuck")),
            f"{hits} of {len(by['stuck'])}",
            f"{sum(bool(row.faults) for row in flow)} of {len(flow)}",
            f"{false} of {len(by['trains'])}",
        ]
        lines.append("| " + " | ".join([*cells, f"{agree} of {len(own)}"]) + " |")
    return "\n".join(lines)


def main() -> int:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    kept = "--kept" in sys.argv
    both: list[Row] = []
    page = _HEAD
    for text, models in (
        (_HELD_OUT, generate_tasks(HELD_OUT, share=HELD_OUT_SHARE)),
        (_IN_SIGHT, generate_tasks()),
    ):
        chosen = [model for model in models if not kept or _kept(model).exists()]
        rows = [row for model in chosen for row in _told(model)]
        page += text.format(count=len(chosen), all=len(models), table=table(rows))
        both += rows
    page += _BOTH.format(count=len(both) // 2, table=table(both))
    print(page)
    (HERE / "probe.md").write_text(page)
    return int(any(row.outcome == "trains" and row.faults for row in both))


def _told(model: Model) -> tuple[Row, ...]:
    """Prints what is wrong about a model as soon as it is known."""
    rows = rows_of(model)
    for row in rows:
        if (row.outcome == "trains" and row.faults) or (row.outcome == "stuck" and not row.faults):
            print(_line(row), flush=True)
    return rows


def _line(row: Row) -> str:
    """Returns what a wrong verdict rests on."""
    measures = probed(row.model).runs[0 if row.optimizer == "sgd" else -1].measures
    short = {name: round(value, 2) for name, value in measures.items() if isinstance(value, float)}
    model = row.model
    return f"{model.name} depth {model.depth} {model.activation} {model.init} {row.optimizer} {row.outcome} {row.faults} {short}"


_HEAD = """# The probe against real training

Written by `python -m benchmarks probe`. Generated classifiers, trained on scikit-learn's digits (300 steps, best of three
learning rates, median of three seeds) and probed from their source alone (60 steps, two seeds, a made-up task). A model is confirmed to fail
under an optimiser when every seed of the probe shows a fault.
"""

_HELD_OUT = """
## Held out

{count} of {all} models of another seed of the generator, first trained and probed when the thresholds were fixed.

{table}
"""

_IN_SIGHT = """
## In sight

{count} of {all} models; the thresholds were set with these outcomes in sight.

{table}
"""

_BOTH = """
## Together

{count} models.

{table}
"""

if __name__ == "__main__":
    raise SystemExit(main())
