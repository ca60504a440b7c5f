"""What code asks of functions, classes, names and sizes before it builds and runs layers: no gap, and the layers that torch runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from models import load
from oracle import compare, record

from vglint.analysis.propagate import propagate
from vglint.analysis.ratio import ratio
from vglint.finding import Problem
from vglint.interp import extract
from vglint.source.project import Project

ASKED = '''
"""What code asks of functions and classes before it builds layers with them, and loops that add dimensions."""

import inspect
from inspect import isfunction

from torch import nn


def made(what, *args):
    if isfunction(what):
        return what(*args)
    if inspect.isclass(what):
        return what(*args)
    assert isinstance(what, nn.Module)
    return what


def sizes(kind, size):
    if not isinstance(size, (tuple, list)):
        if issubclass(kind, nn.Conv1d):
            return [size]
        elif issubclass(kind, nn.Conv2d):
            return [size] * 2
        elif issubclass(kind, nn.modules.conv._ConvNd):
            return [size] * 3
        raise TypeError(kind)
    return size


class Asked(nn.Module):
    def __init__(self, kind=nn.Conv2d):
        super().__init__()
        size = sizes(kind, 3)
        self.conv = kind(3, 8, size, padding=[each // 2 for each in size])
        self.norm = made(lambda width: nn.BatchNorm2d(width), 8)
        self.act = made(nn.ReLU)
        self.last = made(nn.Conv2d(8, 2, 1))

    def forward(self, x):
        while len(x.shape) < 4:
            x = x.unsqueeze(-1)
        return self.last(self.act(self.norm(self.conv(x))))
'''
REFITTED = '''
"""Tensors that are padded, cropped or packed where a condition on their sizes says so; names of a file as a mapping; a named tuple with `__new__`."""

from collections import namedtuple

import torch
import torch.nn.functional as F
from torch import nn


class Feature(namedtuple("Feature", ["name", "size", "width"])):
    __slots__ = ()

    def __new__(cls, name, size, width="auto"):
        if width == "auto":
            width = 6
        return super(Feature, cls).__new__(cls, name, size, width)


class Doubled(nn.Module):
    def forward(self, x):
        return torch.tanh(x) * 2


def get(name):
    if callable(name):
        return name
    found = globals().get(name)
    if found is None:
        raise ValueError(name)
    return found


class Refitted(nn.Module):
    def __init__(self, feature=Feature("word", 10)):
        super().__init__()
        self.embed = nn.Embedding(feature.size, feature.width)
        self.act = get("Doubled")()
        self.conv = nn.Conv1d(6, 8, 4, stride=4)
        self.pad = nn.ConstantPad1d(1, 0.0)
        self.pool = nn.MaxPool1d(2)
        self.last = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        x = self.embed(x).transpose(1, 2)
        length = x.shape[-1]
        if not length % 4 == 0:
            x = F.pad(x, (0, 4 - length % 4))
        x = self.act(self.conv(x))
        if x.shape[-1] % 2:
            x = self.pad(x)
        x = self.pool(x)
        batch, channels, length = x.shape
        if length % 3 != 0:
            missing = 3 - length % 3
            x = F.pad(x, (0, missing), "reflect")
            length = length + missing
        x = x.view(batch, channels, length // 3, 3)
        return self.last(x)
'''

REVERSIBLE = """
import torch
from torch import nn


class Hidden(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, layer, *weights):
        with torch.no_grad():
            return layer(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None, None


class Reversible(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.last = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(Hidden.apply(x, self.layer, *self.layer.parameters()))
"""


CASES = {
    "Asked()": (ASKED, [(2, 3, 16, 16), (2, 3, 16)]),
    "Refitted()": (REFITTED, [(2, 32), (2, 37), (2, 41)]),
}


@pytest.mark.parametrize("entry", CASES)
def test_it_is_followed(tmp_path: Path, entry: str) -> None:
    text, shapes = CASES[entry]
    file = tmp_path / f"{entry[:-2].lower()}_model.py"
    file.write_text(text)
    project = Project(tmp_path)
    module = project.module(file)
    assert not isinstance(module, Problem)
    graph = extract(project, module, entry)
    assert graph.gaps == ()
    assert ratio(graph, propagate(graph)).log10_ratio is not None
    model = eval(entry, vars(load(file)))
    for shape in shapes:
        given = torch.randint(0, 10, shape) if len(shape) == 2 else torch.randn(shape)
        found = compare(record(model, given), graph)
        assert found.exact, "\n".join(found.differences)


def test_layers_inside_a_function_are_a_gap(tmp_path: Path) -> None:
    (tmp_path / "reversible.py").write_text(REVERSIBLE)
    project = Project(tmp_path)
    module = project.module(tmp_path / "reversible.py")
    assert not isinstance(module, Problem)
    assert [gap.text for gap in extract(project, module, "Reversible").gaps] == ["layers inside Hidden.forward"]
