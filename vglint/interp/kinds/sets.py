"""Sets and frozen sets."""

from __future__ import annotations

from collections.abc import Callable

from vglint import origin
from vglint.interp.machine.calls import Call, methods
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
from vglint.interp.protocols.equality import equal, first_equal, held_in, is_plain
from vglint.interp.protocols.iteration import Items, items_of
from vglint.interp.protocols.methods import method_of
from vglint.interp.protocols.symbols import NATIVE
from vglint.interp.values.objects import BuiltinV, SetV, Site, TensorV, Value, is_unknown
from vglint.value import Unknown

declines((SetV,), CALL, SETATTR, ITEM, SET_ITEM)


def set_of(run: Run, items: list[Value]) -> SetV:
    """Returns the set of some values: of those that are equal, the first."""
    unique: list[Value] = []
    plain: set[Value] = set()
    others: list[Value] = []
    for item in items:
        by_hash = is_plain(item)
        if by_hash and item in plain:
            continue
        against = others if by_hash else unique
        _count(run, len(against), item)
        if not _among(against, item):
            unique.append(item)
            plain.add(item) if by_hash else others.append(item)
    return SetV(unique)


def _count(run: Run, others: int, value: Value) -> None:
    """Counts the comparisons of a value with others; one of pairs or objects costs as much as some of numbers and texts."""
    run.budget.tick(others // (16 if is_plain(value) else 2))


@register(ITERATE, SetV)
def items(run: Run, value: SetV, frame: Frame, site: Site) -> Items:
    return Items(list(value.items))


@register(TRUTH, SetV)
def truth(run: Run, value: SetV, frame: Frame, site: Site) -> bool | None:
    return bool(value.items)


@register(CONTAINS, SetV)
def contains(run: Run, value: SetV, wanted: Value, frame: Frame, site: Site) -> bool | None:
    _count(run, len(value.items), wanted)
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
    for item in left.items:
        _count(run, len(right.items), item)
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


METHODS: dict[str, BuiltinV] = {}
own = methods(METHODS)


@own("add", takes="self, item")
def _add(call: Call) -> Value:
    _put_in(call.run, call.own(SetV), call["item"])
    return None


def _put_in(run: Run, value: SetV, added: Value) -> None:
    if run.context.open_loops and (is_unknown(added) or isinstance(added, TensorV)):
        added = Unknown(origin.Length("set"))  # another one in each turn, or the same
    _count(run, len(value.items), added)
    if not _among(value.items, added):
        run.journal.touch(value)
        value.items.append(added)


@own("update", takes="self, *rest")
def _update(call: Call) -> Value:
    _extended(call, call.own(SetV))
    return None


@own("union", takes="self, *rest")
def _union(call: Call) -> Value:
    return _extended(call, SetV(list(call.own(SetV).items)))


def _extended(call: Call, value: SetV) -> SetV:
    for source in call.rest:
        for item in items_of(call.run, source, call.frame, call.site).items or []:
            _put_in(call.run, value, item)
    return value


def _against(name: str, make: Callable[[list[Value], list[Value]], Value]) -> None:
    """Enters a method that sets a set against another collection; unknown where an entry of either is."""

    @own(name, takes="self, other")
    def act(call: Call) -> Value:
        ours, theirs = call.own(SetV).items, items_of(call.run, call["other"], call.frame, call.site).items
        if theirs is None or any(is_unknown(item) for item in (*ours, *theirs)):
            return Unknown(origin.Computed("set comparison"))
        return make(ours, theirs)


_against("issubset", lambda ours, theirs: not _without(ours, theirs))
_against("issuperset", lambda ours, theirs: not _without(theirs, ours))
_against("isdisjoint", lambda ours, theirs: len(_without(ours, theirs)) == len(ours))
_against("difference", lambda ours, theirs: SetV(_without(ours, theirs)))
_against("intersection", lambda ours, theirs: SetV(_without(ours, _without(ours, theirs))))
_against("symmetric_difference", lambda ours, theirs: SetV(_without(ours, theirs) + _without(theirs, ours)))


def _without(items: list[Value], others: list[Value]) -> list[Value]:
    return [item for item in items if not _among(others, item)]


def _among(items: list[Value], wanted: Value) -> bool:
    return any(equal(wanted, item) is True for item in items)


@own("remove", "discard", takes="self, item")
def _remove(call: Call) -> Value:
    value = call.own(SetV)
    if (place := first_equal(value.items, call["item"])) is not None:
        call.run.journal.touch(value)
        del value.items[place]
    return None


@own("copy", takes="self")
def _copy(call: Call) -> Value:
    return SetV(list(call.own(SetV).items))


@own("clear", takes="self")
def _clear(call: Call) -> Value:
    call.run.journal.touch(call.own(SetV))
    call.own(SetV).items.clear()
    return None
