"""Steps after which a recurrent cell's gradient is gone, against torch."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.analysis.building import Builder
from tests.analysis.tracing import trace_module
from vglint.analysis.handwritten import written_out
from vglint.analysis.parametric import depths
from vglint.analysis.propagate import propagate
from vglint.analysis.recurrence import recurrences
from vglint.graph import Init
from vglint.interp import extract
from vglint.source.module import Module
from vglint.source.project import Project

WIDTH, FEATURES, LAGS = 64, 32, 60


class Last(nn.Module):
    def __init__(self, cell: nn.RNNBase) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor) -> Tensor:
        return self.cell(x)[0][-1]


def rnn(**more: object) -> nn.RNNBase:
    return nn.RNN(FEATURES, WIDTH, **more)  # type: ignore[arg-type]


def orthogonal() -> nn.RNNBase:
    cell = nn.RNN(FEATURES, WIDTH)
    nn.init.orthogonal_(cell.weight_hh_l0)
    return cell


CELLS: dict[str, Callable[[], nn.RNNBase]] = {
    "tanh": rnn,
    "relu": lambda: rnn(nonlinearity="relu"),
    "orthogonal": orthogonal,
    "lstm": lambda: nn.LSTM(FEATURES, WIDTH),
    "gru": lambda: nn.GRU(FEATURES, WIDTH),
    "rnn of two layers": lambda: rnn(num_layers=2),
    "lstm of two layers": lambda: nn.LSTM(FEATURES, WIDTH, num_layers=2),
    "gru of two layers": lambda: nn.GRU(FEATURES, WIDTH, num_layers=2),
}


def steps(cell: nn.Module) -> float:
    """Returns the lag at which dL/dx falls below 1e-3 of what it is at the last step."""
    x = torch.randn(LAGS, 32, FEATURES, requires_grad=True)
    output = Last(cell)(x) if isinstance(cell, nn.RNNBase) else cell(x)
    (output * torch.randn_like(output)).sum().backward()
    assert x.grad is not None
    size = x.grad.pow(2).mean((1, 2)).sqrt().flip(0)
    logs = [math.log10(max(value / size[0].item(), 1e-30)) for value in size.tolist()]
    at = next(lag for lag, value in enumerate(logs) if value < -3)
    return at - 1 + (logs[at - 1] + 3) / (logs[at - 1] - logs[at])


@pytest.mark.parametrize("name", sorted(CELLS))
def test_steps_to_a_thousandth_are_those_of_torch(name: str) -> None:
    torch.set_num_threads(1)
    measured = []
    for seed in range(5):
        torch.manual_seed(seed)
        measured.append(steps(CELLS[name]()))
    graph = trace_module(Last(CELLS[name]()), torch.randn(LAGS, 32, FEATURES))
    (found,) = recurrences(graph, propagate(graph))
    assert found.cell == {"tanh": "rnn", "relu": "rnn", "orthogonal": "rnn"}.get(name, name.partition(" ")[0])
    assert found.below_1e3 is not None
    assert found.below_1e3 == pytest.approx(math.ceil(statistics.median(measured)), rel=0.1, abs=1.0)
    assert found.steps == LAGS
    assert found.per_step < 0


def test_a_forget_bias_keeps_the_gradient() -> None:
    built = Builder()
    size = 64
    shapes = {"weight_ih": (4 * size, 32), "weight_hh": (4 * size, size)}
    even = Init("uniform", (("a", -0.125), ("b", 0.125)))
    params = {name: built.parameter(name, shape, even) for name, shape in shapes.items()}
    found = {}
    for forget in (0.0, 1.0, 5.0):
        bias = Init("zeros", parts=((size, 2 * size, Init("constant", (("val", forget),))),))
        own = {**params, "bias_ih": built.parameter("bias_ih", (4 * size,), bias)}
        x = built.op("input", name="x")
        node = built.op("lstm_cell", x, path=f"cell{forget}", params=own, input_size=32, hidden_size=size)
        graph = built.graph(node)
        found[forget] = next(
            one.per_step for one in recurrences(graph, propagate(graph)) if one.path == f"cell{forget}"
        )
    assert found[0.0] == pytest.approx(-0.21, abs=0.03)
    assert found[1.0] == pytest.approx(-0.08, abs=0.02)
    assert found[5.0] == pytest.approx(0.0, abs=0.02)


class HandGRU(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gates = nn.Linear(FEATURES + WIDTH, 2 * WIDTH)
        self.new = nn.Linear(FEATURES + WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[1], WIDTH)
        for t in range(x.shape[0]):
            r, z = torch.sigmoid(self.gates(torch.cat([x[t], h], dim=1))).chunk(2, dim=1)
            n = torch.tanh(self.new(torch.cat([x[t], r * h], dim=1)))
            h = (1 - z) * n + z * h
        return h


class HandLSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gates = nn.Linear(FEATURES + WIDTH, 4 * WIDTH)
        nn.init.xavier_uniform_(self.gates.weight)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(x.shape[1], WIDTH)
        for t in range(x.shape[0]):
            i, f, g, o = self.gates(torch.cat([x[t], h], dim=1)).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h


class HandRNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(FEATURES, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[1], WIDTH)
        for t in range(x.shape[0]):
            h = torch.tanh(self.one(x[t]) + self.two(h))
        return h


@pytest.mark.parametrize("make", [HandGRU, HandLSTM, HandRNN])
def test_a_cell_that_is_written_out_forgets_as_torch_says(make: Callable[[], nn.Module]) -> None:
    torch.set_num_threads(1)
    measured = []
    for seed in range(5):
        torch.manual_seed(seed)
        measured.append(steps(make()))
    graph = trace_module(make(), torch.randn(30, 32, FEATURES))
    (found,) = written_out(graph, propagate(graph))
    assert found.steps == 30
    assert found.below_1e3 == pytest.approx(math.ceil(statistics.median(measured)), rel=0.1, abs=1.0)


def test_a_stack_of_layers_is_no_recurrence() -> None:
    model = nn.Sequential(*(m for _ in range(6) for m in (nn.Linear(32, 32), nn.Tanh())))
    graph = trace_module(model, torch.randn(8, 32))
    assert list(written_out(graph, propagate(graph))) == []


FORGETTING = """
import torch, torch.nn as nn

class Net(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.rnn = nn.LSTM(32, hidden, batch_first=True)
        {fill}

    def forward(self, x):
        return self.rnn(x)[1][0][-1]
"""


@pytest.mark.parametrize(
    "fill",
    [
        "self.rnn.bias_hh_l0.data[hidden:2 * hidden].fill_(1.0)",
        "self.rnn.bias_hh_l0.data[hidden:2 * hidden] = 1.0",
        "nn.init.constant_(self.rnn.bias_ih_l0[hidden:-2 * hidden], 1.0)",
        "with torch.no_grad(): self.rnn.bias_hh_l0[hidden:self.rnn.bias_hh_l0.numel() // 2].fill_(1)",
    ],
)
def test_a_forget_bias_is_read_from_source(fill: str) -> None:
    project = Project("/")
    module = project.add("net.py", FORGETTING.format(fill=fill))
    assert isinstance(module, Module)
    graph = extract(project, module, "Net()")
    (found,) = recurrences(graph, propagate(graph))
    assert found.below_1e3 == pytest.approx(35, abs=3)


def test_a_depth_that_is_not_known_has_a_gain_per_turn() -> None:
    built = Builder()
    x = built.linear(built.op("input", name="x"), 32, 64, "stem")
    built.loop()
    y = built.op("sigmoid", built.linear(x, 64, 64, "layer"))
    built.region = 0
    built.linear(y, 64, 10, "head")
    (found,) = depths(built.graph(4))
    # √(1/3) · √E[σ'²], as nine known layers have it.
    assert found.per_turn == pytest.approx(-0.85, abs=0.05)
    assert found.below_1e3 == 4 and found.below_1e7 == 9 and found.above_1e3 is None
    assert found.nodes == (2, 3)


def test_a_known_loop_is_no_parametric_depth() -> None:
    built = Builder()
    x = built.op("input", name="x")
    built.loop(3)
    y = built.op("relu", built.linear(x, 64, 64, "layer"))
    built.region = 0
    built.linear(y, 64, 10, "head")
    assert list(depths(built.graph(3))) == []


ENCODER = """\
import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, depth, width, act=torch.tanh):
        super().__init__()
        layers = [nn.Linear(32, width)]
        for _ in range(depth):
            layers.append(nn.Linear(width, width))
        layers.append(nn.Linear(width, 10))
        self.layers = nn.ModuleList(layers)
        self.act = act

    def forward(self, x):
        x = self.layers[0](x)
        for layer in self.layers[1:-1]:
            x = self.act(layer(x))
        return self.layers[-1](x)
"""


@pytest.mark.parametrize("act", ["torch.tanh", "torch.relu", "torch.sigmoid"])
def test_a_depth_that_is_not_known_is_as_torch_measures_it(act: str) -> None:
    project = Project("/")
    module = project.add("net.py", ENCODER.replace("act=torch.tanh", f"act={act}"))
    assert isinstance(module, Module)
    (found,) = depths(extract(project, module, "Encoder"))
    assert found.below_1e3 is not None
    names: dict[str, Callable[..., nn.Module]] = {}
    exec(module.text, names)

    def keep(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        args[0].retain_grad()
        ends.append(args[0])

    ends: list[Tensor] = []

    def measured(depth: int) -> float:
        """Returns log10 of the gradient where the loop starts, over the one where it ends, over a few seeds."""
        logs = []
        for seed in range(6):
            torch.manual_seed(seed)
            model = names["Encoder"](depth, 256, eval(act))
            ends.clear()
            layers = model.get_submodule("layers")
            assert isinstance(layers, nn.ModuleList)
            for layer in (layers[1], layers[-1]):
                layer.register_forward_pre_hook(keep)
            (model(torch.randn(64, 32)) * torch.randn(64, 10)).sum().backward()
            first, last = (end.grad.square().mean() for end in ends if end.grad is not None)
            logs.append(0.5 * (first / last).log10().item())
        return sum(logs) / len(logs)

    assert measured(found.below_1e3 + 1) < -3 < measured(max(found.below_1e3 - 2, 1))
