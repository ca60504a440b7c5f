"""Sets and frozen sets."""

from __future__ import annotations

from collections.abc import Callable

from vglint import origin
from vglint.interp.machine.core import Frame, Run, register
from vglint.interp.machine.journal import MISSING, Missing
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
from vglint.interp.protocols.equality import equal, held_in
from vglint.interp.protocols.iteration import Items, items_of
from vglint.interp.protocols.methods import Act, method_of
from vglint.interp.protocols.symbols import NATIVE
from vglint.interp.values.objects import SetV, Site, Value, is_unknown
from vglint.value import Unknown

declines((SetV,), CALL, SETATTR, ITEM, SET_ITEM)


def set_of(run: Run, items: list[Value]) -> SetV:
    """Returns the set of some values: of those that are equal, the first."""
    unique: list[Value] = []
    for item in items:
        run.budget.tick(len(unique) // 16)
        if not any(equal(item, other) is True for other in unique):
            unique.append(item)
    return SetV(unique)


@register(ITERATE, SetV)
def items(run: Run, value: SetV, frame: Frame, site: Site) -> Items:
    return Items(list(value.items))


@register(TRUTH, SetV)
def truth(run: Run, value: SetV, frame: Frame, site: Site) -> bool | None:
    return bool(value.items)


@register(CONTAINS, SetV)
def contains(run: Run, value: SetV, wanted: Value, frame: Frame, site: Site) -> bool | None:
    return held_in(value.items, wanted)


@register(COMPARE, SetV)
def compare(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    if not (isinstance(left, SetV) and isinstance(right, SetV)) or symbol in ("==", "!="):
        return MISSING
    if not all(isinstance(item, NATIVE) for item in (*left.items, *right.items)):
        return Unknown(origin.Computed("set comparison"))
    small, large = (left.items, right.items) if symbol in ("<", "<=") else (right.items, left.items)
    return not _without(small, large) and (symbol in ("<=", ">=") or len(small) < len(large))


@register(OPERATE, SetV)
def operate(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    if not (isinstance(left, SetV) and isinstance(right, SetV)):
        return MISSING
    run.budget.tick(len(left.items) * len(right.items) // 16)
    if symbol == "-":
        return SetV(_without(left.items, right.items))
    if symbol == "&":
        return SetV([item for item in left.items if _among(right.items, item)])
    if symbol == "|":
        return SetV(left.items + _without(right.items, left.items))
    if symbol == "^":
        return SetV(_without(left.items, right.items) + _without(right.items, left.items))
    return Unknown(origin.Call(f"set {symbol} set"))


@register(GETATTR, SetV)
def attribute(run: Run, value: SetV, name: str, frame: Frame) -> Value:
    return method_of(value, name, METHODS)


def _add(run: Run, value: SetV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if args and not any(equal(item, args[0]) is True for item in value.items):
        run.journal.touch(value)
        value.items.append(args[0])
    return None


def _set_update(
    run: Run, value: SetV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    for source in args:
        found = items_of(run, source, frame, site)
        for item in found.items or []:
            _add(run, value, [item], {}, frame, site)
    return None


def _union(run: Run, value: SetV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    made = SetV(list(value.items))
    _set_update(run, made, args, keywords, frame, site)
    return made


def _against(make: Callable[[list[Value], list[Value]], Value]) -> Act:
    """A method that sets a set against another collection; unknown where an entry of either is."""

    def act(run: Run, value: SetV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        other = items_of(run, args[0], frame, site).items if len(args) == 1 else None
        if other is None or any(is_unknown(item) for item in (*value.items, *other)):
            return Unknown(origin.Computed("set comparison"))
        return make(value.items, other)

    return act


def _without(items: list[Value], others: list[Value]) -> list[Value]:
    return [item for item in items if not _among(others, item)]


def _among(items: list[Value], wanted: Value) -> bool:
    return any(equal(wanted, item) is True for item in items)


def _remove(run: Run, value: SetV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    for position, item in enumerate(value.items):
        if args and equal(item, args[0]) is True:
            run.journal.touch(value)
            del value.items[position]
            break
    return None


def _copy(run: Run, value: SetV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return SetV(list(value.items))


def _clear(run: Run, value: SetV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    run.journal.touch(value)
    value.items.clear()
    return None


METHODS: dict[str, Act] = {
    "add": _add,
    "update": _set_update,
    "union": _union,
    "issubset": _against(lambda ours, theirs: not _without(ours, theirs)),
    "issuperset": _against(lambda ours, theirs: not _without(theirs, ours)),
    "isdisjoint": _against(lambda ours, theirs: len(_without(ours, theirs)) == len(ours)),
    "difference": _against(lambda ours, theirs: SetV(_without(ours, theirs))),
    "intersection": _against(lambda ours, theirs: SetV(_without(ours, _without(ours, theirs)))),
    "symmetric_difference": _against(lambda ours, theirs: SetV(_without(ours, theirs) + _without(theirs, ours))),
    "discard": _remove,
    "remove": _remove,
    "copy": _copy,
    "clear": _clear,
}
