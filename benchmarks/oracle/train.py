"""Trains generated classifiers on scikit-learn's digits for a few hundred steps and says which learn."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from benchmarks.generators.writing import Model
from benchmarks.oracle.measure import build, cache_folder

VERSION = "2"
STEPS = 300
BATCH = 64
SEEDS = 3
RATES: dict[OptimizerName, tuple[float, ...]] = {"sgd": (0.1, 0.5, 0.02), "adam": (1e-3, 5e-3, 2e-4)}
LEARNT, STUCK = 0.8, 0.3

OptimizerName: TypeAlias = Literal["sgd", "adam"]
Outcome: TypeAlias = Literal["trains", "partly", "stuck"]


@dataclass(frozen=True, slots=True)
class Training:
    """Accuracy on the training set after `STEPS` steps at the best learning rate, by seed; a seed that could not change
    the median's class is left out."""

    optimizer: OptimizerName
    rate: float
    accuracies: tuple[float, ...]

    @property
    def outcome(self) -> Outcome:
        return outcome_of(statistics.median(self.accuracies))


def outcome_of(accuracy: float) -> Outcome:
    return "trains" if accuracy >= LEARNT else "stuck" if accuracy < STUCK else "partly"


def train(model: Model, optimizer: OptimizerName, seeds: int = SEEDS) -> Training:
    """Returns the outcome at the best of `RATES`, from the cache where the same text was trained before."""
    text = repr((VERSION, STEPS, BATCH, seeds, RATES[optimizer], model.source, model.entry, model.inputs))
    path = cache_folder() / "trainings" / f"{optimizer}-{sha256(text.encode()).hexdigest()[:24]}.json"
    if path.exists():
        data = json.loads(path.read_text())
        return Training(data["optimizer"], data["rate"], tuple(data["accuracies"]))
    torch.set_num_threads(1)
    best: Training | None = None
    for rate in RATES[optimizer]:
        found = Training(optimizer, rate, _over_seeds(model, optimizer, rate, seeds))
        if best is None or statistics.median(found.accuracies) > statistics.median(best.accuracies):
            best = found
        if best.outcome == "trains":
            break
    assert best is not None
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(best)))
    return best


def _over_seeds(model: Model, optimizer: OptimizerName, rate: float, seeds: int) -> tuple[float, ...]:
    accuracies: list[float] = []
    for seed in range(seeds):
        accuracies.append(_train(model, optimizer, rate, seed))
        classes = [outcome_of(accuracy) for accuracy in accuracies]
        if len(set(classes)) == 1 and len(classes) > seeds / 2:
            break
    return tuple(accuracies)


@cache
def digits() -> tuple[Tensor, Tensor]:
    """Returns the 1,797 digits, standardised as a whole, and their labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.tensor(data.data, dtype=torch.float32)
    return (images - images.mean()) / images.std(), torch.tensor(data.target)


def arrange(images: Tensor, model: Model) -> Tensor:
    """Returns flat digits in the shape that the model wants: vector, image, or rows as a sequence."""
    shape = model.inputs[0].shape
    match len(shape):
        case 2:
            return images
        case 4:
            return images.reshape(-1, 1, 8, 8)
        case _:
            rows = images.reshape(-1, 8, 8)
            return rows.transpose(0, 1) if model.steps and shape[0] == model.steps else rows


def _train(model: Model, optimizer: OptimizerName, rate: float, seed: int) -> float:
    images, labels = digits()
    torch.manual_seed(seed)
    net = build(model).train()
    step = (
        torch.optim.SGD(net.parameters(), lr=rate)
        if optimizer == "sgd"
        else torch.optim.Adam(net.parameters(), lr=rate)
    )
    order = torch.Generator().manual_seed(seed)
    for turn in range(1, STEPS + 1):
        rows = torch.randint(len(labels), (BATCH,), generator=order)
        loss = nn.functional.cross_entropy(net(arrange(images[rows], model)), labels[rows])
        step.zero_grad()
        loss.backward()
        step.step()
        if not torch.isfinite(loss):
            return 0.1
        if turn % 100 == 0 and (accuracy := _accuracy(net, model)) > 0.95:
            return accuracy
    return _accuracy(net, model)


@torch.no_grad()
def _accuracy(net: nn.Module, model: Model) -> float:
    """Returns the accuracy over 512 digits in training mode, so that batch statistics count as in training."""
    images, labels = digits()
    return float((net(arrange(images[:512], model)).argmax(1) == labels[:512]).float().mean())


if __name__ == "__main__":
    import sys

    from benchmarks.generators.generate import generate_tasks

    for given in generate_tasks(int(sys.argv[1]) if len(sys.argv) > 1 else 0):
        sgd, adam = train(given, "sgd"), train(given, "adam")
        print(
            given.name,
            given.depth,
            given.activation,
            given.init,
            given.norm,
            given.residual,
            sgd.outcome,
            adam.outcome,
            flush=True,
        )
