"""A case: a training of a small classifier of digits, with a fault or without it, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.oracle.train import digits

Outcome: TypeAlias = float | str
"""An accuracy or another number, or what went wrong in words."""
Body: TypeAlias = Callable[[bool], Outcome]

STEPS, BATCH, WIDTH = 300, 64, 64


@dataclass(frozen=True, slots=True)
class Case:
    """What is trained; `unit` says what its number is."""

    rule: str
    words: str
    unit: str
    body: Body


CASES: list[Case] = []


def case(rule: str, words: str, unit: str = "accuracy") -> Callable[[Body], Body]:
    """Enters a case into the table; its function gets whether the fault is there."""

    def enter(body: Body) -> Body:
        CASES.append(Case(rule, words, unit, body))
        return body

    return enter


@cache
def data() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns standardised digits, 1,285 to train on and 512 to judge by."""
    images, labels = digits()
    flat = images.reshape(len(labels), -1)
    return flat[:-512], labels[:-512], flat[-512:], labels[-512:]


def batch(size: int = BATCH) -> tuple[Tensor, Tensor]:
    images, labels, _, _ = data()
    chosen = torch.randint(len(labels), (size,))
    return images[chosen], labels[chosen]


def pixels(images: Tensor) -> Tensor:
    """Returns standardised digits as pixels from 0 to 255."""
    return (images * 6.02 + 4.88) * 255 / 16


def rows(images: Tensor) -> Tensor:
    """Returns digits as sequences of eight rows."""
    return images.reshape(-1, 8, 8)


def mlp(depth: int = 2, activation: Callable[[], nn.Module] = nn.ReLU, width: int = WIDTH) -> nn.Sequential:
    """Returns a classifier with `depth` hidden layers."""
    layers: list[nn.Module] = []
    for number in range(depth):
        layers += [nn.Linear(64 if number == 0 else width, width), activation()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def accuracy(predict: Callable[[Tensor], Tensor]) -> float:
    _, _, images, labels = data()
    with torch.no_grad():
        return (predict(images).argmax(1) == labels).float().mean().item()


def course(step: Callable[[int], Tensor], steps: int = STEPS) -> str:
    """Runs a training; returns what ended it, or nothing."""
    for number in range(steps):
        try:
            loss = step(number)
        except (RuntimeError, ValueError) as error:
            return f"raises {type(error).__name__} in step {number + 1}"
        if not math.isfinite(loss.item()):
            return f"the loss is NaN or infinite at step {number + 1}"
    return ""


def trained(
    model: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    rate: float = 1e-3,
    parameters: Iterable[Tensor] | None = None,
    predict: Callable[[Tensor], Tensor] | None = None,
    adam: bool = True,
    steps: int = STEPS,
) -> Outcome:
    """Trains by `loss(images, labels)`; returns the model's accuracy."""
    moved = list(model.parameters() if parameters is None else parameters)
    optimizer: torch.optim.Optimizer = torch.optim.Adam(moved, rate) if adam else torch.optim.SGD(moved, rate)

    def step(_: int) -> Tensor:
        optimizer.zero_grad()
        value = loss(*batch())
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return value

    ended = course(step, steps)
    model.eval()
    return ended or (accuracy(predict or model) if _finite(model) else "its weights are NaN")


def explained(*last: nn.Module) -> Outcome:
    """Trains a regression of the digits' values, standardised, with `last` behind its last layer; returns the explained variance."""
    model = nn.Sequential(*mlp()[:-1], nn.Linear(WIDTH, 1), *last)
    ended = trained(model, lambda x, y: F.mse_loss(model(x)[:, 0], (y.float() - 4.5) / 2.9))
    _, _, images, labels = data()
    with torch.no_grad():
        wanted = (labels.float() - 4.5) / 2.9
        left = (model(images)[:, 0] - wanted).pow(2).mean() / wanted.var()
    return ended if isinstance(ended, str) else 1 - left.item()


def _finite(model: nn.Module) -> bool:
    return all(bool(parameter.isfinite().all()) for parameter in model.parameters())
