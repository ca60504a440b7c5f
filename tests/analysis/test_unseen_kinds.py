"""Kinds of computation that predictions once left out or got wrong, against torch: cross-attention, ghost batches, written parts, pools that keep a side."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest
import torch
from models import load
from torch import nn

from tests.analysis import kinds_of_choices, kinds_of_functions, kinds_of_norms, kinds_of_packing, kinds_of_sampling
from vglint.analysis.propagate import propagate
from vglint.finding import Problem
from vglint.given import ModelInputs, parse_input
from vglint.interp import extract
from vglint.source.project import Project

HEAD = """
import math

import torch
from torch import nn
from torch.nn import functional as F


"""
CROSS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(32, 32) for _ in range(4))

    def forward(self, x, y):
        q, k, v = self.q(x), self.k(y), self.v(y)
        scores = (q @ k.transpose(1, 2) / 32**0.5).softmax(-1)
        return self.out(scores @ v)
"""
LIBRARY_CROSS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(32, 32) for _ in range(4))

    def forward(self, x, y):
        return self.out(F.scaled_dot_product_attention(self.q(x), self.k(y), self.v(y)))
"""
GHOST = """
class Ghost(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x):
        return torch.cat([self.norm(part) for part in x.chunk((x.shape[0] + 127) // 128, 0)], dim=0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.norm, self.out = nn.Linear(16, 32), Ghost(32), nn.Linear(32, 32)

    def forward(self, x):
        return self.out(torch.relu(self.norm(self.q(x))))
"""
WRITTEN = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(32, 32) for _ in range(4))
        mask = torch.zeros(8, 8)
        mask[-4:, :4] = float("-inf")
        self.register_buffer("mask", mask)

    def forward(self, x):
        scores = self.q(x) @ self.k(x).transpose(1, 2) / 32**0.5
        scores[:, :, :] += self.mask
        return self.out(scores.softmax(-1) @ self.v(x))
"""
KEPT_SIDE = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.pool, self.out = nn.Conv2d(3, 16, 3, padding=1), nn.AdaptiveAvgPool2d((None, 1)), nn.Conv2d(16, 8, 1)

    def forward(self, x):
        return self.out(self.pool(torch.relu(self.q(x))))
"""
OF_OTHER = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        fine = torch.relu(self.q(x))
        coarse = torch.relu(self.k(F.max_pool2d(fine, 2)))
        return self.out(F.interpolate(coarse, size=fine.shape[2:]) + fine)
"""
STACK = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(64, 64) for _ in range(4))

    def forward(self, x):
        y = self.out(torch.sigmoid(self.v(torch.sigmoid(self.k(torch.sigmoid(self.q(x)))))))
        return END
"""
ENDS = {
    "a softmax over what may be the classes": "torch.softmax(y, dim=1)",
    "the logarithm of one": "torch.log(F.softmax(y, 1))",
    "the largest three": "y.topk(3, 1).values",
    "a log-sum-exp": "torch.logsumexp(y, 1)",
    "a running sum": "y.cumsum(1)",
    "distances to constants": "torch.cdist(y, torch.ones(5, 64))",
}
"""What ends a model with a factor that is the same for all layers, known or not."""
CASES = {
    **{name: (STACK.replace("END", end), ["256,64"]) for name, end in ENDS.items()},
    "few queries": (CROSS, ["8,4,32", "8,64,32"]),
    "many queries": (CROSS, ["8,64,32", "8,4,32"]),
    "few queries of torch's own": (LIBRARY_CROSS, ["8,4,32", "8,64,32"]),
    "ghost batches": (GHOST, ["256,16"]),
    "a part that is written": (WRITTEN, ["8,8,32"]),
    "a pool that keeps a side": (KEPT_SIDE, ["8,3,12,16"]),
    "the size of another tensor": (OF_OTHER, ["8,3,32,32"]),
    **kinds_of_functions.CASES,
    **kinds_of_choices.CASES,
    **kinds_of_norms.CASES,
    **kinds_of_packing.CASES,
    **kinds_of_sampling.CASES,
}


@pytest.mark.parametrize(
    ("name", "sized"),
    [
        *((name, True) for name in CASES),
        *((name, False) for name in ("ghost batches", "the size of another tensor", "patches and places", *ENDS)),
    ],
)
def test_gradients_are_those_of_torch(tmp_path: Path, name: str, sized: bool) -> None:
    text, inputs = CASES[name]
    file = tmp_path / f"{name.replace(' ', '_').replace(chr(39), '')}.py"
    file.write_text(HEAD + text)
    project = Project(tmp_path)
    if sized:
        project.inputs = (ModelInputs("*", tuple(parse_input(one) for one in inputs)),)
    module = project.module(file)
    assert not isinstance(module, Problem)
    graph = extract(project, module, "Net")
    assert graph.gaps == ()
    found = propagate(graph, batch=8).gradients
    predicted = {
        node.path: found[node.index] for node in graph.nodes if node.path in ("q", "k", "v", "out") and node.type
    }
    measured = _measured(load(file).Net, inputs)
    for path in predicted.keys() & {"q", "k", "v"}:
        value, base = predicted[path], predicted["out"]
        assert value is not None and base is not None, f"{path} is not predicted"
        assert value - base == pytest.approx(measured[path] - measured["out"], abs=0.3), path


def _measured(kind: type[nn.Module], inputs: list[str]) -> dict[str, float]:
    """Returns the median over seeds of log10 RMS ∂L/∂(output of each layer, the last call), for a gradient of N(0, 1) entries."""
    seen: dict[str, list[float]] = {}
    for seed in range(5):
        torch.manual_seed(seed)
        model = kind().train()
        outputs: dict[str, torch.Tensor] = {}
        layers = {part: path for path, part in model.named_modules()}

        def keep(
            part: nn.Module,
            given: object,
            out: torch.Tensor,
            into: dict[str, torch.Tensor] = outputs,
            names: dict[nn.Module, str] = layers,
        ) -> None:
            out.retain_grad()
            into[names[part]] = out

        for part in layers:
            if isinstance(part, (nn.Linear, nn.Conv1d, nn.Conv2d)):
                part.register_forward_hook(keep)
        result = model(*(torch.randn(*(int(size) for size in one.split(","))) for one in inputs))
        result.backward(torch.randn_like(result))
        for path, out in outputs.items():
            assert out.grad is not None
            seen.setdefault(path, []).append(0.5 * math.log10(float(out.grad.double().pow(2).mean())))
    return {path: statistics.median(values) for path, values in seen.items()}
