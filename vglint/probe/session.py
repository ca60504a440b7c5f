"""Trains a model for a few dozen steps, several times, and derives the measures that rules ask for."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from vglint.probe.building import build
from vglint.probe.edges import edge_fault, input_fault
from vglint.probe.feeding import find_inputs, reaching
from vglint.probe.given import given_batch
from vglint.probe.record import Measured, Request, Run
from vglint.probe.task import Task, given_task, named_loss, teacher_task
from vglint.probe.training import BATCH, affordable, overfits, train
from vglint.probe.watch import watching
from vglint.rule import Scalar

RATES: dict[str, tuple[float, ...]] = {
    "sgd": (0.1, 0.01, 0.001),
    "adam": (1e-3, 1e-4),
    "adamw": (1e-3, 1e-4),
    "rmsprop": (1e-3, 1e-4),
}
"""Tried in turn where the user's is not known, until one learns."""

_LEARNT = 0.05
"""Share of the loss that has to go for a learning rate to be kept."""

Make = Callable[[int], nn.Module]


def probe_request(request: Request, module: ModuleType, source: Path | None = None) -> Measured:
    """Carries out a request in this process; `source` is the tree that `FILE:FUNCTION` is looked for in."""
    start = time.monotonic()
    notes: list[str] = []
    if request.factory is not None:
        return _by_factory(request, module, start)
    batch = given_batch(request, source)

    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return build(module, request.expression, notes if not notes else [], request.hosts).to(request.device).train()

    model = make(0)
    if batch is not None:
        task = given_task(batch, None if request.loss is None else named_loss(request.loss))
        notes.append(f"inputs: {len(batch[0])} given")
    else:
        inputs = reaching(make(0).cpu(), find_inputs(model.cpu(), request.arguments))
        task = teacher_task(make(0).cpu(), inputs, request.loss, request.device)
        notes.append("inputs: " + "; ".join(str(choice) for choice in inputs))
    notes.append("loss: " + task.note)
    found = measure(make, task, request, notes, start)
    empty = _unfilled(lambda: build(module, request.expression, [], request.hosts))
    for run in found.runs:
        run.measures["unfilled_parameters"] = empty
    return found


def _unfilled(make: Callable[[], nn.Module]) -> int:
    """Returns how many parameters are still as torch.empty made them: fresh memory is filled with NaN while the model is built."""
    strict, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        return sum(bool(torch.isnan(parameter).any()) for parameter in make().parameters() if not _lazy(parameter))
    except Exception:
        return 0  # what cannot live with NaN fills its parameters
    finally:
        torch.use_deterministic_algorithms(strict, warn_only=warns)


def _lazy(parameter: nn.Parameter) -> bool:
    return isinstance(parameter, nn.parameter.UninitializedParameter)


def measure(make: Make, task: Task, request: Request, notes: Sequence[str], start: float) -> Measured:
    """Returns one run for each optimiser and seed."""
    model = make(0)
    count = sum(parameter.numel() for parameter in model.parameters())
    if not any(parameter.requires_grad for parameter in model.parameters()):
        return Measured(
            0,
            (*notes, "no parameter to train: only edges were tried"),
            (_untrained(model, task),),
            time.monotonic() - start,
        )
    waiting = len(request.optimizers) * request.seeds
    size = affordable(make(0), task, request.effort / waiting / request.steps)

    def one(name: str, rate: float, seed: int, share: float) -> Run:
        left = max(request.seconds - (time.monotonic() - start), 1.0)
        return train(make(seed), task, name, rate, request.steps, seed, left * share, size)

    runs: list[Run] = []
    for name in request.optimizers:
        rates = (request.rate,) if request.rate is not None else RATES[name]
        tries = (one(name, rate, 0, 1 / waiting / (1 + i / 2)) for i, rate in enumerate(rates))
        runs.append(_best(tries, request.steps))
        waiting -= 1
    for seed in range(1, request.seeds):
        for first in tuple(runs[: len(request.optimizers)]):
            if time.monotonic() - start < request.seconds:
                runs.append(one(first.optimizer, first.rate, seed, 1 / waiting))
            waiting -= 1
    if len(runs) < len(request.optimizers) * request.seeds:
        notes = (*notes, "the time was up before every seed had its run")
    runs.sort(key=lambda run: request.optimizers.index(run.optimizer))
    if request.overfit:
        for name in request.optimizers:
            last = [run for run in runs if run.optimizer == name][-1]
            last.measures["overfits"] = overfits(make(0), task, last.rate, name)
    return Measured(count, tuple(notes), tuple(runs), time.monotonic() - start)


def _untrained(model: nn.Module, task: Task) -> Run:
    """Returns what can be said of a loss, a hand-written attention or another module without parameters."""
    ordinary, edge = input_fault(model, task), edge_fault(model, task)
    measures: dict[str, Scalar] = {"nonfinite": bool(ordinary), "edge_nonfinite": bool(ordinary or edge)}
    with torch.no_grad(), watching(model) as sight:
        model(*next(task.batches(0, task.fixed or BATCH))[0])
    entropies = [squash.entropy for squash in sight.squashes if squash.entropy is not None]
    if entropies:
        measures["attention_entropy"] = min(entropies)
    return Run("none", 0.0, 0, (), (), measures, nonfinite=ordinary)


def _best(runs: Iterator[Run], steps: int) -> Run:
    """Returns the first run that learns, else the one whose loss fell most, finite ones first; later ones are not made once one learns or the time is short."""
    best: Run | None = None
    for run in runs:
        if best is None or (not run.nonfinite, _drop(run)) > (not best.nonfinite, _drop(best)):
            best = run
        short = len(run.losses) < steps // 2 and not run.nonfinite and not run.raised
        if _drop(best) >= _LEARNT or short:
            break
    assert best is not None
    return best


def _drop(run: Run) -> float:
    value = run.measures.get("loss_drop", -math.inf)
    return float(value) if not run.nonfinite and not isinstance(value, str) else -math.inf


def _by_factory(request: Request, module: ModuleType, start: float) -> Measured:
    made = getattr(module, request.factory or "")()
    model, batch = made[0], made[1]
    task = given_task(batch, made[2] if len(made) > 2 else None)
    frozen = copy.deepcopy(model)
    return measure(
        lambda seed: copy.deepcopy(frozen).train(),
        task,
        request,
        [f"model, batch{' and loss' if len(made) > 2 else ''} by {request.factory}()"],
        start,
    )
