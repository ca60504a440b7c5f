"""Registries are asked for one key: what enters that key is executed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from vglint.interp import entries
from vglint.interp.static.decorated import decorated, folded
from vglint.source.module import Module
from vglint.source.project import Project

REGISTRY = """
LAYERS = {}
TAGGED = {}


def register(name=None):
    def wrap(cls):
        LAYERS[name or cls.__name__] = cls
        return cls
    return wrap


def register_builder(function):
    for tag in ("small", "large"):
        TAGGED[function.__name__ + "." + tag] = function
    return function
"""
FILLERS = """
from torch import nn
from .registry import register, register_builder

KEY = "keyed"


@register("wide")
class Wide(nn.Linear):
    def __init__(self, width):
        super().__init__(width, 5 * width)


@register()
class Plain(nn.Linear):
    def __init__(self, width):
        super().__init__(width, 3 * width)


@register(KEY)
class Other(nn.Linear):
    def __init__(self, width):
        super().__init__(width, 7 * width)


@register_builder
def made(width):
    return nn.Linear(width, 11 * width)


@register_builder
def unrelated(width):
    return nn.Linear(width, 13 * width)
"""
READER = """
from torch import nn
from .registry import LAYERS, TAGGED
from . import fillers


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = {table}[{key!r}](8) if {key!r} in {table} else nn.Linear(8, 17)

    def forward(self, x):
        return self.layer(x)
"""


def read(folder: Path, table: str, key: str) -> tuple[str, Module]:
    package = folder / "package"
    package.mkdir()
    files = {"__init__": "", "registry": REGISTRY, "fillers": FILLERS, "reader": READER.format(table=table, key=key)}
    for name, text in files.items():
        (package / f"{name}.py").write_text(text)
    project = Project(folder)
    module, fillers = project.module(package / "reader.py"), project.module(package / "fillers.py")
    assert isinstance(module, Module) and isinstance(fillers, Module)
    (graph,) = entries(project, module)
    return repr(graph), fillers


@pytest.mark.parametrize(
    ("table", "key", "width"),
    [
        ("LAYERS", "wide", 40),
        ("LAYERS", "Plain", 24),
        ("LAYERS", "keyed", 56),
        ("TAGGED", "made.small", 88),
        ("TAGGED", "unrelated.large", 104),
        ("LAYERS", "missing", 17),
        ("TAGGED", "wide", 17),
    ],
)
def test_a_key_means_what_importing_everything_would_make_of_it(
    tmp_path: Path, table: str, key: str, width: int
) -> None:
    graph, _ = read(tmp_path, table, key)
    assert f"'out_features', {width})" in graph


def test_what_cannot_enter_a_key_is_not_even_read(tmp_path: Path) -> None:
    _, fillers = read(tmp_path, "TAGGED", "made.small")
    assert {unit.name for unit in fillers.units if unit.name and "body" in vars(unit)} == {"made", "Other"}


@pytest.mark.parametrize(
    ("decorator", "name", "concerned"),
    [
        ("@register('relu')", "Rectifier", True),
        ("@register(name='re_lu')", "Rectifier", True),
        ("@register('gelu')", "Rectifier", False),
        ("@register(None)", "ReLU", True),
        ("@register", "relu", True),
        ("@register", "tanh", False),
        ("@register(NAME)", "tanh", True),
        ("@register(name=NAME)", "tanh", True),
        ("@register(f'{NAME}')", "tanh", True),
        ("@register([NAME])", "tanh", True),
        ("@register('tanh', force=True)", "tanh", False),
        ("@other(NAME)", "relu", False),
    ],
)
@pytest.mark.parametrize("definition", ["class {}(Base):\n    pass\n", "def {}(x):\n    return x\n"])
def test_a_definition_concerns_a_key_by_its_text(decorator: str, name: str, concerned: bool, definition: str) -> None:
    found = decorated(f"import x\n{decorator}\n{definition.format(name)}", ["register"])
    assert any(each.concerns(folded("relu")) for each in found) is concerned


def test_a_class_concerns_a_key_that_its_body_spells() -> None:
    text = "@register\nclass First:\n    name = 'leaky_relu'\n\n\n@register\nclass Second:\n    name = 'tanh'\n"
    assert [each.name for each in decorated(text, ["register"]) if each.concerns(folded("leaky_relu"))] == ["First"]
