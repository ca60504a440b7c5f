"""One form that an argument of `forward` may take."""

from __future__ import annotations

import torch
from msgspec import Struct
from torch import Tensor

BATCH = 5
"""Samples while shapes are tried: a number that no other size is likely to be."""


class Candidate(Struct, frozen=True):
    """Shape with the batch, and the bound of its integers (None: standard normal), of which none is below `low`.

    `batch` says which dimension is the batch; `fixed` that the code takes no other batch than this.
    """

    shape: tuple[int, ...]
    high: int | None = None
    batch: int = 0
    fixed: bool = False
    low: int = 0
    mean: float = 0.0
    scale: float = 1.0
    """Of numbers: mean and standard deviation."""

    def sized(self, batch: int) -> tuple[int, ...]:
        """Returns the shape for a batch of that size, where the code takes it."""
        size = self.shape[self.batch] if self.fixed else batch
        return tuple(size if i == self.batch else length for i, length in enumerate(self.shape))

    def make(self, batch: int, generator: torch.Generator, device: str = "cpu") -> Tensor:
        shape = self.sized(batch)
        if self.high is not None:
            return torch.randint(self.low, self.high, shape, generator=generator).to(device)
        return self.mean + self.scale * torch.randn(shape, generator=generator).to(device)

    def __str__(self) -> str:
        sizes = ", ".join(
            "batch" if i == self.batch and not self.fixed else str(size) for i, size in enumerate(self.shape)
        )
        if self.high is None:
            return f"({sizes}) of N({self.mean:.2g}, {self.scale**2:.2g})"
        bounds = f"from {self.low} to {self.high - 1}" if self.low else f"below {self.high}"
        return f"({sizes}) of integers {bounds}"
