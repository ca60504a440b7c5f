"""The graph that is read from source equals what torch executes, op by op; hooks on the real model decide."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable

import pytest
import torch
from models import FIXTURES, IDIOMS, MODELS, SAMPLED, UNKNOWABLE, Runnable
from oracle import Comparison, compare, record

from vglint.analysis.propagate import propagate
from vglint.analysis.ratio import ratio
from vglint.finding import Problem
from vglint.graph import Graph
from vglint.interp import extract
from vglint.report.graphs import GRAPH_FORMATS
from vglint.source.project import Project

GAPS = {"models/seq2seq_attention.py"}
"""Models with a branch and a loop that only the data decides."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def graph_of(entry: Runnable) -> Graph:
    project = Project(FIXTURES)
    module = project.module(FIXTURES / entry.file)
    assert not isinstance(module, Problem), module
    return extract(project, module, entry.expression)


def compared(entry: Runnable) -> tuple[Graph, Comparison]:
    graph = graph_of(entry)
    return graph, compare(record(entry.build(), *entry.inputs()), graph)


@pytest.mark.parametrize("entry", MODELS, ids=str)
def test_model_equals_execution(entry: Runnable) -> None:
    graph, found = compared(entry)
    report = "\n".join([*found.differences, *(str(gap) for gap in graph.gaps)])
    assert found.exact, report
    assert found.same_order, report
    assert not found.wrong_edges, found.wrong_edges
    assert not found.wrong_config, found.wrong_config
    assert not found.wrong_init, found.wrong_init
    assert found.layers > 0 or found.params > 0
    if entry.file not in GAPS:
        assert not graph.gaps, report


@pytest.mark.parametrize("entry", SAMPLED, ids=str)
def test_distribution_computes_as_execution(entry: Runnable) -> None:
    graph, found = compared(entry)
    assert found.exact, "\n".join(found.differences)
    assert not found.wrong_edges and not found.wrong_config and not graph.gaps


@pytest.mark.parametrize("entry", [entry for entry in IDIOMS if entry.file not in UNKNOWABLE], ids=str)
def test_idiom_equals_execution(entry: Runnable) -> None:
    graph, found = compared(entry)
    assert found.exact and found.same_order, "\n".join([*found.differences, str(graph)])
    assert not found.wrong_edges, found.wrong_edges
    assert not found.wrong_config, found.wrong_config
    assert not found.wrong_init, found.wrong_init
    assert not graph.gaps, graph.gaps


@pytest.mark.parametrize("entry", IDIOMS, ids=str)
def test_idiom_prints_as_golden(entry: Runnable, golden: Callable[[str, str], None]) -> None:
    golden(entry.file.replace(".py", ".txt"), f"{graph_of(entry)}\n")


def test_what_source_cannot_tell_is_a_gap() -> None:
    for entry in IDIOMS:
        if entry.file in UNKNOWABLE:
            graph = graph_of(entry)
            assert {gap.why for gap in graph.gaps} <= {
                "loop bound",
                "branches differ",
                "unresolved name",
                "unmodelled call",
            }
            assert graph.gaps


def test_comparison_can_fail() -> None:
    """A wrong width, a missing layer and an invented one are all seen."""
    mlp = next(entry for entry in MODELS if entry.expression == "MLP()")
    real = record(mlp.build(), *mlp.inputs())
    project = Project(FIXTURES)
    module = project.module(FIXTURES / mlp.file)
    assert not isinstance(module, Problem)
    wide = compare(real, extract(project, module, "MLP(hidden=300)"))
    assert not wide.exact and wide.same_order and wide.layers_matched == 0
    other = project.module(FIXTURES / "models/dqn_agent.py")
    assert not isinstance(other, Problem)
    wrong = compare(real, extract(project, other, "QNetwork()"))
    assert not wrong.exact and not wrong.same_order and wrong.invented and wrong.missing


def test_package_equals_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes, base classes, a registry and an init helper in six files of one package, through re-exports."""
    folder = FIXTURES / "projects" / "segmentation"
    monkeypatch.syspath_prepend(str(folder / "src"))
    build = importlib.import_module("segnet.model").build_model
    project = Project(folder)
    module = project.module(folder / "train.py")
    assert not isinstance(module, Problem)
    image = torch.randn(2, 3, 32, 32)
    graph = extract(project, module, "build_model(act='silu', probabilities=True)")
    found = compare(record(build(act="silu", probabilities=True), image), graph)
    assert found.exact and found.same_order and found.layers == 24, found.differences
    assert not (found.wrong_edges or found.wrong_config or found.wrong_init or graph.gaps)
    registered = extract(project, module, "build_model(act='mish_like')")
    partly = compare(record(build(act="mish_like"), image), registered)
    assert not partly.invented and (partly.same_order or registered.gaps)


def test_json_compares_as_the_graph_does() -> None:
    for expression in ("ResNet18()", "GPT(GPTConfig())"):
        entry = next(entry for entry in MODELS if entry.expression == expression)
        graph = graph_of(entry)
        trace = propagate(graph)
        text = GRAPH_FORMATS["json"](graph, trace, ratio(graph, trace))
        real = record(entry.build(), *entry.inputs())
        first, second = compare(real, graph), compare(real, json.loads(text))
        assert second.exact and second.same_order and second.layers == first.layers and not second.wrong_init
