"""One canned graph in every format against its golden file."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.report.canned import GRAPH, RATIO, TRACE, UNKNOWN_RATIO
from vglint.report.graphs import GRAPH_FORMATS
from vglint.report.graphs.tree import scientific


@pytest.mark.parametrize("name", sorted(GRAPH_FORMATS))
def test_every_format_prints_the_canned_graph(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"reports/graph.{name}.txt", GRAPH_FORMATS[name](GRAPH, TRACE, RATIO))


def test_an_unknown_ratio_is_said() -> None:
    text = GRAPH_FORMATS["text"](GRAPH, TRACE, UNKNOWN_RATIO)
    assert "gradient: the ratio of %1 body.first to %3 head is not known" in text


def test_json_has_the_promised_keys() -> None:
    document = json.loads(GRAPH_FORMATS["json"](GRAPH, TRACE, RATIO))
    assert set(document) == {"version", "entry", "nodes", "gaps", "gradient"}
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
