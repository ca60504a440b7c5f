"""One walk into what a value holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import EllipsisType

from vglint import origin
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
    NamesV,
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


_PLAIN = frozenset({type(None), bool, int, float, str, TensorV, ParamV, Unknown, External, FunctionV, ClassV, DtypeV})


def held_by(value: Value) -> Iterable[Value]:
    """Returns what a value holds directly: entries of containers, attributes of objects, what a method is bound to."""
    if type(value) in _PLAIN:  # most are, and the match comes to them late
        return ()
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
        case External() | Namespace() | NamesV() | LaterV() | FieldV() | TreeSpecV() | VersionV():
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


def nodes_of(value: Value) -> tuple[int, ...]:
    return tuple(each.node for each in tensors_of(value))


def tensors_of(value: Value) -> tuple[TensorV, ...]:
    return tuple(each for each in stored_in(value) if isinstance(each, TensorV))


def stored_in(value: Value) -> tuple[ParamV | TensorV, ...]:
    """Returns the tensors and parameters in lists, tuples and dicts."""
    if value is None:
        return ()
    if isinstance(value, (ParamV, TensorV)):
        return (value,)
    found = inside(value, widest=10_000, through=_sequence)
    return tuple(each for each in found if isinstance(each, (ParamV, TensorV)))


def _sequence(value: Value) -> Iterable[Value]:
    return entries(value) if isinstance(value, (tuple, ListV, DictV)) else ()


def width(value: Value) -> int:
    """Returns how many entries a container has, which is what most that is done to it costs; 0 of what is none."""
    if type(value) is tuple:
        return len(value)
    return len(value.items) if isinstance(value, (ListV, SetV, DictV)) else 0


CONTAINERS = (tuple, ListV, SetV, DictV, ArrayV, RepeatV)


def bulk(value: Value, most: int, kinds: tuple[type, ...] = CONTAINERS) -> int:
    """Returns how many entries containers of some kinds have that lie inside one another, an entry that is held twice counted twice;
    `most` + 1 where it is more than that: a few lists within lists may stand for more entries than any memory holds."""
    count = 0
    waiting = [value]
    while waiting:
        held = waiting.pop()
        if isinstance(held, kinds):
            entries = held_by(held)
            count += len(entries)  # type: ignore[arg-type]
            if count > most:
                return most + 1
            waiting += [each for each in entries if isinstance(each, kinds)]
    return count


LARGEST = 20_000
"""Entries of tuples within tuples: Python itself, which compares and hashes them, looks at each entry as often as it is held."""


def as_tuple(values: Iterable[Value]) -> Value:
    """Returns values as a tuple, an unknown where it holds more than Python could compare."""
    made = tuple(values)
    return made if bulk(made, LARGEST, (tuple,)) <= LARGEST else Unknown(origin.Budget("large tuple"))


def each_in(values: Iterable[Value], cost: Callable[[int], None] | None = None) -> Iterator[Value]:
    """Yields values, containers among them and what these hold, in order; looks into each container once, however often it is held, and
    tells `cost` a sixteenth of its width."""
    seen: set[int] = set()
    waiting = [iter(values)]
    while waiting:
        for value in waiting[-1]:
            if not isinstance(value, (tuple, ListV, SetV, DictV, RepeatV)):
                yield value
            elif id(value) not in seen:
                seen.add(id(value))
                yield value
                if cost is not None:
                    cost(width(value) // 16)
                waiting.append(iter(list(held_by(value))))
                break
        else:
            waiting.pop()


def nodes_in(values: Iterable[Value], cost: Callable[[int], None]) -> Iterator[int]:
    """Yields the nodes that values are, or hold in containers, in order."""
    for value in each_in(values, cost):
        if isinstance(value, TensorV):
            yield value.node
        elif isinstance(value, OpaqueV):
            yield from value.deps if value.node is None else (value.node,)
