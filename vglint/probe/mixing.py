"""Whether a model's output for one sample depends on the others of its batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from vglint.probe.feeding import tensors


def mixes_samples(model: nn.Module, args: Any, kwargs: Any) -> bool | None:
    """Returns whether changing the first or the last sample of a call's input changes the output for another; None where that cannot be told.

    The model is asked in evaluation mode, where normalisation does not look at the batch; its mode and torch's random state are left as they were.
    """
    leaves, form = tree_flatten((args, kwargs or {}))
    numbers = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.dim() > 0]
    if not numbers or len(numbers[0]) < 2:
        return None
    size = len(numbers[0])
    modes = [(module, module.training) for module in model.modules()]
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            plain = _output(model, tree_unflatten(leaves, form), size)
            if plain is None:
                return None
            for place, others in ((0, slice(1, None)), (size - 1, slice(0, -1))):
                changed = [_changed(leaf, size, place) for leaf in leaves]
                output = _output(model, tree_unflatten(changed, form), size)
                if output is None or output.shape != plain.shape:
                    return None
                if not torch.allclose(plain[others], output[others], rtol=1e-3, atol=1e-5, equal_nan=True):
                    return True
            return False
    except Exception:  # a model that does not run so tells nothing
        return None
    finally:
        for module, training in modes:
            module.training = training


def _changed(leaf: Any, size: int, place: int) -> Any:
    """Returns a tensor of samples in which the one at a place is another."""
    if not isinstance(leaf, Tensor) or leaf.dim() == 0 or len(leaf) != size:
        return leaf
    value = leaf.clone()
    value[place] = 1 - 2 * leaf[place] if leaf.is_floating_point() else leaf[1 if place == 0 else 0]
    return value


def _output(model: nn.Module, given: Any, size: int) -> Tensor | None:
    args, kwargs = given
    torch.manual_seed(0)
    output = next((one for one in tensors(model.eval()(*args, **kwargs)) if one.is_floating_point()), None)
    return output if output is not None and output.dim() > 0 and len(output) == size else None
