"""One training run: a few dozen steps, some of them watched."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from msgspec import Struct, field
from msgspec.structs import replace
from torch import Tensor, nn

from vglint.probe.edges import edge_fault, large_fault
from vglint.probe.feeding import tensors
from vglint.probe.measures import measures_of
from vglint.probe.record import Layer, Run, Snapshot
from vglint.probe.task import Batch, Task
from vglint.probe.watch import Sight, alive_inputs, watching, weight_of
from vglint.rule import Scalar

BATCH = 32
LEAST = 4
"""Samples of a batch of a slow model; normalisation over the batch needs some."""

_EARLIEST, _HALF = 30, 0.5
"""Step from which a run may end early, and the share of the loss that has to be left for it: such a model trains, whatever comes."""

_ENOUGH, _SAMPLES, _FALLS = 40, 900, 0.05
"""Steps, and samples, from which a loss that has not fallen so far says something."""

_LOOK = 64
"""Samples at least of the last look, so that the loss there is no chance."""
_PROOF = 128
"""Samples of the last look: units that are zero on all of them are dead."""


class _Seen(Struct):
    """What a run has shown so far."""

    silent: set[str]
    """Trainable parameters that no gradient has reached yet."""
    losses: list[float] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    unowned: int = 0
    nonfinite: str = ""
    raised: str = ""


class _Raised(Exception):
    """Backward or step raised; the text says which, and what."""


def train(
    model: nn.Module,
    task: Task,
    optimizer: str,
    rate: float,
    steps: int,
    seed: int,
    seconds: float = math.inf,
    size: int = BATCH,
    options: Mapping[str, Scalar] | None = None,
) -> Run:
    """Trains for `steps` steps of `size` samples, watching some; an error of backward or step ends the run and is recorded.

    A run that would take longer than `seconds` takes fewer steps; one whose loss has halved ends early. The last step is always watched.
    """
    start = time.monotonic()
    torch.manual_seed(seed)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    seen = _Seen({name for name, parameter in model.named_parameters() if parameter.requires_grad})
    stepper = make_optimizer(optimizer, trainable, rate, options)
    size, last = task.fixed or size, steps - 1
    batches = task.batches(seed, size)
    watched = {0, 25, 50, last}
    for step in range(steps):
        if step in (2, 8, 20) and (fits := step * seconds / max(time.monotonic() - start, 1e-9)) < steps:
            last = max(int(fits), step + 1)
            watched.add(last)
        if step >= _EARLIEST and step < last and _learnt(seen.losses, task.constant):
            last = step
            watched.add(last)
        try:
            if step in watched:
                _watched_step(model, task, next(batches), stepper, step, seen, whole=step in (0, last))
            else:
                _step(model, task, next(batches), stepper, seen)
        except _Raised as error:
            seen.raised = str(error)
            break
        if not math.isfinite(seen.losses[-1]):
            seen.nonfinite = seen.nonfinite or f"the loss at step {step}"
            break
        if step >= last:
            break
    return _run(model, task, seen, optimizer, rate, seed, size, start)


def affordable(model: nn.Module, task: Task, seconds: float) -> int:
    """Returns how many samples a step may have so that it takes about `seconds` of processor time: at most `BATCH`, at least a few."""
    if task.fixed is not None:
        return task.fixed
    spent = math.inf
    for _ in range(2):  # the first pass pays for what torch loads
        inputs, target = next(task.batches(0, LEAST))
        start = time.process_time()
        try:
            task.loss(task.call(model, inputs), target).backward()  # type: ignore[no-untyped-call]
        except RuntimeError:
            return BATCH
        spent = time.process_time() - start
    return max(LEAST, int(min(BATCH, LEAST * seconds / max(spent, 1e-9))))


def _learnt(losses: Sequence[float], constant: float | None) -> bool:
    """Says whether the loss has clearly fallen, below what the labels' frequencies alone would give too."""
    if not losses:
        return False
    start = statistics.mean(losses[:3])
    if constant is not None and constant > 0:
        start = min(start, constant)
    return start > 0 and max(losses[-5:]) < _HALF * start


def make_optimizer(
    name: str, parameters: Sequence[nn.Parameter], rate: float, options: Mapping[str, Scalar] | None = None
) -> torch.optim.Optimizer:
    """Returns torch's optimiser of a name in lower case."""
    kinds = {kind.lower(): value for kind, value in vars(torch.optim).items() if isinstance(value, type)}
    made: torch.optim.Optimizer = kinds.get(name, torch.optim.RMSprop)(parameters, lr=rate, **(options or {}))
    return made


def overfits(model: nn.Module, task: Task, rate: float, optimizer: str, steps: int = 200) -> bool:
    """Says whether 16 samples can be learnt by heart: the loss falls to a tenth."""
    stepper = make_optimizer(
        optimizer, [parameter for parameter in model.parameters() if parameter.requires_grad], rate
    )
    inputs, target = next(task.batches(0, task.fixed or 16))
    first = math.inf
    for step in range(steps):
        loss = task.loss(task.call(model, inputs), target)
        stepper.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        stepper.step()
        first = float(loss.detach()) if step == 0 else first
        if float(loss.detach()) < 0.1 * first:
            return True
    return False


def _step(model: nn.Module, task: Task, batch: Batch, stepper: torch.optim.Optimizer, seen: _Seen) -> None:
    stepper.zero_grad(set_to_none=True)
    loss = task.loss(task.call(model, batch[0]), batch[1])
    with _raising("backward"):
        loss.backward()  # type: ignore[no-untyped-call]
    seen.losses.append(float(loss.detach()))
    with _raising("step"):
        stepper.step()


def _watched_step(
    model: nn.Module,
    task: Task,
    batch: Batch,
    stepper: torch.optim.Optimizer,
    step: int,
    seen: _Seen,
    *,
    whole: bool,
) -> None:
    stepper.zero_grad(set_to_none=True)
    trainable = [parameter for group in stepper.param_groups for parameter in group["params"]]
    with watching(model, whole=whole) as sight:
        loss = task.loss(task.call(model, batch[0]), batch[1])
        sight.settle()
        seen.unowned = max(seen.unowned, unowned_parameters(loss, model, batch[0]))
        with _raising("backward"):
            loss.backward()  # type: ignore[no-untyped-call]
    seen.losses.append(float(loss.detach()))
    seen.sights.append(sight)
    seen.silent -= {
        name
        for name, parameter in model.named_parameters()
        if name in seen.silent and parameter.grad is not None and _any(parameter.grad)
    }
    norm = _norm(trainable)
    seen.norms.append(norm)
    seen.nonfinite = seen.nonfinite or sight.nonfinite or ("" if math.isfinite(norm) else _bad_gradient(model))
    before = {id(parameter): parameter.detach().clone() for parameter in trainable}
    layers: tuple[Layer, ...] = sight.layers()
    with _raising("step"):
        stepper.step()
    updates = _updates(model, before)
    median = statistics.median(updates.values()) if updates else None
    moved = tuple(replace(layer, update=updates.get(layer.path)) for layer in layers)
    seen.snapshots.append(Snapshot(step, moved, tuple(sight.squashes), median, tuple(sight.times)))


class _raising:
    """Turns a RuntimeError of torch's engine into _Raised; want of memory stays what it is."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise _Raised(f"{self.stage}: {' '.join(str(error).split())[:300]}") from error


def _reached_by_others(model: nn.Module, task: Task, seed: int, size: int) -> set[str]:
    """Returns the parameters that get a gradient where every output of the model has a loss: those of auxiliary heads."""
    model.zero_grad(set_to_none=True)
    outputs = [
        value
        for value in tensors(task.call(model, next(task.batches(seed, size))[0]))
        if value.requires_grad and value.is_floating_point()
    ]
    if len(outputs) > 1:
        sum((value * torch.randn_like(value)).sum() for value in outputs).backward()  # type: ignore[union-attr]
    return {name for name, value in model.named_parameters() if value.grad is not None and _any(value.grad)}


def _run(
    model: nn.Module, task: Task, seen: _Seen, optimizer: str, rate: float, seed: int, size: int, start: float
) -> Run:
    sound = bool(seen.losses) and not seen.raised and not seen.nonfinite
    if seen.silent and task.partial and sound:
        seen.silent -= _reached_by_others(model, task, seed, size)
    final = _final(model, task, seed, size, len(seen.losses)) if sound else None
    measures = measures_of(seen.snapshots, seen.losses, seen.sights, seen.norms, task.constant, final)
    if len(seen.losses) < _ENOUGH and not _learnt(seen.losses, task.constant):
        _drop(measures, "loss_drop", "diverged")
    elif float(measures.get("loss_drop", 0.0)) < _FALLS and size * len(seen.losses) < _SAMPLES:
        _drop(measures, "loss_drop")
    measures |= {
        "nonfinite": bool(seen.nonfinite),
        "step_raised": bool(seen.raised),
        "zero_gradients": len(seen.silent),
        "unowned_parameters": seen.unowned,
    }
    measures["equal_rows"] = bool(seen.losses) and _equal_rows(model)
    if sound:
        measures["edge_nonfinite"] = bool(edge_fault(model, task, seed, copied=False))
        measures["large_nonfinite"] = large_fault(model, task, seed)
    return Run(
        optimizer,
        rate,
        seed,
        tuple(seen.losses),
        tuple(seen.snapshots),
        measures,
        tuple(sorted(seen.silent)),
        seen.nonfinite,
        seen.raised,
        time.monotonic() - start,
    )


def _drop(measures: dict[str, Scalar], *names: str) -> None:
    """Takes back what a run was too short to show."""
    for name in names:
        measures.pop(name, None)


def _final(model: nn.Module, task: Task, seed: int, size: int, steps: int) -> tuple[float, float | None]:
    """Returns the loss over many samples (fewer after a run of few steps), in training mode, and the worst layer's dead share, None where the samples are too few for it."""
    losses: list[float] = []
    alive: dict[tuple[str, int], Tensor] = {}
    batches: Iterator[Batch] = task.batches(seed, size)
    count = max(4, min(_LOOK // size, steps // 3))
    for _ in range(count):
        inputs, target = next(batches)
        with torch.no_grad(), alive_inputs(model, {tensor.data_ptr() for tensor in inputs}) as seen:
            losses.append(float(task.loss(task.call(model, inputs), target)))
        for key, units in seen.found.items():
            known = alive.get(key)
            alive[key] = units if known is None or known.shape != units.shape else known | units
    dead = [1.0 - float(units.double().mean()) for units in alive.values()]
    return sum(losses) / len(losses), max(dead, default=0.0) if count * size >= _PROOF else None


def unowned_parameters(loss: Tensor, model: nn.Module, inputs: Sequence[Tensor]) -> int:
    """Returns how many leaves the loss depends on that want a gradient and are neither the model's parameters nor inputs."""
    owned = {id(value) for value in (*model.parameters(), *inputs)}
    kept = kept_leaves([model])
    seen, stack, count = set(), [loss.grad_fn], 0
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        count += (isinstance(leaf, nn.Parameter) or id(leaf) in kept) and id(leaf) not in owned
        stack += [parent for parent, _ in node.next_functions]
    return count


def kept_leaves(models: Iterable[nn.Module]) -> set[int]:
    """Returns the identities of tensors that want a gradient and that modules keep as plain attributes."""
    values = (value for model in models for module in model.modules() for value in vars(module).values())
    return {id(one) for value in values for one in tensors(value) if one.requires_grad and one.is_leaf}


def _any(gradient: Tensor) -> bool:
    return bool((gradient.coalesce().values() if gradient.is_sparse else gradient).any())


def _norm(parameters: Sequence[nn.Parameter]) -> float:
    norms = [
        float(torch.linalg.vector_norm(parameter.grad, dtype=torch.float64))
        for parameter in parameters
        if parameter.grad is not None and not parameter.grad.is_sparse
    ]
    return math.hypot(*norms)


def _bad_gradient(model: nn.Module) -> str:
    for name, parameter in model.named_parameters():
        if (
            parameter.grad is not None
            and not parameter.grad.is_sparse
            and not bool(torch.isfinite(parameter.grad).all())
        ):
            return f"the gradient of {name}"
    return ""


def _updates(model: nn.Module, before: Mapping[int, Tensor]) -> dict[str, float]:
    """Returns the step's size relative to the weight's, for each module with a weight of two dimensions or more."""
    ratios: dict[str, float] = {}
    for path, module in model.named_modules():
        for parameter in module.parameters(recurse=False):
            old = before.get(id(parameter))
            if old is not None and old.dim() > 1 and path not in ratios and float(old.norm()) > 0:
                ratios[path] = float((parameter.detach() - old).norm() / old.norm())
    return ratios


def _equal_rows(model: nn.Module) -> bool:
    """Says whether some trained weight of several units still has all rows equal: no step can tell its units apart."""
    for module in model.modules():
        weight = weight_of(module)
        if weight is None or len(weight) < 2 or isinstance(module, nn.Embedding) or not weight.requires_grad:
            continue
        if (
            weight[0].numel() > 1
            and bool((weight.detach()[1] == weight.detach()[0]).all())
            and bool((weight.detach() == weight.detach()[:1]).all())
            and bool(weight.detach().any())
        ):
            return True
    return False
