"""A model as its script builds and calls it: the script runs until it calls the model for a gradient, and no further."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from vglint.probe.absent import loading
from vglint.probe.candidate import BATCH, Candidate
from vglint.probe.feed import plain_feed
from vglint.probe.record import Request
from vglint.probe.script import as_script, run_script
from vglint.probe.witness import EnoughError
from vglint.probe.witnessing import witnessing

_SECONDS = 15.0
_MOST = 64
"""The largest batch that is taken as it is; of a larger one only the form is."""
_NAME = re.compile(r"[A-Za-z_]\w*")


class Captured(Struct, frozen=True):
    """What a call was given: `leaves` in the `form` of its arguments, some of which are tensors of samples."""

    model: nn.Module
    leaves: tuple[Any, ...]
    form: TreeSpec
    optimizer: torch.optim.Optimizer | None
    batched: tuple[int, ...] = ()
    """The leaves that hold one entry for each sample."""
    inputs: tuple[Candidate, ...] = ()
    made_up: bool = False
    """Whether the script's data is not there, so that what it calls the model with may rest on made-up data."""

    def call(self, model: nn.Module, inputs: Sequence[Tensor]) -> Any:
        """Calls a model as the script does, with other samples."""
        leaves = list(self.leaves)
        for position, tensor in zip(self.batched, inputs, strict=True):
            leaves[position] = tensor
        args, kwargs = tree_unflatten(leaves, self.form)
        return model(*args, **kwargs)


def capture(request: Request, source: Path, seed: int) -> tuple[Captured | None, ModuleType | None]:
    """Returns the model of the request's class as the script calls it, None where it does not; and what the script defined until then.

    Where it is not called, the files that the script misses are made up too.
    """
    found, module = _captured(request, source, seed, with_files=False)
    if found is None:
        found, again = _captured(request, source, seed, with_files=True)
        module = again if len(vars(again)) > len(vars(module)) else module
    return found, module


def _captured(request: Request, source: Path, seed: int, *, with_files: bool) -> tuple[Captured | None, ModuleType]:
    name = _NAME.match(request.expression)
    torch.manual_seed(seed)
    silence = contextlib.redirect_stdout(io.StringIO())
    module = ModuleType("__main__")
    wanted, on_cpu = name[0] if name else None, request.device == "cpu"
    ends = contextlib.suppress(EnoughError, Exception, SystemExit)
    feed = plain_feed(4 * request.steps)
    data = loading(feed, source, with_files)
    with as_script(), data, silence, witnessing(request.steps, _SECONDS, wanted, on_cpu=on_cpu) as witness, ends:
        run_script(source, request.file, module)
    found = next((call for call in witness.first_calls.values() if name and type(call[0]).__name__ == name[0]), None)
    if found is None or witness.taken:
        return None, module
    model, args, kwargs = found
    leaves, form = tree_flatten((args, kwargs))
    known = {id(parameter) for parameter in model.parameters()}
    holding = (
        one for one in witness.made if known & {id(part) for group in one.param_groups for part in group["params"]}
    )
    batched, inputs = samples_like(leaves)
    detached = tuple(leaf.detach().clone() if isinstance(leaf, Tensor) else leaf for leaf in leaves)
    optimizer = next(holding, None)
    return Captured(model, detached, form, optimizer, batched, inputs, feed.touched), module


def samples_like(leaves: Sequence[Any]) -> tuple[tuple[int, ...], tuple[Candidate, ...]]:
    """Returns the positions of the tensors that have as many entries as the first one along some axis, and what they are like."""
    tensors = [(position, leaf) for position, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.dim() > 0]
    if not tensors:
        return (), ()
    size = len(tensors[0][1])
    found = [(position, leaf) for position, leaf in tensors if size in leaf.shape]
    return tuple(position for position, _ in found), tuple(_like(leaf, leaf.shape.index(size)) for _, leaf in found)


def _like(leaf: Tensor, axis: int) -> Candidate:
    value, fixed = leaf.detach(), 1 < leaf.shape[axis] <= _MOST
    shape = tuple(leaf.shape) if fixed else tuple(BATCH if i == axis else size for i, size in enumerate(leaf.shape))
    if value.is_floating_point():
        spread = float(value.float().std()) if value.numel() > 1 else 1.0
        return Candidate(shape, None, axis, fixed, mean=float(value.float().mean()), scale=spread or 1.0)
    return Candidate(shape, int(value.max()) + 1, axis, fixed, low=int(value.min()))
