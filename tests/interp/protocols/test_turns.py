"""Loops of unknown length: their number is a gap where something is handed from turn to turn that is not known, and none else."""

from __future__ import annotations

import pytest

from vglint.graph import Graph
from vglint.interp import extract
from vglint.source.module import Module
from vglint.source.project import Project

MODEL = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=8, experts=4):
        super().__init__()
        self.experts = experts
        self.up = nn.Parameter(torch.randn(experts, width, width))
        self.layer = nn.Linear(width, width)
        self.last = None
        self.seen = 0

    def forward(self, x, chosen):
        total = torch.zeros_like(x)
        hit = (nn.functional.one_hot(chosen, self.experts).sum(0) > 0).nonzero()
        state = x.mean(0)
        outputs = []
        count = 0
{loop}
"""


def gaps(loop: str) -> list[str]:
    return [gap.text for gap in graph_of(loop).gaps if gap.why == "loop bound"]


def graph_of(loop: str) -> Graph:
    project = Project("/")
    lines = "\n".join(f"        {line}" for line in loop.strip().splitlines())
    module = project.add("net.py", MODEL.format(loop=lines))
    assert isinstance(module, Module)
    return extract(project, module, "Net")


@pytest.mark.parametrize(
    "loop",
    [
        """
for expert in hit:
    expert = expert[0]
    if expert == self.experts:
        continue
    rows = torch.where(chosen == expert)[0]
    y = x[rows] @ self.up[expert]
    total.index_add_(0, rows, y.relu())
return total
""",
        """
for expert in hit:
    total = total + self.layer(x * expert)
return total
""",
        """
for expert in hit:
    total += self.layer(x)
    total += self.layer(x * 2)
return total
""",
        """
for row in x:
    outputs.append(self.layer(row).relu())
return outputs
""",
        """
for place in range(x.shape[1]):
    y = self.layer(x[:, place])
    total[:, place] = y.tanh()
return total
""",
        """
for row in hit:
    count = row * 2
    outputs.append(self.layer(x * count))
return outputs
""",
    ],
)
def test_turns_that_share_nothing_but_a_sum_are_no_gap(loop: str) -> None:
    assert gaps(loop) == []


@pytest.mark.parametrize(
    ("loop", "count"),
    [
        (f"for place in range({number}):\n    {body}\nreturn {state}", count)
        for number, count in (("x.shape[1]", "x.1"), ("self.layer.in_features - x.size(2)", "-x.2 + 8"))
        for body, state in (
            ("total[:, place] = self.layer(total[:, place - 1])", "total"),
            ("state = self.layer(state + x[:, place].mean(0)).tanh()", "state"),
        )
    ],
)
def test_what_turns_hand_on_is_told(loop: str, count: str) -> None:
    assert gaps(loop) == []
    (region,) = [region for region in graph_of(loop).regions if region.kind == "loop"]
    assert str(region.count) == count
    assert len(region.carried) == 1


@pytest.mark.parametrize(
    "loop",
    [
        """
for row in x:
    state = self.layer(state + row).tanh()
return state
""",
        """
for row in hit:
    total = total + self.layer(total)
return total
""",
        """
for row in hit:
    total = total * self.layer(x)
return total
""",
        """
state = torch.zeros(3, 8)
for place in range(x.shape[1]):
    state = torch.cat([state, self.layer(state)])
return state
""",
        """
for place in range(x.shape[1]):
    state = self.layer(state) * count
    count += 1
return state
""",
        """
outputs.append(state)
for row in x:
    outputs.append(self.layer(outputs[-1]))
return outputs[-1]
""",
        """
for row in x:
    state = self.layer(row) if count == 0 else self.layer(state)
    count += 1
return state
""",
        """
self.last = state
for row in x:
    self.last = self.layer(self.last)
return self.last
""",
        """
for row in x:
    if row.sum() > 0:
        state = self.layer(state)
return state
""",
        """
while state.sum() > 1:
    state = self.layer(state)
return state
""",
    ],
)
def test_turns_that_follow_on_one_another_are_a_gap(loop: str) -> None:
    assert gaps(loop)
