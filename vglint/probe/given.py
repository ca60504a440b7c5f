"""Makes the batch that the configuration describes."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from vglint.probe.loading import load
from vglint.probe.record import Given, Request
from vglint.probe.task import Batch


def given_batch(request: Request, source: Path | None) -> Batch | None:
    """Returns inputs and target as the user describes them, None where nothing is described."""
    if not request.given:
        return None
    generator = torch.Generator().manual_seed(0)
    inputs = tuple(_made(given, request, source, generator) for given in request.given)
    return inputs, None if request.wanted is None else _made(request.wanted, request, source, generator)


def _made(given: Given, request: Request, source: Path | None, generator: torch.Generator) -> Tensor:
    """Returns one tensor; raises TypeError where a function returns something else."""
    if given.maker is not None:
        file, _, name = given.maker.rpartition(":")
        made = getattr(load(source or Path(request.root), file or request.file), name)()
        if not isinstance(made, Tensor):
            raise TypeError(f"{given.maker} returns a {type(made).__name__}, not a tensor")
        return made.to(request.device)
    kind = getattr(torch, given.dtype)
    if kind.is_floating_point:
        return torch.randn(given.shape, generator=generator).to(kind).to(request.device)
    return torch.randint(given.low, given.high, given.shape, generator=generator).to(kind).to(request.device)
