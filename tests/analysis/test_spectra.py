"""Fourier transforms, running sums, low-rank weights, linear attention and class tokens, and gradients that are zero, against torch."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest
import torch
from models import load
from torch import nn

from vglint.analysis.propagate import propagate
from vglint.analysis.ratio import ratio
from vglint.finding import Problem
from vglint.given import ModelInputs, parse_input
from vglint.graph import Graph
from vglint.interp import extract
from vglint.report.graphs import GRAPH_FORMATS
from vglint.source.project import Project

FILE = Path(__file__).with_name("spectra.py")
SPECTRA = (
    "Spectral()", "Mixing()", "Filter()", "Summed()", "Adapted()", "Adapted(std=0.05)", "Softened()", "Softened(by_letters=True)", "Positive()", "Token()",
    "Token(whole=False)",
)  # fmt: skip


def drawn(file: Path, entry: str, size: str) -> Graph:
    project = Project(file.parent)
    project.inputs = (ModelInputs("*", (parse_input(size),)),)
    module = project.module(file)
    assert not isinstance(module, Problem)
    graph = extract(project, module, entry)
    assert graph.gaps == ()
    return graph


@pytest.mark.parametrize("middle", SPECTRA)
def test_gradients_are_those_of_torch(middle: str) -> None:
    graph = drawn(FILE, f"Ends({middle})", "8,20,16")
    found = propagate(graph, batch=8).gradients
    predicted = {node.path: found[node.index] for node in graph.nodes if node.path in ("a", "b") and node.type}
    first, last = predicted["a"], predicted["b"]
    assert first is not None and last is not None
    names = vars(load(FILE))
    seen = []
    for seed in range(5):
        torch.manual_seed(seed)
        model: nn.Module = eval(f"Ends({middle})", dict(names)).train()
        outputs: list[torch.Tensor] = []
        for layer in (model.a, model.b):
            layer.register_forward_hook(lambda part, given, out, into=outputs: (out.retain_grad(), into.append(out))[0])
        result = model(torch.randn(8, 20, 16))
        result.backward(torch.randn_like(result))
        sizes = [0.5 * math.log10(float(out.grad.double().pow(2).mean())) for out in outputs if out.grad is not None]
        seen.append(sizes[0] - sizes[1])
    assert first - last == pytest.approx(statistics.median(seen), abs=0.15)


CUT = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 4)
        {start}

    def forward(self, x):
        {first}
        return self.c(torch.relu(self.b(x)))
"""


@pytest.mark.parametrize(
    ("start", "first", "zero"),
    [
        ("", "x = torch.relu(self.a(x)).detach()", "a"),
        ("", "x = torch.round(torch.relu(self.a(x)))", "a"),
        ("", "with torch.no_grad(): x = self.a(x)", "a"),
        ("nn.init.zeros_(self.c.weight)", "x = torch.relu(self.a(x))", "b"),
        ("", "x = torch.relu(self.a(x))", ""),
    ],
)
def test_a_gradient_of_zero_is_said_to_be_zero(tmp_path: Path, start: str, first: str, zero: str) -> None:
    file = tmp_path / "cut.py"
    file.write_text(CUT.replace("{start}", start).replace("{first}", first))
    graph = drawn(file, "Net()", "16,8")
    trace = propagate(graph, batch=16)
    text = GRAPH_FORMATS["text"](graph, trace, ratio(graph, trace), None)
    model = load(file).Net()
    outputs: dict[str, torch.Tensor] = {}
    for name, layer in model.named_children():
        layer.register_forward_hook(lambda part, given, out, name=name: outputs.__setitem__(name, out))
    result = model(torch.randn(16, 8)).sum()
    kept = [name for name in ("a", "b", "c") if outputs[name].requires_grad]
    sent = torch.autograd.grad(result, [outputs[name] for name in kept], allow_unused=True)
    arrive = {name for name, grad in zip(kept, sent, strict=True) if grad is not None and bool(grad.any())}
    assert (zero not in arrive) and ("a" in arrive) == (not zero)
    assert (f"the one at {zero} (" in text and "is predicted to be zero" in text) == bool(zero)
    assert "not known" not in text


MAPS = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.a, self.b = (nn.Linear(32, 32) for _ in range(5))

    def forward(self, x):
        maps = torch.softmax(self.q(x) @ self.k(x).transpose(1, 2) / 32**0.5, dim=-1)
        hidden = self.a(x + maps @ self.v(x))
        return self.b(torch.relu(hidden)){more}
"""


def test_attention_maps_and_hidden_states_beside_a_result_get_no_gradient(tmp_path: Path) -> None:
    found = []
    for more in ("", ", maps", ", [x, hidden]", ", {'last': hidden}", ", hidden"):
        file = tmp_path / f"maps{len(more)}.py"
        file.write_text(MAPS.replace("{more}", more))
        graph = drawn(file, "Net()", "8,20,32")
        found.append(ratio(graph, propagate(graph, batch=8)).log10_ratio)
    assert found[0] is not None
    assert found[:4] == [found[0]] * 4
    assert found[4] != found[0]  # two results, as a backbone gives them
