"""The parts of a ratio sum to it, and name the right cause."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.analysis.test_propagate import CASES, stack
from tests.analysis.tracing import trace_module
from vglint.analysis.attribution import attribute
from vglint.analysis.propagate import propagate
from vglint.analysis.ratio import ratio


@pytest.mark.parametrize("name", sorted(CASES))
def test_parts_sum_to_the_ratio(name: str) -> None:
    torch.manual_seed(0)
    make, data, _ = CASES[name]
    graph = trace_module(make(), data())
    trace = propagate(graph)
    found = attribute(graph, trace)
    assert found.total == ratio(graph, trace).log10_ratio
    assert sum(decades for _, _, decades in found.nodes) == pytest.approx(found.total, abs=1e-6)
    assert sum(decades for _, decades in found.causes) == pytest.approx(found.total, abs=1e-6)


def test_sigmoids_cost_more_than_their_init() -> None:
    torch.manual_seed(0)
    graph = trace_module(stack(64, 9, nn.Sigmoid), torch.randn(8, 32))
    causes = dict(attribute(graph, propagate(graph)).causes)
    # Eight sigmoids at √E[σ'²] ≈ 1/4.1, eight layers at √(1/3).
    assert causes["activation"] == pytest.approx(-4.9, abs=0.2)
    assert causes["init"] == pytest.approx(-1.9, abs=0.2)


def test_an_unknown_ratio_has_no_parts() -> None:
    graph = trace_module(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8)), torch.randn(4, 8))
    trace = propagate(graph)
    blind = trace.__class__("predicted", trace.signals, (None,) * len(graph.nodes), trace.gains)
    assert attribute(graph, blind).nodes == ()
