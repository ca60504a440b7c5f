"""Initialisers that are replayed on layers and parameters that are alike do to each what torch does."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from vglint.interp import entries
from vglint.ops.init import spread
from vglint.source.module import Module
from vglint.source.project import Project

HEAD = """
import torch
from torch import nn

SCALES = [0.02]


def applied(fn, module, name=""):
    for inner, child in module.named_children():
        applied(fn, child, f"{name}.{inner}" if name else inner)
    fn(module=module, name=name)
    return module


def plain(module, name="", std=0.02):
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=std)


def by_name(module, name=""):
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=1.0 if name.endswith("last") else 0.02)


def drawn(weight, std=0.02):
    with torch.no_grad():
        return weight.normal_(0.0, std)


def drawn_by_scale(weight):
    nn.init.normal_(weight, std=SCALES[-1])


def drawing(std):
    return lambda weight: nn.init.normal_(weight, std=std)


def shrunk(weight):
    with torch.no_grad():
        weight.mul_(0.5)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(200, 200), nn.Linear(200, 200), nn.Linear(200, 200)
        BODY

    def forward(self, x):
        return self.last(self.second(self.first(x)))
"""
BODIES = {
    "a name that nothing reads": "applied(plain, self)",
    "a name that counts": "applied(by_name, self)",
    "another number by keyword": "plain(module=self.first, std=1.0); plain(module=self.second, std=0.5); plain(module=self.last, std=1.0)",
    "parameters by place and keyword": "drawn(self.first.weight); drawn(self.second.weight, std=0.5); drawn(weight=self.last.weight)",
    "data of parameters": "drawn(self.first.weight.data, 0.3); drawn(self.second.weight.data, 0.3); drawn(self.last.weight, 0.3)",
    "a list that changes in between": "drawn_by_scale(self.first.weight); SCALES.append(0.5); drawn_by_scale(self.second.weight);"
    " drawn_by_scale(self.last.weight)",
    "functions that a function makes": "drawing(0.5)(self.first.weight); drawing(0.1)(self.second.weight); drawing(0.3)(self.last.weight)",
    "the same twice": "shrunk(self.first.weight); shrunk(self.first.weight); shrunk(self.last.weight)",
    "a number around the function": "scale = 0.5; fill = lambda weight: nn.init.normal_(weight, std=scale); fill(self.first.weight);"
    " scale = 0.1; fill(self.second.weight); fill(self.last.weight)",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_each_weight_is_drawn_as_torch_draws_it(body: str, tmp_path: Path) -> None:
    text = HEAD.replace("BODY", body)
    (tmp_path / "net.py").write_text(text)
    module = Project(str(tmp_path), [str(tmp_path / "net.py")]).module(str(tmp_path / "net.py"))
    assert isinstance(module, Module)
    (graph,) = entries(Project(str(tmp_path), [str(tmp_path / "net.py")]), module)
    space: dict[str, type[torch.nn.Module]] = {}
    exec(text, space)
    torch.manual_seed(0)
    wanted = {
        name: float(weight.detach().std())
        for name, weight in space["Net"]().named_parameters()
        if name.endswith("weight")
    }
    found = {each.path: spread(each.init, each.shape) for each in graph.parameters if each.path in wanted}
    for name, std in wanted.items():
        known = found[name]
        variance = None if known is None else known.variance()
        assert variance is not None and math.sqrt(variance) == pytest.approx(std, rel=0.03), name
