"""Compares predicted with measured gradients at initialisation over the real models of `targets/`.

    python -m benchmarks real [--list] [--only TEXT] [POPULATION …]      prints a table as Markdown

Each model is built and run in torch by a child process, once, and what it measured is kept in $VGLINT_RECORDINGS/gradients.
Each model is told on the error output once it is done, and a run that was ended goes on where it was.
The prediction reads source alone. A single matrix of logits gets a cross-entropy against random labels, other outputs get N(0, 1) gradients.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.corpus.target import Target, build, fixed, folder, load
from benchmarks.oracle.guarded import Failed, guarded

SECONDS = 60
"""Of CPU that building and running one model may take, all seeds together."""
SEEDS = 3
ENOUGH = 6
"""Seconds of CPU after which no further seed is begun."""
BATCH = 8
"""Samples that a model gets whose listed inputs hold two."""
BEYOND = 4.0
"""Decades beyond which a prediction says that a model does not train."""

Calls = dict[str, list[float]]
"""log10 RMS gradient at the output of each call of a weight layer, by path."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One model; `why` says what keeps it out of the comparison."""

    target: Target
    measured: float | None = None
    predicted: float | None = None
    ends: tuple[str, str] = ("", "")
    spread: float = 0.0
    gaps: int = 0
    why: str = ""
    seconds: tuple[float, float] = (0.0, 0.0)
    """Of processor time: extraction, prediction."""

    @property
    def error(self) -> float | None:
        return None if self.measured is None or self.predicted is None else abs(self.measured - self.predicted)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("populations", nargs="*", default=["zoo"], metavar="POPULATION")
    parser.add_argument("--only", default="", help="models whose file or entry contains this")
    parser.add_argument("--list", action="store_true", help="print each model, worst first")
    parser.add_argument("--sized", action="store_true", help="fix the sizes of inputs to those that torch ran with")
    parser.add_argument("--recorded", action="store_true", help="run nothing: leave out what is not recorded yet")
    given = parser.parse_args()
    import torch

    import vglint.interp  # noqa: F401  # once, before the children are forked

    torch.set_num_threads(1)
    targets = [
        target for target in load(given.populations) if given.only in f"{target.root}:{target.file}:{target.entry}"
    ]
    if given.recorded:
        targets = [target for target in targets if record_of(target).is_file()]
    outcomes = []
    for number, target in enumerate(targets, 1):
        outcomes.append(judged(target, given.sized))
        print(f"{number}/{len(targets)} {line(outcomes[-1])}", file=sys.stderr, flush=True)
    print(table(outcomes))
    if given.list:
        for outcome in sorted(outcomes, key=lambda outcome: -(outcome.error if outcome.error is not None else -1.0)):
            print(line(outcome))
    return 0


def table(outcomes: list[Outcome]) -> str:
    rows = [
        "| models | run in torch | graphs without a gap | predicted | median error | 95 % | largest | predicted beyond 1e-4 or 1e4 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    run = [outcome for outcome in outcomes if outcome.measured is not None or outcome.why in ("", "not predicted")]
    free = [outcome for outcome in run if not outcome.gaps]
    errors = sorted(outcome.error for outcome in free if outcome.error is not None)
    beyond = sum(outcome.predicted is not None and abs(outcome.predicted) > BEYOND for outcome in outcomes)
    cells: list[object] = [len(outcomes), len(run), len(free), len(errors)]
    if errors:
        top = errors[min(len(errors) - 1, math.ceil(0.95 * len(errors)) - 1)]
        cells += [f"{statistics.median(errors):.3f}", f"{top:.2f}", f"{errors[-1]:.2f}", beyond]
    rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def line(outcome: Outcome) -> str:
    target = outcome.target
    numbers = " ".join("-" if value is None else f"{value:+.2f}" for value in (outcome.predicted, outcome.measured))
    where = f"{target.root.partition('@')[0]}/{target.file}:{target.entry[:60]}"
    return f"{where} {numbers} ±{outcome.spread:.2f} {'→'.join(outcome.ends)} gaps={outcome.gaps} {outcome.why[:120]}"


def judged(target: Target, sized: bool = False) -> Outcome:
    """Returns the comparison for one model."""
    kept = measured_calls(target)
    if "error" in kept:
        return Outcome(target, why=str(kept["error"]))
    try:
        found: Outcome = guarded(partial(predicted, target, int(kept["batch"]), sized), SECONDS)
    except Failed as error:
        return Outcome(target, why=f"not predicted: {error}")
    ratios = [ratio for calls in kept["seeds"] if (ratio := measured_ratio(calls, found.ends)) is not None]
    if not ratios:
        return Outcome(target, None, found.predicted, found.ends, 0.0, found.gaps, f"no gradient measured; {found.why}")
    middle = statistics.median(ratios)
    spread = max(ratios) - min(ratios)
    return Outcome(target, middle, found.predicted, found.ends, spread, found.gaps, found.why, found.seconds)


def measured_ratio(calls: Calls, ends: tuple[str, str]) -> float | None:
    first, last = calls.get(ends[0]), calls.get(ends[1])
    if not first or not last or not all(map(math.isfinite, (first[0], last[-1]))):
        return None
    return first[0] - last[-1]


def predicted(target: Target, batch: int, sized: bool = False) -> Outcome:
    """Returns what vglint says of the source."""
    from vglint import interp
    from vglint.analysis.propagate import propagate
    from vglint.analysis.ratio import ratio
    from vglint.finding import Problem
    from vglint.given import ModelInputs
    from vglint.source.project import Project

    sys.setrecursionlimit(20_000)
    root = folder(target.root)
    project = Project(root, [root / target.file], target.resolve)
    if sized and (inputs := fixed(*feed(target, batch))):
        project.inputs = (ModelInputs("*", inputs),)
    module = project.module(root / target.file)
    if isinstance(module, Problem):
        return Outcome(target, why=module.message)
    begin = time.process_time()
    graph = interp.extract(project, module, target.entry)
    middle = time.process_time()
    trace = propagate(graph, batch=batch)
    seconds = (middle - begin, time.process_time() - middle)
    found = ratio(graph, trace)
    paths = [graph.nodes[index].path if index is not None else "" for index in (found.first, found.last)]
    why = "" if found.log10_ratio is not None else "not predicted"
    reasons = [f"{graph.nodes[index].op} {graph.nodes[index].path}: {text}" for index, text in trace.abstained[:3]]
    reasons += [str(gap) for gap in graph.gaps[:2]]
    ends = (paths[0], paths[1])
    return Outcome(
        target, None, found.log10_ratio, ends, 0.0, len(graph.gaps), "; ".join([why, *reasons]) if why else "", seconds
    )


def measured_calls(target: Target) -> dict[str, Any]:
    """Returns the recorded gradients of a model, by seed; runs it where there are none."""
    path = record_of(target)
    if path.is_file():
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return kept
    kept = {"error": "not run"}
    for batch in (BATCH, 2):
        try:
            kept = {"batch": batch, "seeds": guarded(partial(measure, target, batch), SECONDS)}
            break
        except Failed as error:
            kept = {"error": str(error)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept), encoding="utf-8")
    return kept


def record_of(target: Target) -> Path:
    recordings = Path(os.environ.get("VGLINT_RECORDINGS", "~/.cache/vglint-recordings")).expanduser()
    return recordings / "gradients" / f"{target.key}.json"


def measure(target: Target, batch: int) -> list[Calls]:
    """Returns the gradients by seed, as many seeds as time allows, at least one."""
    begin = time.process_time()
    found: list[Calls] = []
    for seed in range(SEEDS):
        found.append(run(target, batch, seed))
        if time.process_time() - begin > ENOUGH:
            break
    return found


def run(target: Target, batch: int, number: int) -> Calls:
    import torch
    from torch import nn

    from benchmarks.corpus import target as targets

    def start() -> None:
        random.seed(number)
        torch.manual_seed(number)

    targets.seed = start
    model = build(target).train()
    weighted = (
        nn.Linear,
        nn.modules.conv._ConvNd,
        nn.Embedding,
        nn.Bilinear,
        nn.MultiheadAttention,
        nn.RNNBase,
        nn.RNNCellBase,
    )
    calls: dict[str, list[float]] = {}

    def hook(path: str) -> Any:
        def record(module: Any, args: Any, result: Any) -> None:
            output = next(tensors(result))
            if not output.requires_grad:
                return
            place = len(calls.setdefault(path, []))
            calls[path].append(-math.inf)

            def take(gradient: Any) -> None:
                size = float(gradient.double().pow(2).mean())
                calls[path][place] = 0.5 * math.log10(size) if size > 0 else -math.inf

            output.register_hook(take)

        return record

    for path, module in model.named_modules():
        if isinstance(module, weighted):
            module.register_forward_hook(hook(path))
    args, kwargs = feed(target, batch)
    outputs = ends(model(*args, **kwargs))
    if len(outputs) == 1 and outputs[0].dim() == 2 and outputs[0].shape[1] > 1:
        labels = torch.randint(outputs[0].shape[1], outputs[0].shape[:1])
        nn.functional.cross_entropy(outputs[0], labels).backward()
    else:
        torch.autograd.backward(outputs, [torch.randn_like(output) for output in outputs])
    return calls


def ends(result: Any) -> list[Any]:
    """Returns the outputs that get a gradient. Lists of what a plain output is made of, such as feature maps beside a result, get
    none: so the prediction takes them too."""
    found = [output for output in tensors(result) if output.requires_grad]
    items = result if isinstance(result, (tuple, list)) else []
    plain = [item for item in items if hasattr(item, "grad_fn") and item.requires_grad]
    seen: set[Any] = set()
    waiting = [item.grad_fn for item in plain if item.grad_fn is not None]
    while waiting:
        step = waiting.pop()
        if step not in seen:
            seen.add(step)
            waiting += [before for before, _ in step.next_functions if before is not None]
    return [one for one in found if any(one is item for item in plain) or not plain or one.grad_fn not in seen]


def feed(target: Target, batch: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Returns the model's inputs with `batch` samples in place of the two that are listed."""
    import torch

    sequences_first = not any(f"{name}2, " in target.inputs.split(")")[0] for name in ("x(", ", "))

    def sized(shape: tuple[int, ...]) -> tuple[int, ...]:
        return (batch, *shape[1:]) if shape[0] == 2 and not sequences_first else shape

    scope = {
        "torch": torch,
        "x": lambda *shape: torch.randn(sized(shape)),
        "ids": lambda high, *shape: torch.randint(0, high, sized(shape)),
    }
    value = eval(target.inputs, scope)
    return ((), value) if isinstance(value, dict) else (value if isinstance(value, tuple) else (value,), {})


def tensors(value: Any) -> Iterator[Any]:
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))
    elif hasattr(value, "to_tuple"):
        yield from tensors(value.to_tuple())


if __name__ == "__main__":
    raise SystemExit(main())
