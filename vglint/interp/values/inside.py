"""One walk into what a value holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from vglint.interp.values.objects import (
    ArrayV,
    DictV,
    Instance,
    IteratorV,
    ListV,
    MethodV,
    ModuleV,
    PartialV,
    RepeatV,
    SetV,
    Value,
)

WIDEST = 200
"""Entries of one container that are looked at."""


def held_by(value: Value) -> Iterable[Value]:
    """Returns what a value holds directly: entries of containers, attributes of objects, what a method is bound to."""
    match value:
        case tuple():
            return value
        case ListV() | SetV() | ArrayV() | RepeatV():
            return value.items
        case DictV():
            return value.items.values()
        case IteratorV():
            return (value.item, *(value.items or ()))
        case PartialV():
            return (value.function, *value.args, *value.keywords.values())
        case MethodV():
            return (value.self,)
        case ModuleV():
            return (*value.attrs.values(), *value.modules.values(), *value.parameters.values(), *value.buffers.values())
        case Instance():
            return value.attrs.values()
        case _:
            return ()


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
