"""A case of `benchmarks.reports.advice`: a program with one fault, and the advice done by hand."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.generators.loops import LOOP

CLIPPED = (
    "loss.backward()\n        optimizer",
    "loss.backward()\n        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n        optimizer",
)
"""Advice: clip the gradient norm."""


@dataclass(frozen=True, slots=True)
class Case:
    """A program with a class `Net`, the rule that it breaks, and the advice done by hand, as replaced texts.

    `data` names what it is trained on, and `steps` says for how long; `loop` is the function `train(batches)`, and where it is `unseen`, vglint is shown the class alone.
    """

    rule: str
    name: str
    source: str
    advised: tuple[tuple[str, str], ...] = ()
    data: str = "digits"
    loop: str = LOOP
    unseen: bool = False
    steps: int = 300

    def text(self, optimizer: str) -> str:
        """Returns the program with its loop; `optimizer` is the call that makes the optimiser."""
        return self.source + self.loop.format(entry="Net()", optimizer=optimizer)


PLAIN = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self{arguments}):
        super().__init__()
{build}

    def forward(self, x):
{run}
"""


def plain(
    rule: str,
    name: str,
    build: str,
    run: str,
    *advised: tuple[str, str],
    arguments: str = ", width=64",
    data: str = "digits",
    loop: str = LOOP,
    unseen: bool = False,
    steps: int = 300,
) -> Case:
    """Returns a case of a model whose lines are given."""
    lines = ["\n".join(f"        {line}" for line in text.strip().split("\n")) for text in (build, run)]
    source = PLAIN.format(arguments=arguments, build=lines[0], run=lines[1])
    return Case(rule, name, source, advised, data, loop, unseen, steps)
