"""Versions: of Python, of torch, of what `packaging` reads."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import Frame, Run, register
from vglint.interp.machine.questions import (
    CALL,
    COMPARE,
    CONTAINS,
    GETATTR,
    ITEM,
    ITERATE,
    OPERATE,
    SET_ITEM,
    SETATTR,
    TRUTH,
    declines,
)
from vglint.interp.protocols.iteration import Items
from vglint.interp.protocols.symbols import RELATIONS
from vglint.interp.protocols.tensor_parts import native_item
from vglint.interp.values.objects import Site, Value, VersionV
from vglint.value import Unknown

declines((VersionV,), CALL, SETATTR, SET_ITEM, TRUTH, OPERATE, CONTAINS)
_PARTS = {"major": 0, "minor": 1, "micro": 2}


@register(GETATTR, VersionV)
def attribute(run: Run, value: VersionV, name: str, frame: Frame) -> Value:
    if name in _PARTS:
        return (*value.numbers, 0, 0, 0)[_PARTS[name]]
    if name == "release":
        return value.numbers
    return str(value) if name in ("base_version", "public") else Unknown(origin.Member("a version", name))


@register(ITEM, VersionV)
def item(run: Run, value: VersionV, key: Value, frame: Frame, site: Site) -> Value:
    return native_item(value.numbers, key)


@register(ITERATE, VersionV)
def items(run: Run, value: VersionV, frame: Frame, site: Site) -> Items:
    return Items(list(value.numbers))


@register(COMPARE, VersionV)
def compare(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value:
    first, second = _numbers(left), _numbers(right)
    if first is None or second is None:
        return Unknown(origin.Computed("comparison of versions"))
    return bool(RELATIONS[symbol](first, second))


def _numbers(value: Value) -> tuple[int, ...] | None:
    """Returns a version, or what a program compares one with: a tuple of numbers, a text."""
    match value:
        case VersionV():
            return value.numbers
        case str():
            return VersionV.parsed(value).numbers
        case tuple():
            numbers = tuple(each for each in value if isinstance(each, int))
            return numbers if len(numbers) == len(value) else None
        case _:
            return None
