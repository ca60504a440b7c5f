"""What is in force around what runs: modes that are entered with `with` and left at its end, however it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from vglint.given import Input
from vglint.interp.static.worlds import World
from vglint.interp.values.objects import Filled, ModuleV, OpenLoop, Site, TensorV, Value
from vglint.origin import Origin


class Context(Struct):
    world: World | None = None
    """The switch that is on; None where all is as it is defined."""
    taken: set[tuple[str, int]] = field(default_factory=set)
    """The defaults that were taken for an argument, by name and the identity of the function: what another world could change."""
    doubted: set[Origin] = field(default_factory=set)
    """The unknown values whose truth was asked, by origin: the same."""
    inputs: dict[str, Input] = field(default_factory=dict)
    """The inputs that the user fixes by hand, by name."""
    setup: bool = False
    """A module is being built: nodes made now belong to no forward."""
    constructing: bool = False
    """Constructors of modules are running."""
    modules_running: tuple[ModuleV, ...] = ()
    """The modules whose forward runs now, outermost first."""
    training_code: bool = False
    """The entry is training code, where loops run over batches and epochs."""
    borrowed: Site | None = None
    """The user's call inside which vglint's own description of a torch module runs: the place of all its nodes."""
    resume: Callable[[Value], None] | None = None
    """What the next function that is called runs at its `yield`."""
    cached: bool = False
    """A function is running whose results a decorator may keep."""
    guarded: bool = False
    """A condition stands around what runs, from the forward that is running inwards: it need not happen at every call."""
    trying: bool = False
    """A `try` statement is open: inside one, a missing key is an exception that may be caught."""
    otherwise: frozenset[str] = frozenset()
    """The names that an open `try` defines in another way where an import fails."""
    handling: tuple[Exception, ...] = ()
    """The exceptions whose handlers run, which `raise` alone raises again; outermost first."""
    refusing: bool = False
    """The condition of a statement that only raises is evaluated, which is not asked about unknown sizes: inputs are given that pass."""
    not_given: frozenset[str] = frozenset()
    """The arguments that the class which is the entry must be given, and is not."""
    apart: bool = False
    """Numbers that are made of these are taken to be positive, and unlike each other and what they are compared with."""
    recomputed: bool = False
    """What runs is run again for its gradient, so that `torch.no_grad()` cuts nothing."""
    any_turn: bool = False
    """The turn that is walked stands for all of its loop: a condition on its number is open."""
    sampled: dict[int, tuple[TensorV, Filled]] | None = None
    """What a few turns of a long loop write into tables, where that is asked."""
    forks: int = 0
    """Unknown branches within each other."""
    filling: bool = False
    """The definitions that fill a registry are executed."""
    registering: bool = False
    """A decorator keeps what it decorates."""
    open_loops: tuple[OpenLoop, ...] = ()
    """The loops of unknown length that are being walked, outermost first."""

    def having(self, **modes: Any) -> Within:
        """Returns what to enter with `with`, so that these modes are in force inside; any other name is an AttributeError."""
        return Within(self, modes)


class Within:
    """Sets modes, and sets them back; to be entered once."""

    __slots__ = ("_context", "_modes")

    def __init__(self, context: Context, modes: dict[str, Any]) -> None:
        self._context = context
        self._modes = modes

    def __enter__(self) -> None:
        context, modes = self._context, self._modes
        for name, value in modes.items():
            modes[name] = getattr(context, name)
            setattr(context, name, value)

    def __exit__(self, *_: object) -> None:
        context = self._context
        for name, value in self._modes.items():
            setattr(context, name, value)
