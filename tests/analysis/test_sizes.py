"""The sizes that are taken where the source names none."""

from __future__ import annotations

from pathlib import Path

from vglint.analysis.sizes import assumed
from vglint.finding import Problem
from vglint.interp import entries
from vglint.source.project import Project

WAVES = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential({layers})

    def forward(self, x):
        return self.net(x)
"""


def lengths(*layers: str) -> list[object]:
    project = Project(Path.cwd())
    module = project.add("waves.py", WAVES.format(layers=", ".join(layers)))
    assert not isinstance(module, Problem)
    (graph,) = entries(project, module)
    return [node.shape[-1] if node.shape else None for node in assumed(graph).nodes]


def test_a_sequence_is_longer_than_the_kernels_that_read_it() -> None:
    found = lengths("nn.Conv1d(1, 8, 250, stride=160, padding=45)", "nn.Conv1d(8, 8, 48, stride=2, padding=23)")
    assert found == [16000, 100, 50]


def test_a_short_sequence_is_enough_for_short_kernels() -> None:
    assert lengths("nn.Conv1d(1, 8, 3, padding=1)", "nn.Conv1d(8, 8, 7, padding=3)") == [128, 128, 128]


def test_a_number_without_dimensions_may_be_given_some() -> None:
    shaped = "nn.Linear(4, 4), nn.Flatten(0), *[Mean(), View()]"
    text = WAVES.replace(
        "class Net", "class Mean(nn.Module):\n    def forward(self, x):\n        return x.mean()\n\n\nclass Net", 1
    ).replace(
        "class Net", "class View(nn.Module):\n    def forward(self, x):\n        return x.view(1, -1)\n\n\nclass Net", 1
    )
    project = Project(Path.cwd())
    module = project.add("scalar.py", text.format(layers=shaped))
    assert not isinstance(module, Problem)
    graph = next(graph for graph in entries(project, module) if graph.entry == "Net")
    assert [node.shape for node in assumed(graph).nodes if node.op in ("mean", "view")] == [(), (1, 1)]
