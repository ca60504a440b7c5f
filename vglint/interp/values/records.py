"""What stands for a part of a program: default values of fields, code of functions, forms of trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from vglint.interp.values.functions import FunctionV
    from vglint.interp.values.objects import Value


@dataclass(frozen=True, slots=True, eq=False)
class FieldV:
    """`dataclasses.field(…)`: a default, or (when set) the factory that makes one for each object."""

    name: str
    default: Value
    factory: Value = None
    init: bool = True
    """Whether the constructor takes it."""


@dataclass(frozen=True, slots=True, eq=False)
class CodeV:
    """`f.__code__`."""

    function: FunctionV


Tree: TypeAlias = "list[Tree] | tuple[Tree, ...] | dict[Value, Tree] | None"


@dataclass(frozen=True, slots=True, eq=False)
class TreeSpecV:
    """How containers lie within each other, without their leaves (None)."""

    form: Tree
