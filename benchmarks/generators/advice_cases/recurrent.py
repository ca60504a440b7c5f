"""Recurrent models with one fault each: the digits are read row by row, or a few pixels at a time."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.generators.advice_cases.case import CLIPPED, Case, plain
from benchmarks.generators.loops import LOOP

HALF = 600
"""Steps of models that read a few pixels at a time."""
LONG = 1000
"""Steps of models with gates, which learn slowly by SGD with and without a fault, and of those beside them."""

ORTHOGONAL = """
        for name, weight in self.rnn.named_parameters():
            if 'weight_hh' in name:
                nn.init.orthogonal_(weight)
            elif 'bias' in name:
                nn.init.zeros_(weight)"""
FORGET = """
        for name, bias in self.rnn.named_parameters():
            if name.startswith('bias_ih'):
                nn.init.constant_(bias[{width}:2 * {width}], {value})"""
CHUNKS = """
        for part in self.rnn.weight_hh_l0.chunk(3):
            nn.init.orthogonal_(part)"""


def recurrent() -> Iterator[Case]:
    """Yields the cases of rules about recurrence."""
    yield from starts()
    yield from cut()
    yield from axes()


def starts() -> Iterator[Case]:
    """Yields recurrent layers that lose their gradient, or that nothing clips: a few pixels at a time, or rows with padding behind them."""
    for width, steps in ((32, 32), (64, 32), (128, 32)):
        yield from vanilla(width, f"{width} over {steps} steps", *pixels("RNN", width, steps))
    yield from vanilla(64, "64 over 8 rows and 24 of padding", *padded("RNN", 64, 24))
    build, run = pixels("LSTM", 64, 32)
    edit = (head(64), head(64) + FORGET.format(width=64, value=3.5))
    yield plain("VG502", "LSTM of 64 over 32 steps", build, run, edit, steps=LONG)
    for width in (64, 128):
        build, run = padded("LSTM", width, 24)
        edit = (head(width), head(width) + FORGET.format(width=width, value=3.5))
        yield plain("VG502", f"LSTM of {width} over 8 rows and 24 of padding", build, run, edit, steps=LONG)
    build, run = pixels("GRU", 64, 32)
    yield plain("VG502", "GRU of 64 over 32 steps", build, run, (head(64), head(64) + CHUNKS), steps=LONG)


def vanilla(width: int, name: str, build: str, run: str) -> Iterator[Case]:
    """Yields a plain RNN, one with ReLU, and one that starts orthogonal and is not clipped."""
    edit = (head(width), head(width) + ORTHOGONAL)
    yield plain("VG501", f"RNN of {name}", build, run, edit, CLIPPED, steps=HALF)
    relu = build.replace("batch_first", 'nonlinearity="relu", batch_first')
    yield plain("VG504", f"ReLU RNN of {name}", relu, run, edit, ('nonlinearity="relu", ', ""), CLIPPED, steps=HALF)  # fmt: skip
    yield plain(
        "VG503", f"orthogonal RNN of {name}", build + ORTHOGONAL.replace("\n        ", "\n"), run, CLIPPED, steps=HALF
    )


def head(width: int) -> str:
    return f"self.head = nn.Linear({width}, 10)"


def pixels(kind: str, width: int, steps: int) -> tuple[str, str]:
    """Returns the lines of a model that reads the last state of one layer over a few pixels at a time."""
    return _last_state(kind, width, 64 // steps, f"x.view(-1, {steps}, {64 // steps})")


def padded(kind: str, width: int, steps: int) -> tuple[str, str]:
    """Returns the lines of one that reads rows, with zeros behind them."""
    return _last_state(kind, width, 8, f"F.pad(x.view(-1, 8, 8), (0, 0, 0, {steps}))")


def _last_state(kind: str, width: int, size: int, rows: str) -> tuple[str, str]:
    build = f"self.rnn = nn.{kind}({size}, {width}, batch_first=True)\n{head(width)}"
    state = "(h, _)" if kind == "LSTM" else "h"
    return build, f"_, {state} = self.rnn({rows})\nreturn self.head(h[-1])"


def cut() -> Iterator[Case]:
    """Yields states that are cut in each step, or carried from batch to batch with their history."""
    for kind, steps in (("RNNCell", 8), ("GRUCell", 8), ("LSTMCell", 8), ("RNNCell", 16)):
        size = 64 // steps
        build = f"self.cell = nn.{kind}({size}, width)\n{head(64)}"
        start = "h = x.new_zeros(len(x), 64)\n" + ("c = x.new_zeros(len(x), 64)\n" if kind == "LSTMCell" else "")
        step = "h, c = self.cell(row, ({0}, {1}))" if kind == "LSTMCell" else "h = self.cell(row, {0})"
        cut_step, whole = step.format("h.detach()", "c.detach()"), step.format("h", "c")
        run = f"{start}for row in x.view(-1, {steps}, {size}).unbind(1):\n    {cut_step}\nreturn self.head(h)"
        yield plain("VG505", f"{kind} over {steps} steps", build, run, (cut_step, whole), steps=LONG)
    for kind, steps in (("RNN", 8), ("GRU", 8), ("LSTM", 8), ("RNN", 16)):
        loop, edit = CARRIED[kind == "LSTM"]
        text = STATEFUL.format(kind=kind, steps=steps, size=64 // steps)
        yield Case("VG506", f"{kind} over {steps} steps", text, (edit,), loop=loop, steps=LONG)


STATEFUL = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.rnn = nn.{kind}({size}, width, batch_first=True)
        self.head = nn.Linear(width, 10)

    def forward(self, x, state=None):
        output, state = self.rnn(x.view(-1, {steps}, {size}), state)
        return self.head(output[:, -1]), state
"""
_LOOP = LOOP.replace("    for images", "    state = None\n    for images").replace(
    "        loss = criterion(model(images), labels)",
    "        scores, state = model(images, state)\n        loss = criterion(scores, labels)",
)
_ONE = "model(images, state)\n", "model(images, state)\n        state = state.detach()\n"
_BOTH = "model(images, state)\n", "model(images, state)\n        state = (state[0].detach(), state[1].detach())\n"
CARRIED = {False: (_LOOP, _ONE), True: (_LOOP, _BOTH)}
"""The loop that hands the state on, and its advice: for one tensor, and for the two of an LSTM."""


def axes() -> Iterator[Case]:
    """Yields layers whose time and batch, or whose states and samples, are taken for one another."""
    for kind, steps in (("LSTM", 8), ("GRU", 8), ("RNN", 8), ("RNN", 16)):
        size = 64 // steps
        build = f"self.rnn = nn.{kind}({size}, width)\n{head(64)}"
        run = f"output, _ = self.rnn(x.view(-1, {steps}, {size}))\nreturn self.head(output[:, -1])"
        edit = (f"nn.{kind}({size}, width)", f"nn.{kind}({size}, width, batch_first=True)")
        yield plain("VG507", f"{kind} over {steps} steps without batch_first", build, run, edit, steps=LONG)
    for kind, option in (("LSTM", "bidirectional=True"), ("GRU", "bidirectional=True"), ("GRU", "num_layers=2"), ("RNN", "bidirectional=True")):  # fmt: skip
        build = f"self.rnn = nn.{kind}(8, 32, batch_first=True, {option})\nself.head = nn.Linear(64, 10)"
        state = "(h, _)" if kind == "LSTM" else "h"
        run = f"_, {state} = self.rnn(x.view(-1, 8, 8))\nreturn self.head(h.view(len(x), -1))"
        edit = ("h.view(len(x), -1)", "h.transpose(0, 1).reshape(len(x), -1)")
        yield plain("VG508", f"{kind} with {option}", build, run, edit, steps=LONG)
