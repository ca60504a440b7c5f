"""What stands for a part of a program: default values of fields, code of functions, forms of trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from vglint.interp.values.functions import FunctionV
    from vglint.interp.values.objects import Value


class FieldV(Struct, frozen=True, eq=False):
    """`dataclasses.field(…)`: a default, or (when set) the factory that makes one for each object."""

    name: str
    default: Value
    factory: Value = None
    init: bool = True
    """Whether the constructor takes it."""


class CodeV(Struct, frozen=True, eq=False):
    """`f.__code__`."""

    function: FunctionV


Tree: TypeAlias = "list[Tree] | tuple[Tree, ...] | dict[Value, Tree] | None"


class TreeSpecV(Struct, frozen=True, eq=False):
    """How containers lie within each other, without their leaves (None)."""

    form: Tree
