"""What can be called, and what a class wraps it in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from vglint.interp.values.scopes import Locals

if TYPE_CHECKING:
    from vglint.interp.values.instances import ClassV
    from vglint.interp.values.objects import Value
    from vglint.interp.values.scopes import Scope
    from vglint.interp.values.training import ContextV
    from vglint.source import code
    from vglint.source.unit import Unit


class FunctionV(Struct, eq=False):
    name: str
    node: code.Function | code.Lambda
    scope: Scope
    unit: Unit
    defaults: dict[str, Value]
    owner: ClassV | None = None
    regions: tuple[ContextV, ...] = ()
    """What decorators put around the body: `no_grad`, `autocast`."""
    generator: bool = False
    wraps: FunctionV | None = None
    """The function that a decorator put this one around."""
    manages: bool = False
    """It is a generator that a decorator makes a context manager of."""
    cached: bool = False
    """A decorator that is not followed may keep its result, so that what it builds is built once."""

    memo: dict[tuple[Value, ...], Value] | None = None
    """What it returned, by arguments that can be keys, where `functools.cache` keeps that."""

    def __post_init__(self) -> None:
        scope: Scope | None = self.scope
        while scope is not None:
            if type(scope.names) is Locals:
                scope.names.captured = True
            scope = scope.parent

    @property
    def plain(self) -> FunctionV:
        """The function without its decorators, whose parameters say what callers give."""
        return self if self.wraps is None else self.wraps.plain


class MethodV(Struct, frozen=True, eq=False):
    """A function bound to its first argument."""

    function: Value
    self: Value


class BuiltinV(Struct, frozen=True, eq=False):
    """A method of a built-in or library object, written in Python here."""

    name: str
    call: Callable[..., Value]


class PropertyV(Struct, frozen=True, eq=False):
    getter: Value
    setter: Value = None
    cached: bool = False
    """Its value is computed once for each object, which may also set it."""


class StaticV(Struct, frozen=True, eq=False):
    function: Value


class ClassMethodV(Struct, frozen=True, eq=False):
    function: Value


class PartialV(Struct, frozen=True, eq=False):
    function: Value
    args: tuple[Value, ...]
    keywords: dict[str, Value]
    method: bool = False
    """In a class it is bound to the object, as `functools.partialmethod` is."""
