"""One canned graph in every format against its golden file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from tests.report.canned import GRAPH, RATIO, TRACE, UNKNOWN_RATIO
from vglint.report.graphs import GRAPH_FORMATS
from vglint.report.graphs.layer import all_parameters, layer_text, own_parameters
from vglint.report.graphs.tree import scientific
from vglint.report.view import View
from vglint.report.wrap import columns
from vglint.target import predicted


@pytest.mark.parametrize("name", sorted(GRAPH_FORMATS))
def test_every_format_prints_the_canned_graph(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"reports/graph.{name}.txt", GRAPH_FORMATS[name](GRAPH, TRACE, RATIO))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_text_fits_the_terminal(width: int, golden: Callable[[str, str], None]) -> None:
    text = GRAPH_FORMATS["text"](GRAPH, TRACE, RATIO, View(width=width))
    golden(f"reports/graph.text.{width}.txt", text)
    assert max(columns(line) for line in text.splitlines()) <= width


def test_bars_are_coloured_by_how_far_the_gradient_is() -> None:
    trace = replace(TRACE, gradients=(None, -8.0, -6.0, -4.25, None))
    lines = GRAPH_FORMATS["text"](GRAPH, trace, RATIO, View(color=True)).splitlines()
    colors = [line.partition("\x1b[")[2][:3] for line in lines if "█" in line or "▍" in line or "▎" in line]
    assert colors == ["31m", "33m", "32m"]


def test_no_column_is_empty() -> None:
    bare = replace(TRACE, gradients=(None,) * 5, gains=(None,) * 5)
    graph = replace(GRAPH, nodes=tuple(replace(node, shape=None, params=()) for node in GRAPH.nodes))
    head = GRAPH_FORMATS["text"](graph, bare, UNKNOWN_RATIO, View(width=120)).splitlines()[2]
    assert head.split() == ["line", "%", "signal"]


@pytest.mark.parametrize(
    ("op", "kind", "config", "text"),
    [
        ("linear", "Linear", {"in_features": 64, "out_features": 10, "bias": False}, "a: Linear(64→10, no bias)"),
        (
            "conv2d",
            "Conv2d",
            {"in_channels": 3, "out_channels": 64, "kernel_size": (7, 7), "stride": (2, 2), "padding": (3, 3)},
            "a: Conv2d(3→64, 7×7, stride 2)",
        ),
        ("lstm", "LSTM", {"input_size": 8, "hidden_size": 16, "num_layers": 2}, "a: LSTM(8→16, num_layers=2)"),
        ("layer_norm", "LayerNorm", {"normalized_shape": (64,), "eps": 1e-5}, "a: LayerNorm(64)"),
        ("dropout", "Dropout", {"p": 0.5, "training": None}, "a: Dropout(0.5)"),
        ("softmax", None, {"dim": -1}, "softmax(dim=-1)"),
    ],
)
def test_layers_are_short(op: str, kind: str | None, config: dict[str, object], text: str) -> None:
    node = replace(GRAPH.nodes[1], op=op, type=kind and f"torch.nn.{kind}", path="a", config=tuple(config.items()))  # type: ignore[arg-type]
    assert layer_text(node) == text


def test_parameters_are_counted_once() -> None:
    assert own_parameters(GRAPH.nodes[1], GRAPH) == 64 * 784 + 64
    assert own_parameters(GRAPH.nodes[3], GRAPH) is None
    twice = replace(GRAPH, nodes=(*GRAPH.nodes[:3], replace(GRAPH.nodes[1], index=3)), outputs=())
    assert all_parameters(twice) == 64 * 784 + 64


TRAINED = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))

    def forward(self, x):
        for block in self.blocks:
            x = torch.relu(block(x))
        return x


def main(loader):
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for epoch in range(3):
        for x, y in loader:
            loss = (net(x) - y).pow(2).mean()
            loss.backward()
            optimizer.step()
        print(loss.item())


if __name__ == "__main__":
    main(load())
"""


def test_a_program_is_printed_once_with_its_loops_and_lists(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    """`main()` of a script is one loop with the script, a loop is named where it begins, and a list of modules of which one runs is a part of its name."""
    (tmp_path / "train.py").write_text(TRAINED)
    texts = [GRAPH_FORMATS["text"](*one) for one in predicted(str(tmp_path / "train.py"))]
    golden("reports/graph.program.txt", "\n".join(texts).replace(f"{tmp_path}/", ""))


def test_pictures_are_well_formed_and_load_nothing() -> None:
    hostile = replace(GRAPH, entry='<script>alert("x")</script>')
    drawn = GRAPH_FORMATS["svg"](hostile, TRACE, RATIO)
    root = ElementTree.fromstring(drawn.encode())
    boxes = [element for element in root.iter("{http://www.w3.org/2000/svg}rect") if element.get("class") == "track"]
    assert len(boxes) == sum(gradient is not None for gradient in TRACE.gradients)
    page = GRAPH_FORMATS["html"](hostile, TRACE, RATIO)
    assert "<script" not in page and "<link" not in page and "@import" not in page and "src=" not in page


def test_an_unknown_ratio_is_said() -> None:
    text = GRAPH_FORMATS["text"](GRAPH, TRACE, UNKNOWN_RATIO)
    assert "how the one at body.first (%1) compares with the one at head (%3) is not known" in text


def test_json_has_the_promised_keys() -> None:
    document = json.loads(GRAPH_FORMATS["json"](GRAPH, TRACE, RATIO))
    assert set(document) == {"version", "entry", "nodes", "gaps", "gradient", "parameters"}
    node = document["nodes"][1]
    assert set(node) == {
        *("index", "op", "inputs", "path", "type", "config", "init", "shape", "line", "column", "file"),
        *("signal", "gain"),
    }
    assert node["init"]["weight"] == "kaiming_uniform(a=2.236)"
    assert node["gain"] == pytest.approx(10**-0.48), "gain is of the squared gradient"
    assert document["nodes"][3]["config"]["out_features"] is None
    assert document["nodes"][3]["gain"] is None, "below what JSON's numbers hold"
    assert set(document["gaps"][0]) == {"why", "line", "text"}
    assert set(document["gradient"]) == {"log10_ratio", "first", "last", "profile"}


@pytest.mark.parametrize(
    ("exponent", "text"),
    [(None, ""), (0.0, "1"), (-0.5, "0.316"), (2.5, "316"), (-3.0, "1.0e-03"), (-400.2, "1e-400")],
)
def test_scientific(exponent: float | None, text: str) -> None:
    assert scientific(exponent) == text
