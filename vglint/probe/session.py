"""Trains a model for a few dozen steps, several times, and derives the measures that rules ask for."""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from vglint.probe.feeding import find_inputs
from vglint.probe.loading import build
from vglint.probe.measures import measures_of
from vglint.probe.record import Measured, Request, Run, Snapshot
from vglint.probe.task import Task, given_task, teacher_task
from vglint.probe.watch import Sight, watching, weight_of

BATCH = 32
RATES: dict[str, tuple[float, ...]] = {
    "sgd": (0.1, 0.01),
    "adam": (1e-3, 1e-4),
    "adamw": (1e-3, 1e-4),
    "rmsprop": (1e-3, 1e-4),
}
"""Tried in turn where the user's is not known, until one learns."""

_LEARNT = 0.05
_PROOF = 128
"""Samples of the last look: units that are zero on all of them are dead."""


Make = Callable[[int], nn.Module]


def probe_request(request: Request, module: ModuleType) -> Measured:
    """Carries out a request in this process."""
    start = time.monotonic()
    notes: list[str] = []
    if request.factory is not None:
        return _by_factory(request, module, start)

    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return build(module, request.expression, [] if seed else notes).to(request.device).train()

    model = make(0)
    inputs = find_inputs(model.cpu(), request.arguments)
    task = teacher_task(make(0).cpu(), inputs, request.loss, request.device)
    notes += ["inputs: " + "; ".join(str(choice) for choice in inputs), "loss: " + task.note]
    return measure(make, task, request, notes, start)


def measure(make: Make, task: Task, request: Request, notes: Sequence[str], start: float) -> Measured:
    """Returns one run for each optimiser and seed."""
    runs: list[Run] = []
    share = request.seconds / max(len(request.optimizers) * request.seeds, 1)
    for name in request.optimizers:
        rates = (request.rate,) if request.rate is not None else RATES[name]
        first = _best(train(make(0), task, name, rate, request.steps, 0, share / len(rates)) for rate in rates)
        others = [
            train(make(seed), task, name, first.rate, request.steps, seed, share) for seed in range(1, request.seeds)
        ]
        runs += [first, *others]
        if request.overfit:
            runs[-1].measures["overfits"] = overfits(make(0), task, first.rate, name)
    count = sum(parameter.numel() for parameter in make(0).parameters())
    return Measured(count, tuple(notes), tuple(runs), time.monotonic() - start)


def train(
    model: nn.Module, task: Task, optimizer: str, rate: float, steps: int, seed: int, seconds: float = math.inf
) -> Run:
    """Trains for `steps` steps, watching some of them; an error of backward or step ends the run and is recorded.

    A run that would take longer than `seconds` takes smaller batches, then fewer steps; the last step is always watched.
    """
    start = time.monotonic()
    torch.manual_seed(seed)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    losses: list[float] = []
    snapshots: list[Snapshot] = []
    sights: list[Sight] = []
    silent = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    norms: list[float] = []
    nonfinite = raised = ""
    stepper = make_optimizer(optimizer, trainable, rate) if trainable else None
    batches = task.batches(seed, BATCH)
    watched = set(_watched(steps))
    last = steps - 1
    for step in range(steps):
        if step > last:
            break
        if step in (3, 20) and (fits := _steps_within(step, time.monotonic() - start, seconds)) < steps:
            if step == 3:
                batches = task.batches(seed, max(BATCH // 4, 4))
            else:
                last = max(fits, step + 1)
                watched.add(last)
        inputs, target = next(batches)
        stage = "forward"
        try:
            if step in watched:
                with watching(model) as sight:
                    loss = task.loss(model(*inputs), target)
                    stage = "backward"
                    _zero(trainable)
                    loss.backward()  # type: ignore[no-untyped-call]
                sights.append(sight)
            else:
                loss = task.loss(model(*inputs), target)
                stage = "backward"
                _zero(trainable)
                loss.backward()  # type: ignore[no-untyped-call]
            losses.append(float(loss.detach()))
            stage = "step"
            if step in watched:
                silent -= _heard(model)
                norms.append(_norm(trainable))
                before = [parameter.detach().clone() for parameter in trainable]
                layers = sight.layers()
                nonfinite = nonfinite or sight.nonfinite or _bad_gradient(model)
            if stepper is not None:
                stepper.step()
            if step in watched:
                snapshots.append(Snapshot(step, layers, tuple(sight.squashes), _update(before, trainable)))
        except RuntimeError as error:
            if stage == "forward" or "memory" in str(error):
                raise
            raised = f"{stage}: {' '.join(str(error).split())[:300]}"
            break
        if not math.isfinite(losses[-1]):
            nonfinite = nonfinite or f"the loss at step {step}"
            break
    final = _final(model, task, seed) if losses and not raised and not nonfinite else None
    measures = measures_of(snapshots, losses, sights, norms, task.constant, final)
    measures |= {
        "nonfinite": bool(nonfinite),
        "step_raised": bool(raised),
        "zero_gradients": len(silent) if losses or raised else 0,
    }
    measures["equal_rows"] = bool(losses) and _equal_rows(model)
    return Run(
        optimizer,
        rate,
        seed,
        tuple(losses),
        tuple(snapshots),
        measures,
        tuple(sorted(silent)),
        nonfinite,
        raised,
        time.monotonic() - start,
    )


def _best(runs: Iterator[Run]) -> Run:
    """Returns the first run that learns, else the one whose loss fell most; later ones are not made once one learns."""
    best: Run | None = None
    for run in runs:
        if best is None or _drop(run) > _drop(best):
            best = run
        if _drop(best) >= _LEARNT:
            break
    assert best is not None
    return best


def _drop(run: Run) -> float:
    value = run.measures.get("loss_drop", -math.inf)
    return float(value) if not run.nonfinite and not isinstance(value, str) else -math.inf


def overfits(model: nn.Module, task: Task, rate: float, optimizer: str, steps: int = 200) -> bool:
    """Says whether 16 samples can be learnt by heart: the loss falls to a tenth."""
    stepper = make_optimizer(
        optimizer, [parameter for parameter in model.parameters() if parameter.requires_grad], rate
    )
    inputs, target = next(task.batches(0, 16))
    first = last = math.inf
    for step in range(steps):
        loss = task.loss(model(*inputs), target)
        stepper.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        stepper.step()
        last = float(loss.detach())
        first = last if step == 0 else first
        if last < 0.1 * first:
            return True
    return False


def make_optimizer(name: str, parameters: Sequence[nn.Parameter], rate: float) -> torch.optim.Optimizer:
    kinds: dict[str, Any] = {
        "sgd": torch.optim.SGD,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "rmsprop": torch.optim.RMSprop,
    }
    made: torch.optim.Optimizer = kinds[name](parameters, lr=rate)
    return made


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


def _steps_within(done: int, spent: float, seconds: float) -> int:
    """Returns how many steps fit into the time at the pace so far."""
    return int(done * seconds / max(spent, 1e-9)) if math.isfinite(seconds) else 1 << 30


def _watched(steps: int) -> list[int]:
    return sorted({0, 1, 10, 25, 50, 55, steps - 1} & set(range(steps)))


def _final(model: nn.Module, task: Task, seed: int) -> tuple[float, float]:
    """Returns the loss and the worst layer's dead share over many samples, in training mode."""
    inputs, target = next(task.batches(seed, _PROOF))
    with torch.no_grad(), watching(model) as sight:
        loss = float(task.loss(model(*inputs), target))
    given = {tensor.data_ptr() for tensor in inputs}
    return loss, max(
        (call.dead for call in sight.calls if call.dead is not None and call.source not in given), default=0.0
    )


def _zero(parameters: Sequence[nn.Parameter]) -> None:
    for parameter in parameters:
        parameter.grad = None


def _heard(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.grad is not None and _any(parameter.grad)}


def _any(gradient: Tensor) -> bool:
    return bool((gradient.coalesce().values() if gradient.is_sparse else gradient).any())


def _norm(parameters: Sequence[nn.Parameter]) -> float:
    squares = [
        float(parameter.grad.detach().double().pow(2).sum())
        for parameter in parameters
        if parameter.grad is not None and not parameter.grad.is_sparse
    ]
    return math.sqrt(sum(squares))


def _bad_gradient(model: nn.Module) -> str:
    for name, parameter in model.named_parameters():
        if (
            parameter.grad is not None
            and not parameter.grad.is_sparse
            and not bool(torch.isfinite(parameter.grad).all())
        ):
            return f"the gradient of {name}"
    return ""


def _update(before: Sequence[Tensor], after: Sequence[nn.Parameter]) -> float | None:
    ratios = []
    for old, new in zip(before, after, strict=True):
        size = float(old.norm())
        if size > 0 and old.dim() > 1:
            ratios.append(float((new.detach() - old).norm()) / size)
    return statistics.median(ratios) if ratios else None


def _equal_rows(model: nn.Module) -> bool:
    """Says whether some trained weight of several units still has all rows equal: no step can tell its units apart."""
    for module in model.modules():
        weight = weight_of(module)
        if weight is None or len(weight) < 2 or isinstance(module, nn.Embedding) or not weight.requires_grad:
            continue
        if (
            weight[0].numel() > 1
            and bool((weight.detach() == weight.detach()[:1]).all())
            and bool(weight.detach().any())
        ):
            return True
    return False
