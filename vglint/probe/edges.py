"""Inputs at the edge: zeros, and arguments that are equal. There square roots, logarithms and quotients lose their gradient."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vglint.probe.task import Task


def edge_fault(model: nn.Module, task: Task, seed: int = 0, *, copied: bool = True) -> str:
    """Returns which edge gives NaN or infinity in the loss or a gradient while the inputs are finite; '' for none.

    Zeros are a padded or silent sample, equal arguments a perfect match: both occur in training. A model that is not copied is used up.
    """
    inputs, target = next(task.batches(seed, task.fixed or 4))
    edges = {"zeros": [torch.zeros_like(given) if given.is_floating_point() else given for given in inputs]}
    if len(inputs) > 1 and len({(given.shape, given.dtype) for given in inputs}) == 1 and inputs[0].is_floating_point():
        edges["equal arguments"] = [inputs[0].clone() for _ in inputs]
    for name, given in edges.items():
        if not _finite(copy.deepcopy(model) if copied else model, task, given, target):
            return name
    return ""


def large_fault(model: nn.Module, task: Task, seed: int = 0) -> bool:
    """Returns whether inputs a thousand times as large give NaN or infinity, as an exponential that nothing bounds does. The model is used up."""
    inputs, target = next(task.batches(seed, task.fixed or 4))
    large = [1e3 * given if given.is_floating_point() else given for given in inputs]
    return not _finite(model, task, large, target)


def input_fault(model: nn.Module, task: Task, seed: int = 0) -> str:
    """Returns where ordinary inputs give NaN or infinity; '' for nowhere. The model is used up."""
    inputs, target = next(task.batches(seed, task.fixed or 4))
    return "" if _finite(model, task, inputs, target) else "the loss or the gradient of an input"


def _finite(model: nn.Module, task: Task, inputs: Sequence[Tensor], target: Tensor | None) -> bool:
    leaves = [given.detach().requires_grad_(given.is_floating_point()) for given in inputs]
    try:
        loss = task.loss(task.call(model, leaves), target)
        loss.backward()  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError):
        return True
    found = [loss.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]
    found += [
        parameter.grad
        for parameter in model.parameters()
        if parameter.grad is not None and not parameter.grad.is_sparse
    ]
    return all(bool(torch.isfinite(value).all()) for value in found)
