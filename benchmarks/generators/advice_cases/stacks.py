"""Stacks of layers with one fault each; a model has `stem`, `blocks` and `head`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.generators.advice_cases.case import Case
from benchmarks.generators.loops import LOOP

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
LECUN = 'nn.init.kaiming_normal_(m.weight, nonlinearity="linear")'
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
    yield stack("VG101", "14 softsign", "nn.Softsign()", 14)
    yield stack("VG101", "8 sigmoid, Xavier", "nn.Sigmoid()", 8, fill="nn.init.xavier_uniform_(m.weight)")
    yield stack("VG102", "14 ReLU", "nn.ReLU()", 14)
    yield stack("VG102", "12 GELU", "nn.GELU()", 12)
    yield stack("VG102", "10 SiLU, wide", "nn.SiLU()", 10, width=128)
    yield stack("VG102", "8 ReLU, std 0.02", "nn.ReLU()", 8, fill=NORMAL.format(std=0.02))
    yield stack("VG102", "16 ELU", "nn.ELU()", 16)
    yield stack("VG102", "16 LeakyReLU", "nn.LeakyReLU(0.1)", 16)
    yield stack("VG103", "8 ReLU, std 1", "nn.ReLU()", 8, fill=NORMAL.format(std=1.0))
    yield stack("VG103", "10 SiLU, std 0.5", "nn.SiLU()", 10, fill=NORMAL.format(std=0.5))
    yield stack("VG103", "12 GELU, std 0.5", "nn.GELU()", 12, fill=NORMAL.format(std=0.5))
    yield stack("VG103", "8 LeakyReLU, wide", "nn.LeakyReLU(0.2)", 8, width=128, fill=NORMAL.format(std=0.7))
    yield stack("VG108", "12 sigmoid behind LayerNorm", "nn.Sigmoid()", 12, norm="nn.LayerNorm(width)")
    yield stack("VG108", "8 hardsigmoid behind LayerNorm", "nn.Hardsigmoid()", 8, norm="nn.LayerNorm(width)")
    yield stack("VG108", "14 sigmoid behind RMSNorm", "nn.Sigmoid()", 14, norm="nn.RMSNorm(width)")
    yield stack("VG108", "20 sigmoid behind LayerNorm, wide", "nn.Sigmoid()", 20, width=128, norm="nn.LayerNorm(width)")
    for depth, act, std in ((14, "ReLU()", 0.256), (18, "LeakyReLU(0.1)", 0.23), (24, "ReLU()", 0.221), (16, "ReLU()", 0.245)):  # fmt: skip
        yield stack("VG201", f"{depth} {act}, std {std}", f"nn.{act}", depth, fill=NORMAL.format(std=std))
    yield stack("VG202", "70 with BatchNorm", "nn.ReLU()", 70, norm="nn.BatchNorm1d(width)")
    yield stack("VG202", "50 with BatchNorm, narrow", "nn.ReLU()", 50, width=32, norm="nn.BatchNorm1d(width)")
    yield stack("VG202", "60 GELU with BatchNorm", "nn.GELU()", 60, norm="nn.BatchNorm1d(width)")
    yield stack("VG202", "45 with BatchNorm, wide", "nn.ReLU()", 45, width=128, norm="nn.BatchNorm1d(width)")
    yield stack("VG301", "30 with LayerNorm", "nn.ReLU()", 30, norm="nn.LayerNorm(width)")
    yield stack("VG301", "40 with LayerNorm", "nn.GELU()", 40, norm="nn.LayerNorm(width)")
    yield stack("VG301", "30 He ReLU", "nn.ReLU()", 30, fill=HE)
    yield stack("VG301", "28 with BatchNorm", "nn.ReLU()", 28, norm="nn.BatchNorm1d(width)")
    for depth, between in ((6, "nn.Dropout(0.2)"), (10, "nn.Dropout(0.1)"), (8, "nn.BatchNorm1d(width)"), (12, "nn.BatchNorm1d(width)")):  # fmt: skip
        norm, act = (between, "nn.SELU()") if "Norm" in between else ("", f"nn.SELU(), {between}")
        edit = ("nn.SELU()", "nn.GELU()") if norm else (between, "nn.AlphaDropout(0.02)")
        one = stack("VG107", f"{depth} SELU with {between}", act, depth, norm=norm, fill=LECUN)
        yield replace(one, advised=(edit,))
    for name, act, fill in (
        ("sigmoid", "nn.Sigmoid()", ""),
        ("ReLU", "nn.ReLU()", ""),
        ("hardsigmoid", "nn.Hardsigmoid()", ""),
        ("ReLU, std 0.3", "nn.ReLU()", NORMAL.format(std=0.3)),
    ):
        one = stack("VG109", f"24 {name}", act, 24, fill=fill)
        source = one.source.replace("width=64, depth=24", "depth, width=64")
        advised = (
            (act, "nn.ReLU()"),
            ("= block(x)", "= x + block(x) / len(self.blocks)"),
            (fill, HE)
            if fill
            else ("self.head = nn.Linear(width, 10)\n", "self.head = nn.Linear(width, 10)\n" + INIT.format(fill=HE)),
        )
        yield replace(one, advised=advised, source=source, loop=LOOP.replace("{entry}", "Net(24)"), unseen=True)
    residual = "x + block(x)"
    yield stack("VG303", "32 He residual", "nn.ReLU()", 32, fill=HE, step=residual)
    yield Case("VG303", "20 residual of two layers", BOTTLENECK.format(depth=20, fill=HE))
    yield Case("VG303", "32 residual of two layers", BOTTLENECK.format(depth=32, fill=HE))
    yield Case(
        "VG303",
        "40 residual of two layers, Xavier",
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
