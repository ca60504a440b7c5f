"""The sizes that are taken where the source names none."""

from __future__ import annotations

from pathlib import Path

from vglint.analysis.sizes import _flattened, assumed
from vglint.finding import Problem
from vglint.interp import entries
from vglint.source.project import Project
from vglint.value import Expr

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


def test_a_number_without_dimensions_has_none_to_flatten() -> None:
    assert _flattened((), (1, -1)) is None
    assert _flattened((Expr.symbol("x.B"), 3, 4), (Expr.symbol("x.B"), -1)) == (Expr.symbol("x.B"), 12)
