"""Tensors made of numbers alone: their moments, against torch."""

from __future__ import annotations

import pytest
import torch

from vglint.ops.grid import Grid, moments


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (2, 3, 4)])
def test_moments_are_those_of_the_entries(shape: tuple[int, ...]) -> None:
    values = torch.arange(1, torch.Size(shape).numel() + 1, dtype=torch.float64).reshape(shape)
    found = moments(Grid(shape, lambda place: float(values[place])))
    assert found is not None
    assert found.mean == pytest.approx(float(values.mean()))
    assert found.square == pytest.approx(float(values.square().mean()))


@pytest.mark.parametrize("shape", [(0,), (3, 0), (-1, 4), (2, -2)])
def test_a_shape_without_entries_has_none(shape: tuple[int, ...]) -> None:
    assert moments(Grid(shape, lambda place: 1.0)) is None
