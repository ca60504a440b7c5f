"""Whether a model's output for one sample depends on the others of its batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from vglint.probe.feeding import tensors


def mixes_samples(model: nn.Module, args: Any, kwargs: Any) -> bool | None:
    """Returns whether changing the first sample of a call's input changes the output for another; None where that cannot be told.

    The model is asked in evaluation mode, where normalisation does not look at the batch; its mode and torch's random state are left as they were.
    """
    leaves, form = tree_flatten((args, kwargs or {}))
    numbers = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.dim() > 0]
    if not numbers or len(numbers[0]) < 2:
        return None
    size = len(numbers[0])
    changed = [_changed(leaf, size) for leaf in leaves]
    modes = [(module, module.training) for module in model.modules()]
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            first, second = (_others(model, tree_unflatten(given, form), size) for given in (leaves, changed))
        if first is None or second is None or first.shape != second.shape:
            return None
        return not torch.allclose(first, second, rtol=1e-3, atol=1e-5, equal_nan=True)
    except Exception:  # a model that does not run so tells nothing
        return None
    finally:
        for module, training in modes:
            module.training = training


def _changed(leaf: Any, size: int) -> Any:
    """Returns a tensor of samples with another first one."""
    if not isinstance(leaf, Tensor) or leaf.dim() == 0 or len(leaf) != size:
        return leaf
    return (
        torch.cat([leaf[1:2], leaf[1:]]) if not leaf.is_floating_point() else torch.cat([-2 * leaf[:1] + 1, leaf[1:]])
    )


def _others(model: nn.Module, given: Any, size: int) -> Tensor | None:
    args, kwargs = given
    torch.manual_seed(0)
    output = next((one for one in tensors(model.eval()(*args, **kwargs)) if one.is_floating_point()), None)
    return output[1:] if output is not None and output.dim() > 0 and len(output) == size else None
