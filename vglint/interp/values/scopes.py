"""Places in the source, names and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from vglint.interp.values.objects import Value
    from vglint.source import code
    from vglint.source.module import Module
    from vglint.source.unit import Unit


class Site(Struct, eq=False):
    """Where in the source something happens; its span is computed late. Never changed, and not frozen: one is made for each expression,
    in a third of the time."""

    unit: Unit
    node: code.Node


class Locals(dict[str, Any]):
    """The names of one call."""

    captured = False
    """A function made in the call may read them later."""


class Scope(Struct, eq=False):
    """Local names of one call, and the scope around it; `names` of a module scope are filled on demand."""

    names: dict[str, Value]
    parent: Scope | None
    module: Namespace
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    comprehension: bool = False
    """It is a comprehension's: `:=` binds in the scope around it."""


class Namespace(Struct, eq=False):
    """A Python file as a value: names are evaluated when they are first looked up."""

    module: Module
    names: dict[str, Value]
    running: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    imports: list[Any] | None = None
    """Star imports and lazy import blocks, once they were asked for."""
    prefix: str = ""
    """Qualified name that its classes bear (`torch.nn` for vglint's own description of torch modules)."""
    in_order: bool = False
    """Its statements are executed from top to bottom: a name that is read before it is bound takes the first binding, not the last."""


class NamesV(Struct, frozen=True, eq=False):
    """What `globals()` returns: the names of a file as a mapping."""

    space: Namespace


class LaterV(Struct, frozen=True):
    """A name imported from a file of the project that has not been looked into yet; only namespaces hold it."""

    dotted: str
    level: int
    name: str


class External(Struct, frozen=True):
    """Something of a library that is known by its qualified name alone: `torch.nn.functional.relu`, `math`."""

    name: str
