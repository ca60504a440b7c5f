"""What the entries say of their ops is what torch does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import op_calls
import pytest
import torch
from op_calls import read
from op_samples import SAMPLES
from torch import Tensor
from torch.nn import functional as F

from vglint import ops
from vglint.ops.traits import Trait

WIDE = torch.linspace(-30, 30, 2401, dtype=torch.float64)


def function(op: str) -> Callable[..., Tensor]:
    for space in (torch, F, torch.Tensor):
        if hasattr(space, op):
            return getattr(space, op)
    raise AssertionError(f"torch has no {op}")


def of_one(op: str, x: Tensor, **given: object) -> Tensor:
    """The result of an op of one tensor."""
    if op == "threshold":
        given = {"threshold": 0.0, "value": 0.0}
    if op in ("softmax", "softmin", "gumbel_softmax"):
        given = {"dim": -1}
    return function(op)(x, **given)


def slope(op: str, at: float) -> float:
    x = torch.tensor([at], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(of_one(op, x).sum(), x)
    return float(gradient)


def size(op: str, deviation: float) -> float:
    x = torch.randn(20000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * deviation
    return float(of_one(op, x).square().mean())


def is_positive(op: str) -> bool:
    return bool((of_one(op, torch.linspace(-30, 30, 61, dtype=torch.float64)) > 0).all())


def is_singular(op: str) -> bool:
    edge = {"acos": 1.0, "asin": 1.0, "atanh": 1.0}.get(op, 0.0)
    return not math.isfinite(slope(op, edge))


TRUE: dict[Trait, Callable[[str], bool]] = {
    "positive": is_positive,
    "singular": is_singular,
    "saturates": lambda op: min(abs(slope(op, -20.0)), abs(slope(op, 20.0))) < 1e-2,
    "squashes": lambda op: bool((of_one(op, WIDE).abs() <= 1).all()) and float(of_one(op, torch.zeros(1))) == 0.0,
    "unit": lambda op: bool(((of_one(op, WIDE) >= 0) & (of_one(op, WIDE) <= 1)).all()),
    "probability": lambda op: bool(torch.allclose(of_one(op, torch.randn(7, 5)).sum(-1), torch.ones(7))),
    "rectifies": lambda op: bool((of_one(op, WIDE) >= -0.4).all()),
    "flattens": lambda op: op == "softplus" or size(op, 30.0) < 3 * size(op, 3.0),
    "waves": lambda op: bool(torch.allclose(of_one(op, WIDE), of_one(op, WIDE + 2 * math.pi))),
    "logarithm": lambda op: bool(torch.allclose(of_one(op, WIDE.exp() ** 2), 2 * of_one(op, WIDE.exp()))),
    "matrix_product": lambda op: (
        function(op)(torch.ones(2, 3, 4), torch.ones(2, 4, 5)).shape == (2, 3, 5)
        if op != "mm"
        else torch.mm(torch.ones(3, 4), torch.ones(4, 5)).shape == (3, 5)
    ),
    "adds_product": lambda op: bool(
        torch.equal(
            function(op)(torch.ones(2, 3, 5)[: 2 if op[0] == "b" else 1].squeeze(0), *_factors(op)),
            torch.ones(3, 5) + torch.matmul(*_factors(op)),
        )
    ),
    "sums": lambda op: bool(torch.allclose(function(op)(3 * WIDE[:9]), 3 * function(op)(WIDE[:9]))),
    "triangle": lambda op: int(function(op)(torch.ones(4, 4)).sum()) == 10,
    "zeros": lambda op: not function(op)(torch.ones(3) if op.endswith("_like") else (3,)).any(),
    "complex_part": lambda op: function(op)(torch.ones(2, dtype=torch.complex64)).dtype == torch.float32,
}
"""How a property is told from torch."""


def _factors(op: str) -> tuple[Tensor, Tensor]:
    left, right = torch.full((2, 3, 4), 2.0), torch.full((2, 4, 5), 3.0)
    return (left, right) if op == "baddbmm" else (left[0], right[0])


@pytest.mark.parametrize(("trait", "op"), [(trait, op) for trait in TRUE for op in sorted(ops.having(trait))])
def test_an_op_is_what_its_entry_says(trait, op):
    torch.manual_seed(0)
    assert TRUE[trait](op)


@pytest.mark.parametrize("text", SAMPLES)
def test_a_copy_is_a_copy(text):
    """What `copies` has the values of its argument, and a view that `reshapes` has them in the same order."""
    sample = read(text)
    if ops.has(sample.op, "copies") and isinstance(sample.real, Tensor):
        assert sample.real.shape == tuple(sample.call.inputs[0])
    if ops.has(sample.op, "splits"):
        assert isinstance(sample.real, tuple)
    if ops.has(sample.op, "leaves_torch"):
        assert not isinstance(sample.real, Tensor)


@pytest.mark.parametrize(
    ("trait", "op"), [("unit", "tanh"), ("positive", "relu"), ("saturates", "softshrink"), ("waves", "exp")]
)
def test_the_comparison_can_fail(trait, op):
    assert not TRUE[trait](op)


def test_every_property_is_had_and_an_unknown_name_has_none():
    assert all(ops.having(trait) for trait in get_args(Trait))
    assert not any(ops.has("no_such_op", trait) for trait in get_args(Trait))
    assert ops.kind("relu") == "activation" and ops.kind("no_such_op") == "other"


def test_what_passes_no_gradient_has_none_in_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is entered as a cut, or as made anew, gives its arguments no gradient but zero."""
    given: list[Tensor] = []

    def live(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def made(*size: int) -> Tensor:
            given.append(make(*size).requires_grad_())
            return given[-1]

        return made

    for name in ("r", "p", "c", "sym"):
        monkeypatch.setitem(op_calls.NAMES, name, live(op_calls.NAMES[name]))
    passing = set()
    for text in [*SAMPLES, *op_calls.alike()]:
        given.clear()
        if "_(" in text:
            continue  # in place, torch hands on a gradient that is none
        try:
            sample = read(text)
            if not isinstance(sample.real, Tensor):
                continue
            gradients = torch.autograd.grad(sample.real.abs().sum(), given, allow_unused=True)
        except (RuntimeError, NotImplementedError):
            continue  # torch has no gradient for it, or nothing wants one
        if any(each is not None and bool(each.any()) for each in gradients):
            passing.add((ops.kind(sample.op), sample.op))
    assert len(passing) > 100
    assert not {op for kind, op in passing if kind in ("cut", "create")}
