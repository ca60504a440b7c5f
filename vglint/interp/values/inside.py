"""One walk into what a value holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import EllipsisType

from vglint.interp.values.objects import (
    ArrayV,
    BuiltinV,
    ClassMethodV,
    ClassV,
    CodeV,
    ContextV,
    DeviceV,
    DictV,
    DtypeV,
    External,
    FieldV,
    FunctionV,
    GradScalerV,
    Instance,
    IteratorV,
    LaterV,
    ListV,
    LoaderV,
    MethodV,
    ModuleV,
    Namespace,
    OpaqueV,
    OptimizerV,
    ParamV,
    ParamView,
    PartialV,
    PropertyV,
    RepeatV,
    SchedulerV,
    SetV,
    ShapeV,
    StaticV,
    SuperV,
    TensorDatasetV,
    TensorV,
    TreeSpecV,
    Value,
    VersionV,
)
from vglint.value import Expr, Unknown, assert_never

WIDEST = 200
"""Entries of one container that are looked at."""


def entries(value: Value) -> Iterable[Value]:
    """Returns the entries of a container; nothing of any other kind."""
    match value:
        case tuple():
            return value
        case ListV() | SetV() | ArrayV() | RepeatV():
            return value.items
        case DictV():
            return value.items.values()
        case _:
            return ()


def held_by(value: Value) -> Iterable[Value]:
    """Returns what a value holds directly: entries of containers, attributes of objects, what a method is bound to."""
    match value:
        case tuple() | ListV() | SetV() | ArrayV() | RepeatV() | DictV():
            return entries(value)
        case IteratorV():
            return (value.item, *(value.items or ()))
        case PartialV():
            return (value.function, *value.args, *value.keywords.values())
        case MethodV():
            return (value.self,)
        case ModuleV():
            return (*value.attrs.values(), *value.modules.values(), *value.parameters.values(), *value.buffers.values())
        case Instance() | OptimizerV() | SchedulerV() | LoaderV():
            return value.attrs.values()
        case None | int() | float() | complex() | str() | bytes() | range() | slice() | EllipsisType():
            return ()
        case TensorV() | ParamV() | ParamView() | ShapeV() | OpaqueV() | Unknown() | Expr() | DtypeV() | DeviceV():
            return ()
        case FunctionV() | BuiltinV() | PropertyV() | StaticV() | ClassMethodV() | CodeV() | ClassV() | SuperV():
            return ()  # what a program is made of, not what it computes
        case External() | Namespace() | LaterV() | FieldV() | TreeSpecV() | VersionV():
            return ()
        case GradScalerV() | ContextV() | TensorDatasetV():
            return ()
        case _:
            assert_never(value)


def inside(
    *values: Value, depth: int = 4, widest: int = WIDEST, through: Callable[[Value], Iterable[Value]] = held_by
) -> Iterator[Value]:
    """Yields values and what they hold, each once, outer ones first, `depth` levels deep; `through` says what a value holds."""
    seen: set[int] = set()
    level: list[Value] = list(values)
    for _ in range(depth + 1):
        below: list[Value] = []
        for value in level:
            if id(value) not in seen:
                seen.add(id(value))
                yield value
                below += islice(through(value), widest)
        level = below
