"""Moments of a softmax against draws."""

from __future__ import annotations

import math

import pytest
import torch

from vglint.ops.softmax import softness


@pytest.mark.parametrize("count", [2, 3, 10, 24, 200])
@pytest.mark.parametrize("variance", [0.005, 0.1, 1.0, 4.0, 16.0, 900.0])
def test_moments_are_those_of_draws(count: int, variance: float) -> None:
    torch.manual_seed(0)
    p = (torch.randn(20_000, count) * math.sqrt(variance)).softmax(1)
    square = p.pow(2).sum(1)
    jacobian = (p * p * (1 - 2 * p + square[:, None])).sum(1).mean().item()
    found = softness(variance, count)
    assert found.own == pytest.approx(square.mean().item(), rel=0.06)
    assert found.jacobian == pytest.approx(jacobian, rel=0.1, abs=0.01)


def test_one_entry_is_certain() -> None:
    assert softness(3.0, 1) == (1.0, 0.0)
