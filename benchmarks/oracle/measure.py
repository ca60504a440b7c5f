"""Runs generated source in torch and measures its gradients at initialisation, in double precision."""

from __future__ import annotations

import json
import math
import os
import statistics
import types
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.generators.writing import Input, Loss, Model

VERSION = "3"
SEEDS = 7
MANY, WIDE = 25, 0.25
"""Seeds where the interquartile range over `SEEDS` is wider than `WIDE` decades: a median of seven would be off by a third of it."""
LAGS = 200
"""Time steps over which a recurrent model is unrolled when its own loop does not fix them."""

RECURRENT = (nn.RNNBase, nn.RNNCellBase)
WEIGHT = (nn.Linear, nn.modules.conv._ConvNd, nn.Embedding, nn.Bilinear, nn.MultiheadAttention, *RECURRENT)


@dataclass(frozen=True, slots=True)
class Point:
    """One call of a weight layer: log10 RMS gradient at its output relative to `last`, and the output's second moment."""

    path: str
    call: int
    gradient: float | None
    moment: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """Medians over seeds. `ratio` as `vglint graph` defines it; `spread` is the interquartile range over seeds.

    `decay` is the loss of a recurrent model in decades per step, `steps` the lag at which dL/dx falls below 1e-3 of
    dL/dx at the last step (None where it never does within `lags`).
    """

    ratio: float | None
    spread: float
    first: str
    last: str
    profile: tuple[Point, ...]
    decay: float | None = None
    steps: float | None = None
    lags: int = 0


def cache_folder() -> Path:
    """Returns where measurements are kept between runs, outside the repository."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "vglint-benchmarks"
    folder = Path(os.environ.get("VGLINT_BENCHMARKS", default))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def measure(model: Model, seeds: int = SEEDS) -> Measurement:
    """Returns the measurement of `model`, from the cache where the same text was measured before."""
    text = repr((VERSION, seeds, model.source, model.entry, model.inputs, model.loss, model.steps))
    path = cache_folder() / "gradients" / f"{sha256(text.encode()).hexdigest()[:24]}.json"
    if path.exists():
        data = json.loads(path.read_text())
        return Measurement(**{**data, "profile": tuple(Point(**point) for point in data["profile"])})
    result = _measure(model, seeds)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(result)))
    return result


def measure_well(model: Model) -> Measurement:
    """Returns the measurement over `SEEDS` seeds, over `MANY` where these differ much."""
    found = measure(model)
    return measure(model, MANY) if found.spread > WIDE and not model.steps else found


def build(model: Model) -> nn.Module:
    """Runs the model's file and evaluates its entry, as a user would."""
    space = types.ModuleType(f"generated_{model.name.replace('-', '_')}")
    exec(compile(model.source, f"{model.name}.py", "exec"), space.__dict__)
    built = eval(model.entry, space.__dict__)
    assert isinstance(built, nn.Module)
    return built


def loss_of(output: Tensor, loss: Loss, generator: torch.Generator) -> Tensor:
    """Returns the loss against random labels or N(0, 1) targets."""
    match loss:
        case "cross_entropy" | "tokens":
            flat = output.reshape(-1, output.shape[-1])
            return nn.functional.cross_entropy(flat, torch.randint(flat.shape[1], flat.shape[:1], generator=generator))
        case "mse":
            return nn.functional.mse_loss(output, torch.randn(output.shape, generator=generator))
        case "mean":
            return output.mean()


def fill(given: Input, generator: torch.Generator) -> Tensor:
    if given.kind == "tokens":
        return torch.randint(given.high, given.shape, generator=generator)
    return torch.randn(given.shape, generator=generator)


@dataclass(slots=True)
class _Call:
    path: str
    turn: int
    before: tuple[Any, ...]
    after: Any
    output: Tensor | None
    moment: float
    gradient: float = 0.0
    feeds: bool = False


def _measure(model: Model, seeds: int) -> Measurement:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    try:
        runs = [_run(model, seed) for seed in range(seeds)]
        decays = [_decay(model, seed) for seed in range(min(seeds, 5))] if model.steps else []
    finally:
        torch.set_default_dtype(torch.float32)
    first, last = _ends(runs[0])
    ratios = [_log(run[first].gradient) - _log(run[last].gradient) for run in runs]
    profile = []
    for position, call in enumerate(runs[0]):
        gradient = statistics.median(_log(run[position].gradient) - _log(run[last].gradient) for run in runs)
        moment = statistics.median(run[position].moment for run in runs)
        profile.append(Point(call.path, call.turn, gradient if math.isfinite(gradient) else None, moment))
    middle = statistics.median(ratios)
    quarters = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else [0, 0, 0]
    result = Measurement(
        middle if math.isfinite(middle) else None,
        quarters[2] - quarters[0] if all(map(math.isfinite, quarters)) else 0.0,
        runs[0][first].path,
        runs[0][last].path,
        tuple(profile),
    )
    if not decays:
        return result
    crossed = [steps for _, steps, _ in decays if steps is not None]
    return replace(
        result,
        decay=statistics.median(decay for decay, _, _ in decays),
        steps=statistics.median(crossed) if len(crossed) > len(decays) / 2 else None,
        lags=decays[0][2],
    )


def _run(model: Model, seed: int) -> list[_Call]:
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(1000 + seed)
    net = build(model).train()
    calls: list[_Call] = []
    turns: dict[str, int] = {}

    def hook(path: str) -> Any:
        def record(module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
            output = next(_tensors(result))
            before = tuple(tensor.grad_fn for tensor in _tensors((args, kwargs)) if tensor.grad_fn is not None)
            turn = turns[path] = turns.get(path, -1) + 1
            call = _Call(path, turn, before, output.grad_fn, output, float(output.detach().pow(2).mean()))

            def take(gradient: Tensor) -> None:
                call.gradient = float(gradient.pow(2).mean().sqrt())

            if output.requires_grad:
                output.register_hook(take)
            calls.append(call)

        return record

    for path, module in net.named_modules():
        if isinstance(module, WEIGHT) and ".out_proj" not in path:
            module.register_forward_hook(hook(path), with_kwargs=True)
    output = next(_tensors(net(*(fill(given, generator) for given in model.inputs))))
    loss_of(output, model.loss, generator).backward()
    owners = {call.after: call for call in calls}
    for call in calls:
        _mark(call.before, owners)
    for call in calls:  # let the autograd graph go: seven of a deep network fill the memory
        call.before, call.after, call.output = (), None, None
    return calls


def _mark(before: tuple[Any, ...], owners: dict[Any, _Call]) -> None:
    """Marks the calls whose output reaches this place in the autograd graph without another weight layer between."""
    seen, stack = set(before), list(before)
    while stack:
        node = stack.pop()
        if node in owners:
            owners[node].feeds = True
            continue
        for parent, _ in node.next_functions:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)


def _ends(calls: list[_Call]) -> tuple[int, int]:
    """Returns the first weight layer on the way from the input and the last whose output feeds another."""
    feeding = [position for position, call in enumerate(calls) if call.feeds]
    first = next((position for position, call in enumerate(calls) if call.gradient > 0), 0)
    return first, feeding[-1] if feeding else len(calls) - 1


def _decay(model: Model, seed: int) -> tuple[float, float | None, int]:
    """Returns decades lost per step, the lag at which dL/dx is below 1e-3, and how many lags were seen."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(1000 + seed)
    net = build(model).train()
    given = model.inputs[0]
    axis = (
        0
        if given.shape[0] == model.steps and "batch_first" not in model.source and "nn.RNNCell" not in model.source
        else 1
    )
    fixed = any(mark in model.source for mark in ("self.seq_len", f"range({model.steps})"))
    lags = model.steps if fixed else LAGS
    shape = list(given.shape)
    shape[axis] = lags
    x = fill(replace(given, shape=tuple(shape)), generator)
    kept: list[Tensor] = []
    if given.kind == "tokens":
        embedding = next(module for module in net.modules() if isinstance(module, nn.Embedding))

        def keep(module: nn.Module, args: Any, result: Tensor) -> None:
            result.retain_grad()
            kept.append(result)

        embedding.register_forward_hook(keep)
    else:
        kept.append(x.requires_grad_())
    loss_of(net(x), model.loss, generator).backward()
    gradient = kept[0].grad
    assert gradient is not None
    by_lag = gradient.pow(2).mean(dim=(1 - axis, 2)).sqrt().flip(0)
    logs = [_log(float(value / by_lag[0])) for value in by_lag]
    usable = [value for value in logs if math.isfinite(value)]
    start, end = len(usable) // 4, max(len(usable) - 1, 1)
    crossing = next((lag for lag in range(1, len(logs)) if logs[lag] < -3), None)
    steps = None
    if crossing is not None:
        above, below = logs[crossing - 1], logs[crossing]
        steps = crossing - 1 + (above + 3) / (above - below) if math.isfinite(below) else float(crossing)
    return (usable[end] - usable[start]) / max(end - start, 1), steps, lags


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _log(value: float) -> float:
    return math.log10(value) if value > 0 else -math.inf


if __name__ == "__main__":
    import sys

    from benchmarks.generators.generate import generate

    for number, given in enumerate(generate(int(sys.argv[1]) if len(sys.argv) > 1 else 0)):
        found = measure(given)
        print(
            number,
            given.name,
            given.family,
            given.depth,
            given.activation,
            given.init,
            given.norm,
            found.first,
            found.last,
            found.ratio,
            found.spread,
            found.decay,
            found.steps,
            flush=True,
        )
