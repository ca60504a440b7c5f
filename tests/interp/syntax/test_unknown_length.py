"""Layers that a loop of unknown length makes: one turn stands for all of them, in a loop of its own. Where each turn makes the same and hands its result to the next, that is no gap."""

from __future__ import annotations

import pytest

from vglint.analysis import parametric
from vglint.graph import Graph
from vglint.interp import extract
from vglint.source.module import Module
from vglint.source.project import Project

MODEL = """\
from collections import OrderedDict
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        layers = []
        for _ in range(2):
            layers.append(nn.Linear(width, width))
            layers.append(nn.ReLU())
        self.body = nn.Sequential(*layers)
        self.parts = nn.ModuleList()
        self.parts.append(nn.Linear(width, width))

    def forward(self, x):
        return self.parts[0](self.body(x))


class Net(nn.Module):
    def __init__(self, depth, width=64):
        super().__init__()
{build}

    def forward(self, x):
{run}
"""

SEQUENTIAL = "return self.net(x)"
EACH = "for layer in self.layers:\n    x = layer(x)\nreturn x"
STACK = "linear, sigmoid, (linear, sigmoid)*, linear"


def walked(build: str, run: str) -> Graph:
    def indented(text: str) -> str:
        return "\n".join(f"        {line}" for line in text.splitlines())

    project = Project("/")
    module = project.add("net.py", MODEL.format(build=indented(build), run=indented(run)))
    assert isinstance(module, Module)
    return extract(project, module, "Net")


def layout(graph: Graph) -> str:
    """Returns the ops in order, those inside a loop of unknown length in parentheses."""
    words: list[str] = []
    open_ = 0
    for node in graph.nodes:
        if node.op == "input":
            continue
        region = node.region if graph.regions[node.region].kind == "loop" else 0
        if open_ and region != open_:
            words[-1] += ")*"
        words.append(f"({node.op}" if region and region != open_ else node.op)
        open_ = region
    return ", ".join(words) + (")*" if open_ else "")


@pytest.mark.parametrize(
    ("build", "run", "shown"),
    [
        (
            "layers = [nn.Linear(8, width), nn.Sigmoid()]\n"
            "for _ in range(depth - 2):\n"
            "    layers += [nn.Linear(width, width), nn.Sigmoid()]\n"
            "self.net = nn.Sequential(*layers, nn.Linear(width, 2))",
            SEQUENTIAL,
            STACK,
        ),
        (
            "layers = [nn.Linear(8, width), nn.Sigmoid()]\n"
            "for _ in range(depth):\n"
            "    layers.append(nn.Linear(width, width))\n"
            "    layers.append(nn.Sigmoid())\n"
            "layers.append(nn.Linear(width, 2))\n"
            "self.layers = nn.ModuleList(layers)",
            EACH,
            STACK,
        ),
        (
            "self.layers = nn.ModuleList([nn.Linear(8, width)])\n"
            "for _ in range(depth):\n"
            "    self.layers.append(nn.Linear(width, width))\n"
            "self.layers.append(nn.Linear(width, 2))",
            "for layer in self.layers[:-1]:\n    x = layer(x).sigmoid()\nreturn self.layers[-1](x)",
            STACK,
        ),
        (
            "self.layers = nn.ModuleList([nn.Linear(8, width)] + [nn.Linear(width, width) for _ in range(depth)] + [nn.Linear(width, 2)])",
            "for layer in list(self.layers)[:-1]:\n    x = layer(x).sigmoid()\nreturn self.layers[-1](x)",
            STACK,
        ),
        (
            "self.net = nn.Sequential(*[nn.Linear(8, width), nn.Sigmoid(), *[m for _ in range(depth) for m in (nn.Linear(width, width), nn.Sigmoid())], nn.Linear(width, 2)])",
            SEQUENTIAL,
            STACK,
        ),
        (
            "layers = []\n"
            "for _ in range(depth):\n"
            "    layers.extend([nn.Linear(width, width), nn.Sigmoid()])\n"
            "self.net = nn.Sequential(*layers)",
            SEQUENTIAL,
            "(linear, sigmoid)*",
        ),
        (
            "self.layers = nn.ModuleList()\nfor _ in range(depth):\n    self.layers.append(Block(width))",
            EACH,
            "(linear, relu, linear, relu, linear)*",
        ),
        (
            "self.layers = nn.ModuleList()\nfor _ in range(depth):\n    self.layers.append(nn.Linear(width, width))",
            "for i in range(len(self.layers)):\n    x = self.layers[i](x).sigmoid()\nreturn x",
            "(linear, sigmoid)*",
        ),
        (
            "self.layers = nn.ModuleList([nn.Linear(8, width)])\nself.norms = nn.ModuleList([nn.LayerNorm(width)])\n"
            "for _ in range(depth):\n"
            "    self.layers.append(nn.Linear(width, width))\n    self.norms.append(nn.LayerNorm(width))",
            "for i, (layer, norm) in enumerate(zip(self.layers, self.norms)):\n    x = norm(layer(x))\nreturn x",
            "linear, layer_norm, (linear, layer_norm)*",
        ),
        (
            "layers = [nn.Linear(8, width)]\nfor _ in range(depth):\n    layers.append(nn.Linear(width, width))\n"
            "self.layers = nn.ModuleList(reversed(layers))",
            EACH,
            "(linear)*, linear",
        ),
    ],
)
def test_what_a_loop_makes_is_walked_once(build: str, run: str, shown: str) -> None:
    graph = walked(build, run)
    assert layout(graph) == shown, str(graph)
    assert not graph.gaps, graph.gaps
    (loop,) = [region for region in graph.regions if region.kind == "loop"]
    nodes = [node.index for node in graph.nodes if node.region == loop.index]
    assert loop.carried == ((nodes[0] - 1, nodes[-1]),)


@pytest.mark.parametrize(
    ("build", "run"),
    [
        (
            "widths = [8]\nfor _ in range(depth):\n    widths.append(width)\nwidths.append(2)\n"
            "self.net = nn.Sequential(*[nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:])])",
            SEQUENTIAL,
        ),
        (
            "layers = [('first', nn.Linear(8, width))]\nfor i in range(depth):\n    layers.append((f'layer{i}', nn.Linear(width, width)))\n"
            "self.net = nn.Sequential(OrderedDict(layers))",
            SEQUENTIAL,
        ),
        (
            "self.layers = nn.ModuleList([nn.Linear(8, width)])\nfor _ in range(depth):\n    self.layers.append(nn.Linear(width, width))",
            "for i in range(len(self.layers)):\n    x = self.layers[i](x)\nreturn x",
        ),
        (
            "layers = [nn.Linear(8, 8)]\nfor i in range(depth):\n    if i % 2:\n        layers.append(nn.Linear(8, 8))\nself.net = nn.Sequential(*layers)",
            SEQUENTIAL,
        ),
        (
            "layers = []\nfor _ in range(depth):\n    layers.append(nn.Linear(8, 8))\n    layers.append(nn.ReLU())\nlayers.pop()\nself.net = nn.Sequential(*layers)",
            SEQUENTIAL,
        ),
        *(
            (f"self.layers = nn.ModuleList()\n{build}", EACH)
            for build in (
                "for i in range(depth):\n    if i % 2:\n        continue\n    self.layers.append(nn.Linear(8, 8))",
                "for i in range(depth):\n    if i % 2:\n        self.layers.append(nn.Linear(8, 8))",
                "for i in range(depth):\n    self.layers.append(nn.Linear(8, 8))\n    if i > width:\n        break",
                "for i in range(depth):\n    self.layers.append(nn.Linear(8, 8))\nself.layers[-1] = nn.Identity()",
                "for i in range(depth):\n    self.layers.append(nn.Linear(8, 8))\ndel self.layers[-1]",
                "for i in range(depth):\n    self.layers.append(nn.Linear(8, 8))\nself.layers.pop(-1)",
                "for i in range(depth):\n    self.layers.append(nn.Linear(8, 8))\nself.layers.insert(0, nn.ReLU())",
                "self.layers = nn.ModuleList([nn.Linear(8, 8) for i in range(depth) if i % 2])",
                "for i in range(depth):\n    self.layers.append(nn.Linear(width, width * 2))\n    width *= 2",
                "last = 8\nfor i in range(depth):\n    self.layers.append(nn.Linear(last, width))\n    last = width",
                "i = 0\nwhile i < depth:\n    self.layers.append(nn.Linear(8, 8))\n    i += 2",
            )
        ),
    ],
)
def test_what_is_not_understood_of_it_is_a_gap(build: str, run: str) -> None:
    graph = walked(build, run)
    assert graph.gaps, str(graph)


@pytest.mark.parametrize(
    ("build", "count"),
    [
        ("self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(depth)])[:-1]", "depth - 1"),
        ("self.layers = nn.ModuleList([nn.Linear(8, 8)] * depth)", "depth"),
        (
            "self.layers = nn.Sequential()\nfor i in range(depth):\n    self.layers.add_module(f'layer{i}', nn.Linear(8, 8))",
            "depth",
        ),
    ],
)
def test_how_many_there_are_is_a_symbol(build: str, count: str) -> None:
    graph = walked(build, EACH)
    assert not graph.gaps
    assert [str(region.count) for region in graph.regions if region.kind == "loop"] == [count]


def test_a_list_made_in_each_turn_is_no_list_of_turns() -> None:
    build = (
        "self.layers = nn.ModuleList()\n"
        "for _ in range(depth):\n"
        "    block = []\n"
        "    block.append(nn.Linear(width, width))\n"
        "    block.append(nn.ReLU())\n"
        "    self.layers.append(nn.Sequential(*block))"
    )
    graph = walked(build, EACH)
    assert layout(graph) == "(linear, relu)*"
    assert len([region for region in graph.regions if region.kind == "loop"]) == 1


def test_arguments_behind_what_is_repeated_have_no_place() -> None:
    build = (
        "def pair(first, second):\n"
        "    return nn.Sequential(first, second)\n"
        "layers = [nn.Linear(8, width), nn.ReLU()]\n"
        "for _ in range(depth):\n"
        "    layers += [nn.Linear(width, width), nn.ReLU()]\n"
        "self.net = pair(*layers)"
    )
    graph = walked(build, SEQUENTIAL)
    assert any("too many" in gap.text for gap in graph.gaps), graph.gaps


def test_a_dict_of_an_unknown_number_of_layers_is_no_fault_of_ours() -> None:
    graph = walked(
        "self.layers = nn.ModuleDict({str(i): nn.Linear(width, width) for i in range(depth)})",
        "for layer in self.layers.values():\n    x = layer(x)\nreturn x",
    )
    assert graph.gaps


def test_a_loop_too_large_to_lay_out_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = "\n".join(["for layer in self.layers:", *["    x = layer(x).relu()"] * 60, "return x"])
    graph = walked("self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])", turn)
    assert any(region.kind == "loop" for region in graph.regions)
    monkeypatch.setattr(parametric, "_unrolled", lambda *_: pytest.fail("laid out"))
    assert not list(parametric.depths(graph))
