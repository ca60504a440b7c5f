"""Compares the probe's verdicts with outcomes of real training: `python -m benchmarks.probe`.

The models are the classifiers of `benchmarks.generate`, trained on digits by `benchmarks.train`; the probe sees only their source, and
makes up its own task. Per optimiser: a model that shows a fault on every seed is confirmed to fail. Writes `benchmarks/probe.md`.
"""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import torch

from benchmarks.generate import generate_tasks
from benchmarks.measure import build, cache_folder
from benchmarks.train import OptimizerName, Outcome, train
from benchmarks.writing import Model
from vglint.interp import extract
from vglint.probe import plan
from vglint.probe.faults import FAULTS
from vglint.probe.feeding import find_inputs
from vglint.probe.record import Measured, measured_from, to_json
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


def probed(model: Model) -> Measured:
    """Probes a model in this process, from the cache where the same text was probed before."""
    key = sha256(repr((VERSION, model.source, model.entry)).encode()).hexdigest()[:24]
    path = cache_folder() / "probes" / f"{key}.json"
    if path.exists():
        return measured_from(json.loads(path.read_text()))
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


def rows_of(model: Model) -> tuple[Row, ...]:
    found = probed(model)
    rows = []
    names: tuple[Literal["sgd", "adam"], ...] = ("sgd", "adam")
    for optimizer in names:
        runs = [run for run in found.runs if run.optimizer == optimizer]
        shown = [frozenset(fault.name for fault in FAULTS if fault.shows(run)) for run in runs]
        every = frozenset.intersection(*shown)
        rows.append(Row(model, optimizer, train(model, optimizer).outcome, tuple(sorted(every)), len(set(shown)) == 1))
    return tuple(rows)


def table(rows: list[Row]) -> str:
    lines = [
        "| optimiser | train | stuck | partly | confirmed of stuck | confirmed of those that train | seeds agree |",
        "|---|---|---|---|---|---|---|",
    ]
    for optimizer in ("sgd", "adam"):
        own = [row for row in rows if row.optimizer == optimizer]
        by = {outcome: [row for row in own if row.outcome == outcome] for outcome in ("trains", "stuck", "partly")}
        hits = sum(bool(row.faults) for row in by["stuck"])
        false = sum(bool(row.faults) for row in by["trains"])
        agree = sum(row.agree for row in own)
        cells = [
            optimizer,
            *(str(len(by[name])) for name in ("trains", "stuck", "partly")),
            f"{hits} of {len(by['stuck'])}",
            f"{false} of {len(by['trains'])}",
        ]
        lines.append("| " + " | ".join([*cells, f"{agree} of {len(own)}"]) + " |")
    return "\n".join(lines)


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows: list[Row] = []
    for model in generate_tasks():
        for row in rows_of(model):
            rows.append(row)
            wrong = (row.outcome == "trains" and row.faults) or (row.outcome == "stuck" and not row.faults)
            if wrong:
                measures = probed(model).runs[0 if row.optimizer == "sgd" else -1].measures
                short = {name: round(value, 2) for name, value in measures.items() if isinstance(value, float)}
                print(
                    model.name,
                    model.depth,
                    model.activation,
                    model.init,
                    model.norm,
                    row.optimizer,
                    row.outcome,
                    row.faults,
                    short,
                    flush=True,
                )
    text = table(rows)
    print(text)
    (HERE / "probe.md").write_text(_PAGE.format(count=len(rows) // 2, table=text))


_PAGE = """# The probe against real training

Written by `python -m benchmarks.probe`. {count} generated classifiers, trained on scikit-learn's digits (300 steps, best of three
learning rates, median of three seeds) and probed from their source alone (60 steps, two seeds, a made-up task). A model is confirmed to fail
under an optimiser when every seed of the probe shows a fault.

{table}
"""

if __name__ == "__main__":
    main()
