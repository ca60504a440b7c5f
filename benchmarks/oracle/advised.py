"""Trains the programs of `advice_cases` by their own loops."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import TypeAlias

import torch
from torch import Tensor, nn

from benchmarks.oracle.letters import Change
from benchmarks.oracle.measure import cache_folder
from benchmarks.oracle.train import OptimizerName, digits

BATCH, GOOD = 64, 0.9
CALLS: dict[OptimizerName, str] = {
    "sgd": "SGD(model.parameters(), lr={})",
    "adam": "Adam(model.parameters(), lr={}, fused=True)",
}
RATES: dict[OptimizerName, tuple[str, ...]] = {"sgd": ("0.1", "0.02", "0.5"), "adam": ("0.001", "0.005", "0.0002")}
"""The rates, the usual one first; of these two that agree decide."""
VERSION = 3


class NotTrainedError(Exception):
    """A training that is not kept, where only those that are may be used."""


Accuracies: TypeAlias = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Trained:
    """A program whose class is `Net`, with its loop, and what is trained on; `change` is done to the model when it is built, and `key` names it; where only what is
    `kept` may be used, nothing is trained."""

    text: str
    optimizer: OptimizerName
    data: str
    steps: int
    change: Change | None = None
    key: str = ""
    kept: bool = False


def accuracies(given: Trained, seeds: int) -> Accuracies:
    """Returns the median accuracy over seeds at each rate, as far as they decide: two rates that agree are enough, and so are two of three seeds."""
    found: list[float] = []
    for rate in RATES[given.optimizer]:
        own: list[float] = []
        for seed in range(seeds):
            own.append(accuracy(given, rate, seed))
            if len(own) > seeds / 2 and len({one >= GOOD for one in own}) == 1:
                break
        found.append(statistics.median(own))
        if len(found) == 2 and len({one >= GOOD for one in found}) == 1:
            break
    return tuple(found)


def accuracy(given: Trained, rate: str, seed: int) -> float:
    """Returns the accuracy on 512 samples after the steps, from the cache where the same was trained before. Raises NotTrainedError."""
    first = RATES[given.optimizer][0]
    text = given.text.replace(f"lr={first}", f"lr={rate}")
    key = repr((VERSION, given.steps, BATCH, text, given.data, seed, given.key))
    path = cache_folder() / "advice" / f"{sha256(key.encode()).hexdigest()[:24]}.json"
    if path.exists():
        return float(json.loads(path.read_text()))
    if given.kept:
        raise NotTrainedError
    path.parent.mkdir(parents=True, exist_ok=True)
    found = trained(text, given.data, given.steps, seed, given.change)
    path.write_text(json.dumps(found))
    return found


def trained(text: str, data: str, steps: int, seed: int, change: Change | None) -> float:
    """Runs a program's loop; a step that raises, as some faults make it, ends the training."""
    torch.manual_seed(seed)
    images, labels = DATA[data]()
    space: dict[str, object] = {"__name__": "case"}
    exec(compile(text, "case", "exec"), space)
    made: list[nn.Module] = []
    build = space["Net"]

    def built(*arguments: object) -> nn.Module:
        torch.use_deterministic_algorithms(True)  # what nothing fills is NaN, not what the memory held
        net = build(*arguments)  # type: ignore[operator]
        torch.use_deterministic_algorithms(False)
        made.append((change(net) if change is not None else net).train())
        return made[0]

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.Generator().manual_seed(seed)
        for turn in range(steps):
            if turn and turn % 50 == 0 and not 0 < right(made[0], images, labels) <= 0.95:
                return
            chosen = torch.randint(len(labels), (BATCH,), generator=order)
            yield images[chosen], labels[chosen]

    space["Net"] = built
    try:
        space["train"](batches())  # type: ignore[operator]
    except (RuntimeError, ValueError):
        return 0.0
    return right(made[0], images, labels)


@torch.no_grad()
def right(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Returns the accuracy over 512 samples in training mode, so that batch statistics count as in training; 0 where the outputs are not finite."""
    scores = net(images[:512])
    scores = scores[0] if isinstance(scores, tuple) else scores
    return float((scores.argmax(1) == labels[:512]).float().mean()) if bool(scores.isfinite().all()) else 0.0


@cache
def ring() -> tuple[Tensor, Tensor]:
    """Returns points of the plane, and whether they lie near the origin: no linear function tells it."""
    points = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0)) * 2
    return points, (points.norm(dim=1) > 2.4).long()


DATA: dict[str, Callable[[], tuple[Tensor, Tensor]]] = {"digits": digits, "ring": ring}


def trains(found: Accuracies | None) -> bool:
    return found is not None and sum(one >= GOOD for one in found) >= 2


def worse(before: Accuracies, after: Accuracies | None) -> bool:
    """Whether a model that trained no longer does."""
    return after is not None and trains(before) and not trains(after)
