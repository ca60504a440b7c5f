"""Trains a model for a few dozen steps, several times, and derives the measures that rules ask for."""

from __future__ import annotations

import contextlib
import copy
import inspect
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import cast

import torch
from msgspec.structs import replace
from torch import nn
from torch.utils._pytree import tree_unflatten

from vglint.probe.building import build
from vglint.probe.calls import TrainingCalls
from vglint.probe.candidate import Candidate
from vglint.probe.capturing import Captured, capture, samples_like
from vglint.probe.edges import edge_fault, input_fault, large_fault
from vglint.probe.feeding import NoInputError, find_inputs, reaching
from vglint.probe.given import given_batch
from vglint.probe.loading import load
from vglint.probe.mixing import mixes_samples
from vglint.probe.record import Measured, OptimizerName, Request, Run
from vglint.probe.task import Task, given_task, named_loss, teacher_task
from vglint.probe.training import BATCH, affordable, overfits, train, unowned_parameters
from vglint.probe.watch import watching, weight_of
from vglint.probe.written import written
from vglint.rule import Scalar

RATES: dict[str, tuple[float, ...]] = {
    "sgd": (0.1, 0.01, 0.001),
    "adam": (1e-3, 1e-4),
    "adamw": (1e-3, 1e-4),
    "rmsprop": (1e-3, 1e-4),
}
"""Tried in turn where the user's is not known, until one learns."""

_CALLS = 3
"""Calls of a model in its file whose inputs are tried."""

_LONE = "Expected more than 1"
"""What a normalisation says of a single value to normalise."""

_LEARNT = 0.05
"""Share of the loss that has to go for a learning rate to be kept."""

Make = Callable[[int], nn.Module]


def probe_request(request: Request, source: Path) -> Measured:
    """Carries out a request on the tree in `source`, in this process: with the model as its script builds it, else one that is built for the probe."""
    start = time.monotonic()
    module: ModuleType | None = None
    if request.script and request.factory is None and not request.given:
        found, module = capture(request, source, 0)
        if found is not None and found.inputs:
            with contextlib.suppress(ValueError, RuntimeError):
                return _captured(request, source, found, start)
    if module is None or _name(request.expression) not in vars(module):
        module = load(source, request.file)
    return _built(request, module, source, start)


def _name(expression: str) -> str:
    return expression.partition("(")[0]


def _captured(request: Request, source: Path, first: Captured, start: float) -> Measured:
    """Returns what is measured of a model with the arguments, the shapes and the optimiser that its script gives."""
    waiting: dict[int, nn.Module] = {0: first.model}

    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        model = waiting.pop(seed, None)
        if model is None:
            again, _ = capture(request, source, seed)
            if again is None:
                raise RuntimeError("the script builds its model only once")
            model = again.model
        return model.to(request.device).train()

    task = teacher_task(make(0).cpu(), first.inputs, request.loss, request.device, first.call)
    inputs = "; ".join(str(choice) for choice in first.inputs)
    like = "on made-up data, with inputs" if first.made_up else "with inputs like its own"
    notes = [f"built and called as the script does, {like}: {inputs}", "loss: " + task.note]
    if first.optimizer is not None:
        name, options = type(first.optimizer).__name__.lower(), dict(first.optimizer.defaults)
        rate = options.pop("lr", None)
        taken = inspect.signature(type(first.optimizer)).parameters
        plain: dict[str, Scalar] = {
            key: value
            for key, value in options.items()
            if isinstance(value, (bool, int, float)) and value and key in taken
        }
        if isinstance(rate, float) and hasattr(torch.optim, type(first.optimizer).__name__):
            names = cast("tuple[OptimizerName, ...]", (name,))
            request = replace(request, optimizers=names, rate=rate, options=plain)
            notes.append(f"optimiser: the script's {type(first.optimizer).__name__}, lr {rate:g}")
    found = measure(make, task, request, notes, start)
    mixing = mixes_samples(first.model, *tree_unflatten(first.leaves, first.form))
    for run in found.runs:
        if mixing is not None:
            run.measures["mixes_samples"] = mixing
    return found


def _built(request: Request, module: ModuleType, source: Path, start: float) -> Measured:
    notes: list[str] = []
    if request.factory is not None:
        return _by_factory(request, module, start)
    batch = given_batch(request, source)

    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        with TrainingCalls(on_cpu=request.device == "cpu"):
            model = build(module, request.expression, notes if not notes else [], request.hosts)
        return model.to(request.device).train()

    model = make(0)
    if batch is not None:
        task = given_task(batch, None if request.loss is None else named_loss(request.loss))
        notes.append(f"inputs: {len(batch[0])} given")
    else:
        try:
            inputs = reaching(make(0).cpu(), find_inputs(model.cpu(), request.arguments, _given_there(module, request)))
        except NoInputError as error:
            if _LONE not in str(error):
                raise
            return Measured(0, (str(error),), (_raising(str(error)),), time.monotonic() - start)
        task = teacher_task(make(0).cpu(), inputs, request.loss, request.device)
        notes.append("inputs made up: " + "; ".join(str(choice) for choice in inputs))
    notes.append("loss: " + task.note)
    found = measure(make, task, request, notes, start)
    empty = _unfilled(lambda: build(module, request.expression, [], request.hosts))
    given = next(task.batches(0, task.fixed or 4))[0]
    mixing = mixes_samples(make(0), given, {})
    for run in found.runs:
        run.measures["unfilled_parameters"] = empty
        if mixing is not None:
            run.measures["mixes_samples"] = mixing
    return found


def _given_there(module: ModuleType, request: Request) -> list[tuple[Candidate, ...]]:
    """Returns inputs like those that the model gets where the file itself makes and calls it."""
    place = written(module, request.expression)
    given = [] if place is None else list(itertools.islice(place.inputs(), _CALLS))
    likely = [(tensors, samples_like(tensors)[1]) for tensors in given]
    return [choice for tensors, choice in likely if len(choice) == len(tensors)]


def taught(request: Request, models: Sequence[nn.Module], start: float, why: str) -> Measured | None:
    """Returns what is measured of the deepest of some models that their code does not train, None where none can be; `why` says what becomes of it there."""
    models = sorted(models, key=lambda model: -sum(weight_of(part) is not None for part in model.modules()))
    for model in models[:3]:
        frozen = copy.deepcopy(model)
        try:
            inputs = find_inputs(copy.deepcopy(frozen), ())
            task = teacher_task(copy.deepcopy(frozen), inputs, None, request.device)
        except (NoInputError, RuntimeError, ValueError, TypeError):
            continue
        notes = [
            why,
            "inputs made up: " + "; ".join(map(str, inputs)),
            task.note,
        ]

        def make(seed: int, frozen: nn.Module = frozen) -> nn.Module:
            return copy.deepcopy(frozen).to(request.device).train()

        found = measure(make, task, request, notes, start)
        return replace(found, models=tuple(dict.fromkeys(type(part).__name__ for part in model.modules())))
    return None


def _raising(text: str) -> Run:
    """Returns the run of a model that refuses to be trained, whatever it is given."""
    return Run("none", 0.0, 0, (), (), {"step_raised": True, "nonfinite": False}, raised=text)


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
        return train(make(seed), task, name, rate, request.steps, seed, left * share, size, request.options)

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
    inputs, target = next(task.batches(0, task.fixed or BATCH))
    loss = task.loss(task.call(model, inputs), target)
    unowned = unowned_parameters(loss, model, inputs)
    ordinary, edge = input_fault(model, task), edge_fault(model, task, copied=False)
    measures: dict[str, Scalar] = {
        "nonfinite": bool(ordinary),
        "edge_nonfinite": bool(ordinary or edge),
        "large_nonfinite": large_fault(model, task),
        "unowned_parameters": unowned,
    }
    with torch.no_grad(), watching(model) as sight:
        task.call(model, next(task.batches(0, task.fixed or BATCH))[0])
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
