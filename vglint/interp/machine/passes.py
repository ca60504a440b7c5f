"""A model that is called: one pass through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct, field

from vglint.interp.values.objects import ModuleV, Site, Value
from vglint.origin import Origin
from vglint.value import Unknown


class Pass(Struct, eq=False):
    """One call of a model by training code: `gaps` are those that it met, `nodes` those that it made, of all from `start` on."""

    module: ModuleV
    start: int
    region: int
    gaps: dict[Origin, tuple[Unknown, Site | None]] = field(default_factory=dict)
    nodes: list[int] = field(default_factory=list)
    result: Value = None
    finished: bool = False


class Fitted(Struct, frozen=True):
    """A model that is given to a trainer."""

    module: ModuleV
    optimizer: str
    """The name of the optimiser that it is trained with; '' where the trainer does not say."""
    data: tuple[Value, ...] = ()
    """What else the trainer is given: loaders, a data module."""


class Passes(Struct, eq=False):
    """What training code does with models: `calls` are outermost ones alone, `fitted` those given to trainers.

    `harvest` takes models down with their passes, before what is walked on trial is taken back.
    """

    calls: list[Pass] = field(default_factory=list)
    under_way: bool = False
    fitted: list[Fitted] = field(default_factory=list)
    harvest: Callable[[Sequence[Pass], Sequence[ModuleV]], None] | None = None
