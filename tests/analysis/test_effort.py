"""What facts cost: no fact of a deep model walks through the whole graph for each of its nodes."""

from __future__ import annotations

import pytest

from vglint.analysis.facts.effort import Effort
from vglint.interp import entries
from vglint.rulebook import load
from vglint.source.project import Project

BOOK = load()

SHALLOW, DEEP = 12, 96
SLACK = 2
"""By how much faster than the graph, which grows eightfold, the walks through it may grow."""

STACK = """
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        y = self.scale * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)
        weights = torch.softmax(self.q(y) @ self.k(y).transpose(1, 2) * 0.125, dim=-1)
        x = x + self.out(weights @ self.v(y))
        return x + self.down(torch.relu(self.up(x)))


class Net(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.blocks = nn.ModuleList(Block(width) for _ in range(DEPTH))
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(1))
"""
TRAINED = """

net = Net()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for _ in range(100):
    prediction = net(torch.randn(8, 16, 64))
    loss = ((prediction - torch.randn(8, 10)) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize("text", [STACK, STACK + TRAINED], ids=["class", "training"])
def test_judging_grows_as_the_graph_does(text, monkeypatch):
    spent: list[int] = []
    monkeypatch.setattr(Effort, "spend", lambda effort, nodes: spent.append(nodes))
    counted = []
    for depth in (SHALLOW, DEEP):
        project = Project("/")
        graphs = entries(project, project.add("net.py", text.replace("DEPTH", str(depth))))
        spent.clear()
        BOOK.check(graphs, advise=False)
        counted.append((sum(len(graph.nodes) for graph in graphs), sum(spent)))
    (small, few), (large, many) = counted
    assert large > 6 * small
    assert small < few < 50 * small
    assert many < SLACK * few * large / small
