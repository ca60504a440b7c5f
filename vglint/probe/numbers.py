"""What the numbers of a tensor look like: probabilities, what a ReLU gives, a difference that spread out."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_CUT = 0.1
"""Share of exact zeros among the logits from which a ReLU is seen in them."""


def within_one(value: Tensor) -> bool:
    return bool((value >= 0).all()) and bool((value <= 1).all())


def are_probabilities(value: Tensor, dim: int) -> bool:
    """Whether numbers lie within 0..1 and sum to 1 over the classes."""
    return within_one(value) and value.shape[dim] > 1 and bool(((value.sum(dim) - 1).abs() < 1e-3).all())


def is_outer(one: Tensor, other: Tensor) -> bool:
    """Whether the difference of two tensors is larger than both."""
    try:
        size = math.prod(torch.broadcast_shapes(one.shape, other.shape))  # type: ignore[no-untyped-call]
    except RuntimeError:
        return False
    return size > max(one.numel(), other.numel())


def is_rectified(value: Tensor) -> bool:
    return bool((value >= 0).all()) and float((value == 0).float().mean()) >= _CUT
