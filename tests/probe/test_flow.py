"""`assert_gradient_flow` fails on the measured gradient, and says why where nothing can be measured."""

from __future__ import annotations

import pytest

import vglint.probe
from vglint.probe.flow import Flow

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402


def stack(activation: type[nn.Module], depth: int, width: int = 16) -> nn.Module:
    torch.manual_seed(0)
    layers = [part for _ in range(depth) for part in (nn.Linear(width, width), activation())]
    return nn.Sequential(*layers, nn.Linear(width, 2))


BATCH = (torch.randn(32, 16), torch.randint(2, (32,)))


@pytest.mark.parametrize("steps", [12, 20, 60])
def test_a_vanishing_stack_fails_whatever_the_steps(steps: int) -> None:
    with pytest.raises(AssertionError, match=r"the gradient at 0 is about 1/[\d,]+ of the one at 14, below 0.0001"):
        vglint.probe.assert_gradient_flow(stack(nn.Sigmoid, 8), BATCH, steps=steps)


def test_a_layer_is_not_compared_with_itself() -> None:
    assert str(Flow("head", "head", 0.0)) == "no weight layer gets less of it than head"


def test_the_least_ratio_may_be_chosen() -> None:
    model = stack(nn.Sigmoid, 8)
    vglint.probe.assert_gradient_flow(model, BATCH, min_ratio=1e-9, steps=12)
    with pytest.raises(AssertionError, match=r"below 0\.5"):
        vglint.probe.assert_gradient_flow(stack(nn.ReLU, 4), BATCH, min_ratio=0.5, steps=12)


def test_a_sound_stack_and_a_head_that_starts_at_zero_pass() -> None:
    model = stack(nn.GELU, 4)
    vglint.probe.assert_gradient_flow(model, BATCH, steps=12)
    nn.init.zeros_(model[-1].weight)
    vglint.probe.assert_gradient_flow(model, BATCH, steps=12)


class Cut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 2)

    def forward(self, x):
        return self.third(self.second(self.first(x).relu().detach()).relu())


def test_a_cut_path_fails() -> None:
    with pytest.raises(AssertionError, match="first"):
        vglint.probe.assert_gradient_flow(Cut(), BATCH, steps=12)


def test_what_cannot_be_compared_fails_with_its_reason_unless_allowed() -> None:
    with pytest.raises(AssertionError, match="no weight layer feeds another"):
        vglint.probe.assert_gradient_flow(nn.Linear(16, 2), BATCH, steps=12)
    vglint.probe.assert_gradient_flow(nn.Linear(16, 2), BATCH, steps=12, allow_inconclusive=True)


def test_seeds_that_cannot_differ_are_one_run() -> None:
    report = vglint.probe.probe(stack(nn.GELU, 2), BATCH, optimizer="adam", steps=12, seeds=3)
    assert report.measured is not None and len(report.measured.runs) == 1
    assert "the gradient flows" in str(report) and "too few steps" in str(report)
    model = nn.Sequential(nn.Linear(16, 16), nn.Dropout(0.5), nn.Linear(16, 2))
    again = vglint.probe.probe(model, BATCH, optimizer="adam", steps=12, seeds=2)
    assert again.measured is not None and len(again.measured.runs) == 2
