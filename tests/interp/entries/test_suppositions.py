"""Classes that are read as the models of their file call them, and what is supposed of inputs and configurations."""

from __future__ import annotations

from pathlib import Path

from vglint.graph import Graph
from vglint.interp import entries
from vglint.source.project import Project

PARTS = """
import torch
from torch import nn


class Config:
    def __init__(self, width=8):
        self.width = width
        self.kind = None


LAYERS = {"plain": nn.Linear}


class Part(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.layer = LAYERS[config.kind](config.width, config.width)

    def forward(self, x, mask, scale):
        if mask is not None:
            x = x.known_to_nobody(mask)
        return self.layer(x) * scale


class Whole(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        config.kind = "plain"
        self.first = nn.Linear(config.width, config.width)
        self.part = Part(config)

    def forward(self, x):
        return self.part(self.first(x), mask=None, scale=0.5)


class Strange(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.layer = LAYERS[config.kind](config.width, config.width)

    def forward(self, x):
        return self.layer(x)
"""


def graphs_of(tmp_path: Path, text: str) -> dict[str, Graph]:
    file = tmp_path / "models.py"
    file.write_text(text)
    project = Project(tmp_path, [file])
    module = project.module(file)
    return {graph.entry: graph for graph in entries(project, module) if not graph.alternative}  # type: ignore[arg-type]


def test_a_part_that_has_gaps_by_itself_is_built_and_called_as_a_model_without_gaps_does(tmp_path: Path) -> None:
    graphs = graphs_of(tmp_path, PARTS)
    assert not graphs["Whole"].gaps
    assert not graphs["Part"].gaps
    assert [node.op for node in graphs["Part"].nodes] == ["input", "linear", "mul"]
    assert dict(graphs["Part"].nodes[0].config)["name"] == "x"
    assert graphs["Strange"].gaps  # nothing in the file builds it


INPUTS = """
import torch
from torch import nn


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x, mask):
        x = self.layer(x)
        if mask.dtype == torch.bool:
            x = x.masked_fill(~mask, -100.0)
        else:
            x = x + mask
        return x


class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x):
        if x.ndim == 4:
            x = torch.tanh(x).sum(1)
        return self.layer(x)


class Cast(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, states: tuple[torch.Tensor]):
        return self.layer(states)


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, states: tuple[torch.Tensor]):
        return self.layer(states[-1])
"""


def test_where_rank_dtype_or_kind_of_an_input_leave_gaps_one_is_supposed_that_leaves_none(tmp_path: Path) -> None:
    graphs = graphs_of(tmp_path, INPUTS)
    assert not any(graph.gaps for graph in graphs.values())
    assert {name: graph.world for name, graph in graphs.items()} == {
        "Masked": "when `mask` is of torch.float32",
        "Flat": "when `x` has 2 dimensions",
        "Cast": "when `states` is a tensor",
        "Pooled": "",
    }
    assert [node.op for node in graphs["Masked"].nodes if node.op != "input"] == ["linear", "add"]


FIELDS = """
from dataclasses import dataclass

from torch import nn


@dataclass
class Config:
    width: int = 8
    classes: int | None = None
    name: str | None = None


TextConfig, ImageConfig = Config, Config
Either = Config | ImageConfig


class Classifier(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        if config.classes is None:
            raise ValueError("how many classes?")
        self.layer = nn.Linear(config.width, config.classes)

    def forward(self, x):
        return self.layer(x)


class Layer(nn.Module):
    def __init__(self, config: Either):
        super().__init__()
        self.layer = nn.Linear(config.width, config.width, bias=config.name is None)

    def forward(self, x):
        return self.layer(x)
"""


def test_a_field_that_a_constructor_refuses_to_find_empty_is_given_and_a_named_union_is_one_of_its_classes(
    tmp_path: Path,
) -> None:
    graphs = graphs_of(tmp_path, FIELDS)
    assert not graphs["Classifier"].gaps
    assert graphs["Classifier"].world == "when `classes` is given"
    assert not graphs["Layer"].gaps
    assert [len(node.params) for node in graphs["Layer"].nodes if node.op == "linear"] == [2]


BLIND = """
from torch import nn


class Config:
    def __init__(self, sizes=None):
        self.sizes = sizes
        self.width = 8

    def listed(self):
        def plain(value):
            if isinstance(value, tuple):
                value = [plain(each) for each in value]
            return value

        found = {}
        for key, value in self.__dict__.items():
            if isinstance(value, Config):
                value = value.listed()
            elif isinstance(value, tuple):
                value = plain(value)
            found[key] = value
        self.without(found)
        return found

    def without(self, found):
        found.pop("kept", None)
        for value in found.values():
            if isinstance(value, dict):
                self.without(value)


class Net(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.config = Config(sizes)
        self.shown = self.config.listed()
        self.layer = nn.Linear(self.config.width, self.config.width)

    def forward(self, x):
        return self.layer(x)
"""


def test_a_function_that_calls_itself_with_what_nobody_knows_is_walked_once(tmp_path: Path) -> None:
    assert not graphs_of(tmp_path, BLIND)["Net"].gaps


VALIDATED = """
from dataclasses import dataclass

from huggingface_hub.dataclasses import as_validated_field
from torch import nn


@as_validated_field
def positive(value: int | None = None):
    if value is not None and value <= 0:
        raise ValueError("too small")


@dataclass
class Config:
    width: int = positive(default=8)


class Net(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.layer = nn.Linear(config.width, 2 * config.width)

    def forward(self, x):
        return self.layer(x)
"""


def test_a_function_that_refuses_values_makes_fields_with_their_defaults(tmp_path: Path) -> None:
    graph = graphs_of(tmp_path, VALIDATED)["Net"]
    assert not graph.gaps
    assert [param.shape for param in graph.parameters][:1] == [(16, 8)]
