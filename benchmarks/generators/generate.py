"""Writes Python source of several hundred models as people write them; the same seed gives the same text.

python -m benchmarks generate FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from benchmarks.generators import convolutional, feedforward, generative, mixtures, sequences, unets, vectors
from benchmarks.generators.writing import Model

Draw = Callable[[Random, str], Model]

FAMILIES: tuple[tuple[str, int, Draw], ...] = (
    ("mlp", 90, feedforward.mlp),
    ("cnn", 60, convolutional.cnn),
    ("resnet", 40, convolutional.resnet),
    ("recurrent", 50, sequences.recurrent),
    ("transformer", 40, sequences.transformer),
    ("unet", 25, unets.unet),
    ("gan", 15, vectors.adversary),
    ("dcgan", 15, generative.adversary),
    ("autoencoder", 20, vectors.autoencoder),
    ("convae", 15, generative.autoencoder),
    ("mixed", 40, mixtures.mixed),
)
"""Label, how many, and what draws one."""

TASK_FAMILIES: tuple[tuple[str, int], ...] = (
    ("mlp", 70),
    ("cnn", 24),
    ("resnet", 12),
    ("recurrent", 10),
    ("transformer", 10),
)
"""The same for classifiers that the short trainings can use."""


def generate(seed: int = 0, *, share: float = 1.0) -> tuple[Model, ...]:
    """Returns the models of the gradient benchmark: `share` of each family, at least one."""
    return tuple(
        draw(Random(f"{seed}:{label}:{i}"), f"{label}-{i:03d}")
        for label, count, draw in FAMILIES
        for i in range(max(1, round(count * share)))
    )


def generate_tasks(seed: int = 0, *, share: float = 1.0) -> tuple[Model, ...]:
    """Returns classifiers of 64 numbers or 8×8 images into 10 classes, no two with the same text."""
    tasks: dict[str, Callable[..., Model]] = {
        "mlp": feedforward.mlp,
        "cnn": convolutional.cnn,
        "resnet": convolutional.resnet,
        "recurrent": sequences.recurrent,
        "transformer": sequences.transformer,
    }
    models = {}
    for label, count in TASK_FAMILIES:
        for i in range(max(1, round(count * share))):
            model = tasks[label](Random(f"{seed}:task:{label}:{i}"), f"task-{label}-{i:03d}", task=True)
            models.setdefault(model.source + model.entry, model)
    return tuple(models.values())


def write(folder: Path, models: tuple[Model, ...]) -> None:
    """Writes each model's text to `folder`/NAME.py."""
    folder.mkdir(parents=True, exist_ok=True)
    for model in models:
        (folder / f"{model.name.replace('-', '_')}.py").write_text(model.source)


if __name__ == "__main__":
    write(Path(sys.argv[1]), generate() + generate_tasks())
