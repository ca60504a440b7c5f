"""Every initialiser's mean and variance against real tensors."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from vglint.graph import Init
from vglint.ops.init import calculate_gain, spread
from vglint.value import Expr

CASES: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("normal", {"mean": 0.0, "std": 0.3}, (300, 200)),
    ("normal", {"mean": 0.5, "std": 0.1}, (300, 200)),
    ("trunc_normal", {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0}, (400, 300)),
    ("trunc_normal", {"mean": 0.5, "std": 2.0, "a": -1.0, "b": 3.0}, (400, 300)),
    ("trunc_normal", {"mean": 0.0, "std": 0.02, "a": -2.0, "b": 2.0}, (400, 300)),
    ("uniform", {"a": -0.1, "b": 0.3}, (300, 200)),
    ("constant", {"val": 0.7}, (30, 20)),
    ("zeros", {}, (30, 20)),
    ("ones", {}, (30, 20)),
    ("xavier_uniform", {"gain": 1.5}, (300, 200)),
    ("xavier_normal", {"gain": 1.0}, (64, 32, 3, 3)),
    ("kaiming_uniform", {"a": math.sqrt(5), "mode": "fan_in", "nonlinearity": "leaky_relu"}, (300, 200)),
    ("kaiming_normal", {"a": 0.0, "mode": "fan_out", "nonlinearity": "relu"}, (64, 32, 3, 3)),
    ("kaiming_normal", {"a": 0.0, "mode": "fan_in", "nonlinearity": "tanh"}, (300, 200)),
    ("orthogonal", {"gain": 1.4}, (300, 200)),
    ("orthogonal", {"gain": 1.0}, (64, 16, 3, 3)),
    ("sparse", {"sparsity": 0.25, "std": 0.1}, (400, 300)),
]


@pytest.mark.parametrize(("scheme", "args", "shape"), CASES)
def test_variance_is_that_of_torch(scheme: str, args: dict[str, Any], shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    tensor = torch.empty(shape)
    getattr(nn.init, scheme + "_")(tensor, **args)
    found = spread(Init(scheme, tuple(args.items())), shape)
    assert found is not None
    variance = found.variance()
    assert variance is not None
    assert variance == pytest.approx(tensor.var(correction=0).item(), rel=0.03, abs=1e-12)
    assert found.mean == pytest.approx(tensor.mean().item(), abs=5 * math.sqrt(variance / tensor.numel()) + 1e-6)


def test_gains_are_those_of_torch() -> None:
    for name, param in [
        ("linear", None),
        ("sigmoid", None),
        ("tanh", None),
        ("relu", None),
        ("leaky_relu", 0.3),
        ("leaky_relu", None),
        ("selu", None),
    ]:
        assert calculate_gain(name, param) == pytest.approx(nn.init.calculate_gain(name, param))
    assert calculate_gain("swish") is None


@pytest.mark.parametrize("scheme", ["unknown", "uninitialised", "my_own"])
def test_what_is_not_known_has_no_variance(scheme: str) -> None:
    assert spread(Init(scheme), (3, 4)) is None


def test_an_argument_that_is_a_symbol_has_no_variance() -> None:
    assert spread(Init("normal", (("mean", 0.0), ("std", Expr.symbol("s")))), (3, 4)) is None


def test_a_factor_multiplies_the_standard_deviation() -> None:
    found = spread(Init("normal", (("mean", 0.0), ("std", 1.0)), scale=0.02), (3, 4))
    assert found is not None and found.variance() == pytest.approx(4e-4)


def test_fan_in_cancels_for_a_width_that_is_not_known() -> None:
    width = Expr.symbol("hidden")
    found = spread(
        Init("kaiming_uniform", (("a", 0.0), ("mode", "fan_in"), ("nonlinearity", "leaky_relu"))), (width, width)
    )
    assert found is not None and found.over == width and found.var == pytest.approx(2.0)
    assert found.variance() is None


def test_blocks_along_the_first_dimension_are_orthogonal_one_by_one() -> None:
    whole, gates = spread(Init("orthogonal"), (256, 64)), spread(Init("orthogonal", blocks=4), (256, 64))
    assert whole is not None and gates is not None
    assert whole.variance() == pytest.approx(1 / 256)
    assert gates.variance() == pytest.approx(1 / 64)
