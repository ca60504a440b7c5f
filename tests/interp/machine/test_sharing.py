"""What the entries of a project share: definitions, and nothing that an entry does."""

from __future__ import annotations

from pathlib import Path

import pytest

from vglint.interp import entries
from vglint.source.module import Module
from vglint.source.project import Project

SHARED = """
import torch

WIDTHS = [8]
CACHE = {}
LAYERS = {}
SCALE = torch.tensor(2.0)
HALF = SCALE / 2


def register(name):
    def wrap(cls):
        LAYERS[name] = cls
        return cls
    return wrap


class Settings:
    width = 8


@register("wide")
class Wide(torch.nn.Linear):
    def __init__(self, width):
        super().__init__(width, width)


def widened(width, seen=[]):
    seen.append(width)
    return width * len(seen)
"""
WRITER = """
from torch import nn
from shared import CACHE, HALF, LAYERS, Settings, WIDTHS, widened


class Writer(nn.Module):
    def __init__(self):
        super().__init__()
        WIDTHS.append(16)
        Settings.width = 32
        CACHE["width"] = 64
        self.layer = nn.Linear(widened(4), WIDTHS[-1])

    def forward(self, x):
        CACHE.setdefault("scale", x)
        return self.layer(x) * HALF
"""
READER = """
from torch import nn
from shared import CACHE, HALF, LAYERS, SCALE, Settings, WIDTHS, widened


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(WIDTHS[-1], Settings.width)
        self.inner = LAYERS["wide"](CACHE.get("width", 8))
        self.last = nn.Linear(8, widened(4))

    def forward(self, x):
        x = self.inner(self.layer(x)) * SCALE
        return self.last(x / HALF if "scale" not in CACHE else CACHE["scale"])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("shared", SHARED), ("writer", WRITER), ("reader", READER)):
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def graphs(project: Project, file: Path) -> list[str]:
    module = project.module(file)
    assert isinstance(module, Module)
    return [repr(graph) for graph in entries(project, module)]


@pytest.mark.parametrize("before", [["writer"], ["shared", "writer"], ["writer", "reader", "writer"]])
def test_what_came_before_does_not_matter(folder: Path, before: list[str]) -> None:
    alone = graphs(Project(folder), folder / "reader.py")
    assert len(alone) == 1 and "gaps=()" in alone[0], alone
    project = Project(folder)
    for name in before:
        graphs(project, folder / f"{name}.py")
    assert graphs(project, folder / "reader.py") == alone


def test_a_file_that_changed_is_read_anew(folder: Path) -> None:
    project = Project(folder)
    graphs(project, folder / "reader.py")
    project.add(str(folder / "shared.py"), SHARED.replace("width = 8", "width = 24"))
    assert "24" in graphs(project, folder / "reader.py")[0]


HELD = """
import torch
from torch import nn


class Data:
    def __init__(self, x):
        self.kinds = [x[x > 0]]


class Sized(nn.Module):
    def __init__(self, data, width=4):
        super().__init__()
        self.layer = nn.Linear(width, sum(len(kind) for kind in data.kinds))

    def forward(self, x):
        return self.layer(x)


data = Data(torch.randn(3, 4))
Sized(data)(torch.randn(2, 4)).sum().backward()
"""


def test_an_object_that_holds_tensors_is_of_one_entry_only(tmp_path: Path) -> None:
    (tmp_path / "held.py").write_text(HELD)
    assert len(graphs(Project(tmp_path), tmp_path / "held.py")) == 3


DEAR = "n = 0\nfor outer in range(1000):\n    for inner in range(1000):\n        n = n + 1\nWIDTH = n\n"
ASKING = """
from torch import nn
from dear import WIDTH


class First(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, WIDTH)

    def forward(self, x):
        return self.layer(x)


class Second(First):
    pass
"""


def test_a_statement_that_takes_too_much_is_charged_to_nobody_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vglint.interp.machine.budget.STATEMENT_STEPS", 3_000)
    (tmp_path / "dear.py").write_text(DEAR)
    (tmp_path / "asking.py").write_text(ASKING)
    first, second = graphs(Project(tmp_path), tmp_path / "asking.py")
    assert first.count("layer") == second.count("layer") > 0
    for graph in (first, second):
        assert "the statement that binds" in graph and "'steps'" not in graph
