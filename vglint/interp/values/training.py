"""What training code works with: optimisers, schedules, gradient scalers, regions that it enters, batches that it loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from vglint.shape import Shape

if TYPE_CHECKING:
    from vglint.graph import RegionRole
    from vglint.interp.values.objects import Value
    from vglint.interp.values.tensors import ParamV


class OptimizerV(Struct, eq=False):
    """An optimiser, or one of several: then all their nodes."""

    name: str
    nodes: tuple[int, ...]
    params: list[tuple[str, ParamV]]
    attrs: dict[str, Value] = field(default_factory=dict)


class SchedulerV(Struct, eq=False):
    """A schedule of the learning rate."""

    name: str
    node: int
    attrs: dict[str, Value] = field(default_factory=dict)


class GradScalerV(Struct, frozen=True):
    """`torch.amp.GradScaler`."""

    name: str
    enabled: bool | None = True
    """None where it depends on a switch that is not known."""


class ContextV(Struct, frozen=True):
    """A context manager of torch that changes how the nodes inside compute."""

    name: str
    region: Literal["no_grad", "autocast", "grad", "none"]
    """`grad` opens none where gradients are kept, as by default; `none`, autocast that is off, never does."""
    text: str
    role: RegionRole | None = None
    """Of autocast: the dtype that it computes in."""


class TensorDatasetV(Struct, frozen=True, eq=False):
    """`TensorDataset`: tensors of one length."""

    name: str
    shapes: tuple[Shape | None, ...]


class LoaderV(Struct, eq=False):
    """`DataLoader`: batches, of which one stands for all, and its keyword arguments."""

    name: str
    shapes: tuple[Shape | None, ...]
    """Of the tensors of a batch, where they are known."""
    attrs: dict[str, Value] = field(default_factory=dict)
