"""A call that vglint cannot take costs one value, and no entry; a fault of a handler is raised where VGLINT_DEBUG is set, as in these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from vglint.analysis.propagate import propagate
from vglint.finding import Problem
from vglint.graph import Graph
from vglint.interp import entries
from vglint.interp.machine.core import EVAL, EXEC, LIBRARY
from vglint.source import code
from vglint.source.project import Project

NET = """
import copy, functools, itertools, math, operator
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        {setup}
        self.last = nn.Linear(4, 4)

    def forward(self, x):
        return self.last({forward})
"""


def graph_of(setup: str = "pass", forward: str = "self.first(x)") -> Graph:
    project = Project(Path.cwd())
    module = project.add("net.py", NET.format(setup=setup, forward=forward))
    assert not isinstance(module, Problem)
    (graph,) = entries(project, module)
    return graph


REFUSED = """
map()
reversed()
filter()
iter()
next()
sum()
any()
min()
max()
sorted()
zip(1, 2)
enumerate()
len()
int("x", 99)
chr(-1)
round()
range()
range(1, 2, 0)
range(2**63)
list(range(2**63))
dict.fromkeys()
functools.reduce(max, [])
functools.reduce()
functools.partial()
itertools.starmap()
itertools.pairwise()
itertools.chain.from_iterable()
itertools.cycle()
itertools.product(range(9), repeat=-1)
operator.itemgetter(0)()
copy.deepcopy()
math.sqrt(-1)
math.factorial(-1)
math.prod()
[][1]
{}["a"]
(1, 2)[5]
"abc" % 3
1 / 0
2.0 ** 5000
1 << -1
int("9" * 5000)
float("x")
"{} {}".format(1)
"{a}".format()
"x".join([1])
[1, 2].index(3)
[].pop()
{}.pop("a")
"x".encode("nonsense")
next(iter([]))
nn.init.calculate_gain("leaky_relu", 1e308)
nn.init.calculate_gain("leaky_relu", 10 ** 400)
nn.init.calculate_gain()
nn.init.calculate_gain("nonsense")
nn.init.uniform_(self.first.weight, -1e308, 1e308)
nn.init.normal_(self.first.weight, 0, 1e308)
nn.init.normal_(self.first.weight, 0, -1)
nn.init.uniform_()
""".strip().splitlines()
"""Python or torch refuse most of these, and the rest is larger than any number that is computed with."""


@pytest.mark.parametrize("call", REFUSED)
def test_what_a_call_refuses_costs_one_value(call: str) -> None:
    graph = graph_of(setup=f"self.value = {call}")
    assert [node.op for node in graph.nodes] == ["input", "linear", "linear"]
    propagate(graph)


@pytest.mark.parametrize(
    "forward",
    [
        "torch.clamp(self.first(x), 5, -5)",
        "torch.clamp(self.first(x), 1e308, 1e309)",
        "self.first(x) * 1e308 * 1e308",
        "self.first(x) / 0",
        "self.first(x) ** 1e308",
        "self.first(x).view(0, -1)",
        "self.first(x).view(-1, -1)",
        "self.first(x).permute(0, 9)",
        "self.first(x).transpose(3, -7)",
        "self.first(x)[..., 9:2:-1]",
        "torch.cat([])",
        "torch.stack(())",
        "torch.cat([self.first(x)], dim=9)",
        "torch.softmax(self.first(x), dim=9)",
        "nn.functional.leaky_relu(self.first(x), 1e308)",
        "nn.functional.dropout(self.first(x), 2.0)",
        "self.first(x).chunk(0)[0]",
        "self.first(x).split([])",
    ],
)
def test_what_a_tensor_refuses_costs_one_prediction(forward: str) -> None:
    propagate(graph_of(forward=forward))


def fail(*_: object) -> object:
    raise IndexError("on purpose")


@pytest.mark.parametrize(
    ("table", "key"),
    [(LIBRARY, "math.prod"), (EVAL, code.Display), (EXEC, code.If)],
    ids=["call", "expression", "statement"],
)
def test_a_fault_is_one_gap_and_raised_under_the_switch(
    table: dict[object, object], key: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(table, key, fail)
    setup = "if True: self.value = math.prod([1])"
    with pytest.raises(IndexError, match="on purpose"):
        graph_of(setup)
    monkeypatch.delenv("VGLINT_DEBUG")
    graph = graph_of(setup)
    assert [node.op for node in graph.nodes] == ["input", "linear", "linear"]
    assert len(graph.gaps) == 1 and graph.gaps[0].span is not None
