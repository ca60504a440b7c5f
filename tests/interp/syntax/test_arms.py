"""Which arm of a condition speaks for both, what its arms leave, and loops whose first turn is another than those behind it."""

from __future__ import annotations

import pytest

from vglint.graph import Graph
from vglint.interp import extract
from vglint.source.module import Module
from vglint.source.project import Project

MODEL = """\
import random
import numpy as np
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, drop=0.1):
        super().__init__()
        self.drop = drop
        self.layers = nn.ModuleList([nn.Linear(16, 16) for _ in range(3)])
        self.cell = nn.GRUCell(16, 16)

    def forward(self, x, lengths, many):
{body}
"""
SKIPPED = """\
for layer in self.layers:
    {draw}
    if {kept}:
        x = layer(x)
return x"""
MASK = """\
def traced(lengths):
    lengths = lengths.clamp(max=9).long()
    return torch.arange(9) >= lengths[:, None]

def listed(lengths):
    lengths = lengths.long().tolist()
    return torch.tensor([[place >= length for place in range(9)] for length in lengths])

hidden = traced(lengths) if lengths.dim() == 1 else listed(lengths)
return self.layers[0](x).masked_fill(hidden, 0.0)"""
STATE = """\
h, states = {start}, []
for t in range(x.shape[0]):
    h = {step}
    states.append(h)
return torch.stack(states)"""


def graph_of(body: str) -> Graph:
    project = Project("/")
    indented = "\n".join(f"        {line}" for line in body.splitlines())
    module = project.add("net.py", MODEL.format(body=indented))
    assert isinstance(module, Module)
    return extract(project, module, "Net")


def joins(graph: Graph) -> int:
    return sum(node.op == "join" for node in graph.nodes)


@pytest.mark.parametrize(
    ("draw", "kept", "whole"),
    [
        ("skip = self.training and torch.rand([]) < self.drop", "not skip", True),
        ("skip = torch.rand([]) < self.drop", "not skip or many", True),
        ("pass", "torch.rand(1).item() > self.drop", True),
        ("drawn = torch.empty(3).uniform_()", "not self.training or (drawn[1] >= self.drop)", True),
        ("drawn = torch.empty(3).uniform_(0, 0.2)", "drawn[1] >= self.drop", False),
        ("p = np.random.random()", "not self.training or p > self.drop", True),
        ("pass", "self.drop < random.random()", True),
        ("pass", "random.uniform(0, 1) < 0.9", True),
        ("pass", "random.uniform(0, 9) > self.drop", False),
        ("pass", "random.random() > self.drop and many", False),
        ("pass", "torch.rand(1) > self.drop and many", False),
        ("pass", "random.random() > 0.5", False),
        ("pass", "torch.rand(1) > 0.5", False),  # as often as not
        ("pass", "torch.rand(1) < self.drop", False),  # the layer seldom runs
        ("pass", "torch.randn(1) > self.drop", False),
    ],
)
def test_a_layer_that_a_drawn_number_seldom_skips_is_kept(draw: str, kept: str, whole: bool) -> None:
    graph = graph_of(SKIPPED.format(draw=draw, kept=kept))
    assert sum(node.op == "linear" for node in graph.nodes) == 3
    assert (not graph.gaps, joins(graph) == 0) == (whole, whole)


def test_arms_that_leave_no_more_than_a_mask_do_not_matter() -> None:
    assert not graph_of(MASK).gaps
    weighted = MASK.replace("return torch.arange(9) >= lengths[:, None]", "return self.layers[1](x)")
    assert graph_of(weighted).world == "when `lengths` has 2 dimensions"


@pytest.mark.parametrize(
    ("step", "cells", "states"),
    [
        ("self.cell(x[t], h)", 2, 1),
        ("self.cell(x[t]) if h is None else self.cell(x[t], h)", 2, 1),
        ("self.cell(x[t])", 1, 0),
    ],
)
def test_a_state_that_starts_from_none_is_carried_from_the_second_turn_on(step: str, cells: int, states: int) -> None:
    graph = graph_of(STATE.format(start="None", step=step))
    made = [node for node in graph.nodes if node.op == "gru_cell"]
    assert (len(made), sum(len(node.inputs) > 1 for node in made)) == (cells, states)
    started = graph_of(STATE.format(start="x.new_zeros(4, 16)", step=step))
    assert sum(node.op == "gru_cell" for node in started.nodes) == 1


def test_the_turns_behind_a_first_one_follow_on_one_another() -> None:
    carried = "h = None\nfor t in range(x.shape[0]):\n    h = self.cell(x[t], h)\nreturn h"
    for loop in (carried, carried.replace("None", "x.new_zeros(4, 16)")):
        graph = graph_of(loop)
        cells = [node.index for node in graph.nodes if node.op == "gru_cell"]
        (region,) = [region for region in graph.regions if region.kind == "loop"]
        assert not graph.gaps
        assert region.carried == ((graph.nodes[cells[-1]].inputs[1], cells[-1]),)
