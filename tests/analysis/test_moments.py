"""Moments of every activation against quadrature in numpy and against torch's own operations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vglint.ops import quadrature
from vglint.ops.curves import ELEMENTWISE, affine, composed, curve, product, rays
from vglint.ops.quadrature import gaussian_moments, maximum_moments

GRID = np.linspace(-9, 9, 24_001)
WEIGHT = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()

TORCH: dict[str, tuple[dict[str, Any], Any]] = {
    "relu": ({}, F.relu), "relu6": ({}, F.relu6), "leaky_relu": ({"negative_slope": 0.2}, lambda x: F.leaky_relu(x, 0.2)),
    "elu": ({"alpha": 1.5}, lambda x: F.elu(x, 1.5)), "celu": ({"alpha": 0.5}, lambda x: F.celu(x, 0.5)), "selu": ({}, F.selu),
    "gelu": ({"approximate": "none"}, F.gelu), "silu": ({}, F.silu), "mish": ({}, F.mish), "hardswish": ({}, F.hardswish),
    "sigmoid": ({}, torch.sigmoid), "hardsigmoid": ({}, F.hardsigmoid), "logsigmoid": ({}, F.logsigmoid), "tanh": ({}, torch.tanh),
    "hardtanh": ({"min_val": -2.0, "max_val": 0.5}, lambda x: F.hardtanh(x, -2.0, 0.5)), "clamp": ({"min": -1.0, "max": 2.0}, lambda x: x.clamp(-1, 2)),
    "softplus": ({"beta": 2.0, "threshold": 20.0}, lambda x: F.softplus(x, 2.0)), "softsign": ({}, F.softsign), "tanhshrink": ({}, F.tanhshrink),
    "softshrink": ({"lambd": 0.3}, lambda x: F.softshrink(x, 0.3)), "hardshrink": ({"lambd": 0.3}, lambda x: F.hardshrink(x, 0.3)),
    "threshold": ({"threshold": 0.1, "value": -0.5}, lambda x: F.threshold(x, 0.1, -0.5)), "erf": ({}, torch.erf), "atan": ({}, torch.atan),
    "asinh": ({}, torch.asinh), "sin": ({}, torch.sin), "cos": ({}, torch.cos), "exp": ({}, torch.exp), "expm1": ({}, torch.expm1), "abs": ({}, torch.abs),
    "neg": ({}, torch.neg), "square": ({}, torch.square), "pow": ({"exponent": 3}, lambda x: x**3),
}  # fmt: skip
"""Torch's operation for each curve; `rrelu` draws its slopes and has a test of its own."""


def test_every_curve_is_compared() -> None:
    assert set(TORCH) == ELEMENTWISE - {"rrelu"}


def test_what_was_asked_before_changes_no_result() -> None:
    shape = curve("sigmoid", {}.get)
    assert shape is not None
    near = [0.3 * (1 + 1e-5 * step) for step in range(40)]
    forwards = {v: gaussian_moments(shape, 0.0, v) for v in near}
    quadrature._memo.clear()
    assert {v: gaussian_moments(shape, 0.0, v) for v in reversed(near)} == forwards


@pytest.mark.parametrize("op", sorted(TORCH))
@pytest.mark.parametrize("v", [1e-3, 0.3, 1.0, 2.7])
def test_moments_are_those_of_torch(op: str, v: float) -> None:
    config, function = TORCH[op]
    found = curve(op, config.get)
    assert found is not None
    x = torch.tensor(math.sqrt(v) * GRID, requires_grad=True)
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    values, slopes = y.detach().numpy(), slope.numpy()
    moments = gaussian_moments(found, 0.0, v)
    rms = math.sqrt(float((values**2 * WEIGHT).sum()))
    assert moments.mean == pytest.approx((values * WEIGHT).sum(), abs=3e-3 * rms + 1e-12)
    assert moments.square == pytest.approx((values**2 * WEIGHT).sum(), rel=3e-3, abs=1e-9)
    assert moments.slope2 == pytest.approx((slopes**2 * WEIGHT).sum(), rel=6e-3, abs=1e-9)


@pytest.mark.parametrize("op", ["relu", "gelu", "tanh", "sigmoid", "silu", "hardtanh", "elu"])
@pytest.mark.parametrize(("mu", "v", "share"), [(0.0, 1.0, 0.5), (0.0, 3.0, 0.05), (0.6, 0.8, 0.3)])
def test_pairs_are_those_of_a_two_dimensional_integral(op: str, mu: float, v: float, share: float) -> None:
    config, function = TORCH[op]
    found = curve(op, config.get)
    assert found is not None
    z = np.linspace(-7, 7, 401)
    w = np.exp(-(z**2) / 2)
    w /= w.sum()
    inner = torch.tensor(
        mu + math.sqrt(v * (1 - share)) * z[:, None] + math.sqrt(v * share) * z[None, :], requires_grad=True
    )
    y = function(inner)
    (slope,) = torch.autograd.grad(y.sum(), inner)
    conditional, conditional_slope = y.detach().numpy() @ w, slope.numpy() @ w
    square = float(w @ (y.detach().numpy() ** 2 @ w))
    moments = gaussian_moments(found, mu, v)
    assert moments.distance(share * v) == pytest.approx(square - float(w @ conditional**2), rel=0.02)
    assert moments.kernel(share * v) == pytest.approx(float(w @ conditional_slope**2), rel=0.02)


def test_distances_far_below_the_variance_are_not_lost() -> None:
    found = curve("tanh", {}.get)
    assert found is not None
    moments = gaussian_moments(found, 0.0, 1.0)
    assert moments.distance(1e-40) == pytest.approx(1e-40 * moments.slope2, rel=1e-6)


def test_rrelu_takes_its_mean_square_slope() -> None:
    torch.manual_seed(0)
    x = torch.randn(400_000, requires_grad=True)
    (slope,) = torch.autograd.grad(F.rrelu(x, training=True).sum(), x)
    found = curve("rrelu", {}.get)
    assert found is not None
    assert gaussian_moments(found, 0.0, 1.0).slope2 == pytest.approx(slope.pow(2).mean().item(), rel=0.01)


def test_hand_written_silu_is_silu() -> None:
    gate, silu = curve("sigmoid", {}.get), curve("silu", {}.get)
    assert gate is not None and silu is not None
    mine, theirs = gaussian_moments(product(rays(1.0, 1.0), gate), 0.0, 1.3), gaussian_moments(silu, 0.0, 1.3)
    assert mine.square == pytest.approx(theirs.square, rel=1e-6)
    assert mine.slope2 == pytest.approx(theirs.slope2, rel=1e-6)


def test_curves_compose() -> None:
    tanh = curve("tanh", {}.get)
    assert tanh is not None
    whole = composed(affine(2.0, 0.5), tanh)
    assert whole.value(0.3) == pytest.approx(math.tanh(1.1))
    assert whole.slope(0.3) == pytest.approx(2 * (1 - math.tanh(1.1) ** 2))
    assert composed(rays(0.0, 1.0), rays(0.0, 1.0)).linear == (0.0, 1.0)


@pytest.mark.parametrize("count", [4, 9])
@pytest.mark.parametrize("d", [1.0, 0.4])
def test_the_largest_of_several(count: int, d: float) -> None:
    torch.manual_seed(0)
    shared = torch.randn(200_000, 1) * math.sqrt(1 - d)
    x = (shared + torch.randn(200_000, count) * math.sqrt(d)).max(1).values.relu()
    mean, square, _ = maximum_moments(rays(0.0, 1.0), 0.0, 1.0, d, float(count))
    assert mean == pytest.approx(x.mean().item(), rel=0.02)
    assert square == pytest.approx(x.pow(2).mean().item(), rel=0.02)


def test_an_argument_that_is_not_known_makes_no_curve() -> None:
    assert curve("leaky_relu", {"negative_slope": "?"}.get) is None
    assert curve("conv2d", {}.get) is None
