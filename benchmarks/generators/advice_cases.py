"""Classifiers of the digits with one fault each: what `benchmarks.reports.advice` trains before and after the advice.

A model has `stem`, `blocks` and `head`. `advised` holds the edits that the rule's written advice asks for, done by hand to the letter, where no remedy is
chosen by prediction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """A program with a class `Net` that takes rows of 64 numbers, the rule that it breaks, and the advice done by hand."""

    rule: str
    name: str
    source: str
    advised: tuple[tuple[str, str], ...] = ()
    clip: float = 0.0
    """The norm that the advice says to clip gradients to."""


STACK = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, width={width}, depth={depth}):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(64, width), {norm}{act})
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(width, width), {norm}{act}) for _ in range(depth)])
        self.head = nn.Linear(width, 10)
{init}
    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = {step}
        return self.head(x)
"""

INIT = """        for m in self.modules():
            if isinstance(m, nn.Linear):
                {fill}
"""
NORMAL = "nn.init.normal_(m.weight, std={std})"
HE = 'nn.init.kaiming_normal_(m.weight, nonlinearity="relu"); nn.init.zeros_(m.bias)'


def stack(
    rule: str,
    name: str,
    act: str,
    depth: int,
    *,
    width: int = 64,
    norm: str = "",
    fill: str = "",
    step: str = "block(x)",
) -> Case:
    """Returns a case of a plain or residual stack."""
    init = INIT.format(fill=fill) if fill else ""
    text = STACK.format(width=width, depth=depth, act=act, norm=norm and f"{norm}, ", init=init, step=step)
    return Case(rule, name, text)


def stacks() -> Iterator[Case]:
    """Yields the cases of rules about the gradient's size."""
    yield stack("VG101", "10 sigmoid", "nn.Sigmoid()", 10)
    yield stack("VG101", "16 tanh", "nn.Tanh()", 16)
    yield stack("VG101", "6 hardsigmoid, wide", "nn.Hardsigmoid()", 6, width=128)
    yield stack("VG101", "12 softsign", "nn.Softsign()", 14)
    yield stack("VG101", "8 sigmoid, Xavier", "nn.Sigmoid()", 8, fill="nn.init.xavier_uniform_(m.weight)")
    yield stack("VG102", "14 ReLU", "nn.ReLU()", 14)
    yield stack("VG102", "12 GELU", "nn.GELU()", 12)
    yield stack("VG102", "10 SiLU, wide", "nn.SiLU()", 10, width=128)
    yield stack("VG102", "8 ReLU, std 0.02", "nn.ReLU()", 8, fill=NORMAL.format(std=0.02))
    yield stack("VG102", "16 ELU", "nn.ELU()", 16)
    yield stack("VG102", "16 LeakyReLU", "nn.LeakyReLU(0.1)", 16)
    yield stack("VG103", "8 ReLU, std 1", "nn.ReLU()", 8, fill=NORMAL.format(std=1.0))
    yield stack("VG103", "10 tanh, std 2", "nn.Tanh()", 10, fill=NORMAL.format(std=2.0))
    yield stack("VG103", "12 GELU, std 0.5", "nn.GELU()", 12, fill=NORMAL.format(std=0.5))
    yield stack("VG103", "8 LeakyReLU, wide", "nn.LeakyReLU(0.2)", 8, width=128, fill=NORMAL.format(std=0.7))
    yield stack("VG108", "12 sigmoid behind LayerNorm", "nn.Sigmoid()", 12, norm="nn.LayerNorm(width)")
    yield stack("VG108", "16 hardsigmoid behind LayerNorm", "nn.Hardsigmoid()", 8, norm="nn.LayerNorm(width)")
    yield stack("VG108", "10 sigmoid behind RMSNorm", "nn.Sigmoid()", 14, norm="nn.RMSNorm(width)")
    yield stack("VG108", "20 sigmoid behind LayerNorm, wide", "nn.Sigmoid()", 20, width=128, norm="nn.LayerNorm(width)")
    yield stack("VG201", "15 ReLU, std 0.13", "nn.ReLU()", 15, width=128, fill=NORMAL.format(std=0.16))
    yield stack("VG201", "24 ReLU, gain 0.8", "nn.ReLU()", 24, fill=NORMAL.format(std=0.147))
    yield stack("VG201", "18 LeakyReLU, gain 1.3", "nn.LeakyReLU(0.1)", 18, fill=NORMAL.format(std=0.23))
    yield stack("VG201", "16 GELU, gain 1.2", "nn.GELU()", 16, fill=NORMAL.format(std=0.27))
    yield stack("VG202", "70 with BatchNorm", "nn.ReLU()", 70, norm="nn.BatchNorm1d(width)")
    yield stack("VG202", "50 with BatchNorm, narrow", "nn.ReLU()", 50, width=32, norm="nn.BatchNorm1d(width)")
    yield stack("VG202", "60 GELU with BatchNorm", "nn.GELU()", 60, norm="nn.BatchNorm1d(width)")
    yield stack("VG202", "45 with BatchNorm, wide", "nn.ReLU()", 45, width=128, norm="nn.BatchNorm1d(width)")
    yield stack("VG301", "30 with LayerNorm", "nn.ReLU()", 30, norm="nn.LayerNorm(width)")
    yield stack("VG301", "40 with LayerNorm", "nn.GELU()", 40, norm="nn.LayerNorm(width)")
    yield stack("VG301", "30 He ReLU", "nn.ReLU()", 30, fill=HE)
    yield stack("VG301", "28 with BatchNorm", "nn.ReLU()", 28, norm="nn.BatchNorm1d(width)")
    residual = "x + block(x)"
    yield stack("VG303", "32 He residual", "nn.ReLU()", 32, fill=HE, step=residual)
    yield Case("VG303", "20 residual of two layers", BOTTLENECK.format(depth=20, fill=HE))
    yield Case("VG303", "32 residual of two layers", BOTTLENECK.format(depth=32, fill=HE))
    yield Case(
        "VG303",
        "24 residual of two layers, Xavier",
        BOTTLENECK.format(depth=40, fill="nn.init.xavier_normal_(m.weight, gain=1.3)"),
    )


BOTTLENECK = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, width=64, depth={depth}):
        super().__init__()
        self.stem = nn.Linear(64, width)
        self.blocks = nn.ModuleList(
            [nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)) for _ in range(depth)]
        )
        self.head = nn.Linear(width, 10)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                {fill}

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)
"""

PLAIN = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, width=64):
        super().__init__()
{build}

    def forward(self, x):
{run}
"""


def plain(rule: str, name: str, build: str, run: str, *advised: tuple[str, str], clip: float = 0.0) -> Case:
    """Returns a case of a small model whose lines are given."""
    lines = ["\n".join(f"        {line}" for line in text.strip().split("\n")) for text in (build, run)]
    return Case(rule, name, PLAIN.format(build=lines[0], run=lines[1]), advised, clip)


def others() -> Iterator[Case]:
    """Yields the cases of rules about single layers and weights."""
    two = "self.a = nn.Linear(64, width)\nself.b = nn.Linear(width, width)\nself.c = nn.Linear(width, 10)"
    for act, other in (
        ("F.softmax(self.{0}(x), dim=1)", "F.relu(self.{0}(x))"),
        ("self.{0}(x).softmax(-1)", "self.{0}(x).relu()"),
    ):
        runs = [act.format(one) for one in "ab"]
        yield plain("VG104", f"hidden {runs[0]}", two, f"x = {runs[0]}\nx = {runs[1]}\nreturn self.c(x)",
                    *((run, other.format(one)) for run, one in zip(runs, "ab", strict=True)))  # fmt: skip
    yield plain(
        "VG104",
        "hidden nn.Softmax",
        "self.net = nn.Sequential(nn.Linear(64, width), nn.Softmax(dim=1), nn.Linear(width, width), nn.Softmax(dim=1), nn.Linear(width, 10))",
        "return self.net(x)",
        ("nn.Softmax(dim=1)", "nn.ReLU()"),
    )
    yield plain(
        "VG104",
        "one hidden softmax",
        two,
        "x = F.softmax(self.a(x), dim=-1)\nx = F.relu(self.b(x))\nreturn self.c(x)",
        ("F.softmax(self.a(x), dim=-1)", "F.relu(self.a(x))"),
    )
    for number in (30, 50, 100, 400):
        yield plain(
            "VG105",
            f"tanh of {number} x",
            two,
            f"x = torch.tanh({number} * self.a(x))\nx = torch.tanh({number} * self.b(x))\nreturn self.c(x)",
            (f"{number} * ", ""),
        )
    for fill in ("zeros_", "ones_"):
        for depth in (2, 3):
            layers = "".join(", nn.Linear(width, width), nn.ReLU()" for _ in range(depth))
            build = f"self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(){layers}, nn.Linear(width, 10))\nfor m in self.modules():\n    if isinstance(m, nn.Linear):\n        nn.init.{fill}(m.weight)\n        nn.init.zeros_(m.bias)"
            yield plain(
                "VG401",
                f"{depth + 2} layers, {fill}",
                build,
                "return self.net(x)",
                (f"nn.init.{fill}(m.weight)", 'nn.init.kaiming_normal_(m.weight, nonlinearity="relu")'),
            )
    for width in (64, 128, 256, 512):
        build = f"self.w = nn.Parameter(torch.randn(64, {width}))\nself.v = nn.Parameter(torch.randn({width}, {width}))\nself.c = nn.Linear({width}, 10)"
        yield plain("VG404", f"randn {width}", build, "x = torch.tanh(x @ self.w)\nx = torch.tanh(x @ self.v)\nreturn self.c(x)",
                    (f"torch.randn(64, {width})", f"torch.randn(64, {width}) / 64**0.5"), (f"torch.randn({width}, {width})", f"torch.randn({width}, {width}) / {width}**0.5"))  # fmt: skip
    for width, steps in ((32, 32), (64, 32), (128, 32), (64, 64)):
        size = 64 // steps
        build = f"self.rnn = nn.RNN({size}, {width}, batch_first=True)\nself.head = nn.Linear({width}, 10)"
        fix = f"self.head = nn.Linear({width}, 10)\n        for name, weight in self.rnn.named_parameters():\n            if 'weight_hh' in name:\n                nn.init.orthogonal_(weight)\n            elif 'bias' in name:\n                nn.init.zeros_(weight)"
        run = f"_, h = self.rnn(x.view(-1, {steps}, {size}))\nreturn self.head(h[-1])"
        edit = f"self.head = nn.Linear({width}, 10)", fix
        yield plain("VG501", f"RNN of {width} over {steps} steps", build, run, edit, clip=1.0)
        relu = build.replace("batch_first", 'nonlinearity="relu", batch_first')
        no_relu = 'nonlinearity="relu", ', ""
        yield plain("VG504", f"ReLU RNN of {width} over {steps} steps", relu, run, edit, no_relu, clip=1.0)
    for width in (256, 512):
        for tokens in (8, 16):
            size = 64 // tokens
            build = f"self.inp = nn.Linear({size}, {width})\nself.place = nn.Parameter(0.1 * torch.randn({tokens}, {width}))\nself.q = nn.Linear({width}, {width})\nself.k = nn.Linear({width}, {width})\nself.v = nn.Linear({width}, {width})\nself.head = nn.Linear({tokens * width}, 10)\nself.norm = nn.LayerNorm({width})"
            run = f"x = self.norm(self.inp(x.view(-1, {tokens}, {size})) + self.place)\nq, k, v = self.q(x), self.k(x), self.v(x)\nx = x + torch.softmax(q @ k.transpose(-2, -1), dim=-1) @ v\nreturn self.head(x.flatten(1))"
            yield plain(
                "VG601",
                f"attention of {width} over {tokens} tokens",
                build,
                run,
                ("q @ k.transpose(-2, -1)", "q @ k.transpose(-2, -1) / q.size(-1) ** 0.5"),
            )


def cases() -> list[Case]:
    """Returns every case, in order of rules."""
    return sorted([*stacks(), *others()], key=lambda case: case.rule)
