"""numpy arrays of known size, entry by entry: what sizes, paddings and schedules are computed with."""

from __future__ import annotations

import itertools
import math

from vglint import origin
from vglint.interp.machine.core import Frame, Run, call, register
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
from vglint.interp.nodes.filled import as_tensor
from vglint.interp.protocols import comparison, operators
from vglint.interp.protocols.equality import held_in
from vglint.interp.protocols.iteration import Items
from vglint.interp.protocols.symbols import RELATIONS
from vglint.interp.values.inside import bulk
from vglint.interp.values.objects import ArrayV, BuiltinV, External, Instance, ListV, Site, Value
from vglint.value import Expr, Unknown

declines((ArrayV,), CALL, SETATTR)
LIMIT = 4_096
"""Entries of one array."""


def array(value: Value) -> Value:
    """Returns lists and tuples of numbers, nested or not, as an array; anything else as it is."""
    return value if bulk(value, 4 * LIMIT) > 4 * LIMIT else _array(value)


def _array(value: Value) -> Value:
    if isinstance(value, ListV) and value.count is not None:
        return value
    items = value.items if isinstance(value, (ListV, ArrayV)) else list(value) if isinstance(value, tuple) else None
    if items is None or len(items) > LIMIT:
        return value
    entries = [_array(item) for item in items]
    if not all(isinstance(entry, (int, float, Expr, Unknown, ArrayV)) for entry in entries):
        return value
    return ArrayV(entries)


def shape(value: Value) -> tuple[int, ...]:
    if not isinstance(value, ArrayV):
        return ()
    return (len(value.items), *(shape(value.items[0]) if value.items else ()))


def entries(value: Value) -> list[Value]:
    """Returns the entries in order."""
    if not isinstance(value, ArrayV):
        return [value]
    return [entry for item in value.items for entry in entries(item)]


@register(OPERATE, ArrayV)
def operate(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    # A class may define the operator.
    if isinstance(left, Instance) or isinstance(right, Instance):
        return MISSING
    return binary(run, symbol, left, right, frame, site)


@register(COMPARE, ArrayV)
def binary(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value:
    """Applies an operator, comparisons included, entry by entry."""
    left, right = array(left), array(right)
    if isinstance(left, ArrayV) and isinstance(right, ArrayV):
        if _together(shape(left), shape(right)) > 4 * LIMIT:
            return _large(run, symbol, left, right, site)
        deep, other = len(shape(left)), len(shape(right))
        if deep == other:
            size = max(len(left.items), len(right.items))
            if {len(left.items), len(right.items)} <= {1, size}:
                ours = left.items * (size // len(left.items)) if left.items else []
                theirs = right.items * (size // len(right.items)) if right.items else []
                return ArrayV([binary(run, symbol, a, b, frame, site) for a, b in zip(ours, theirs, strict=False)])
            return Unknown(origin.Computed("shapes of arrays differ"))
        if deep < other:
            return ArrayV([binary(run, symbol, left, item, frame, site) for item in right.items])
        return ArrayV([binary(run, symbol, item, right, frame, site) for item in left.items])
    if isinstance(left, ArrayV):
        return ArrayV([binary(run, symbol, item, right, frame, site) for item in left.items])
    if isinstance(right, ArrayV):
        return ArrayV([binary(run, symbol, left, item, frame, site) for item in right.items])
    if symbol in RELATIONS:
        return comparison.compare(run, symbol, left, right, frame, site)
    return operators.binary(run, symbol, left, right, frame, site)


def _together(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """Returns how many entries two arrays have that are repeated to one shape."""
    pairs = itertools.zip_longest(reversed(left), reversed(right), fillvalue=1)
    return math.prod(max(one, other) for one, other in pairs)


def _large(run: Run, symbol: str, left: ArrayV, right: ArrayV, site: Site) -> Value:
    """Combines two arrays as tensors of numbers, of which entries are computed only where they are looked at."""
    if not run.context.setup or symbol in RELATIONS:
        return Unknown(origin.Computed("a large array"))
    return comparison.tensor_binary(run, symbol, as_tensor(run, left, site), as_tensor(run, right, site), site)


@register(ITERATE, ArrayV)
def items(run: Run, value: ArrayV, frame: Frame, site: Site) -> Items:
    return Items(list(value.items))


@register(TRUTH, ArrayV)
def truth(run: Run, value: ArrayV, frame: Frame, site: Site) -> bool | None:
    return comparison.truth(run, value.items[0], frame, site) if len(value.items) == 1 else None


@register(CONTAINS, ArrayV)
def contains(run: Run, value: ArrayV, wanted: Value, frame: Frame, site: Site) -> bool | None:
    return held_in(value.items, wanted)


@register(ITEM, ArrayV)
def item(run: Run, value: ArrayV, key: Value, frame: Frame, site: Site) -> Value:
    return index(value, key)


def index(value: ArrayV, key: Value) -> Value:
    """Returns `value[key]`."""
    if key is None:
        return ArrayV([value])
    if isinstance(key, tuple) and key:
        if key[0] is None:
            return ArrayV([index(value, key[1:]) if key[1:] else value])
        if key[1:] and all(each is None for each in key[1:]) and isinstance(key[0], slice):
            part = index(value, key[0])
            return ArrayV([_nested(item, len(key) - 1) for item in part.items]) if isinstance(part, ArrayV) else part
        part = index(value, key[0])
        rest = key[1:]
        if not rest:
            return part
        if isinstance(part, ArrayV) and isinstance(key[0], slice):
            return ArrayV([index(item, rest) if isinstance(item, ArrayV) else item for item in part.items])
        return index(part, rest) if isinstance(part, ArrayV) else Unknown(origin.Computed("index of an array"))
    if isinstance(key, (int, slice)):
        try:
            found = value.items[key]
        except (IndexError, TypeError, ValueError):
            return Unknown(origin.Call("index out of range"))
        return ArrayV(found) if isinstance(found, list) else found
    if isinstance(key, (ArrayV, ListV)):
        keys = key.items
        if keys and all(isinstance(each, bool) for each in keys) and len(keys) == len(value.items):
            return ArrayV([item for item, kept in zip(value.items, keys, strict=True) if kept])
        if all(isinstance(each, int) for each in keys):
            return ArrayV([index(value, each) for each in keys])
    return Unknown(origin.Computed("index of an array"))


@register(SET_ITEM, ArrayV)
def set_item(run: Run, holder: ArrayV, key: Value, value: Value, frame: Frame, site: Site) -> None:
    """Writes into an array; where it is not known what is written where, no entry is known any more."""
    found = replaced(holder, key if isinstance(key, tuple) else (key,), array(value))
    run.journal.touch(holder)
    holder.items[:] = found.items if found is not None else [Unknown(origin.Computed("index")) for _ in holder.items]


def replaced(value: ArrayV, key: tuple[Value, ...], new: Value) -> ArrayV | None:
    """Returns a copy of an array in which `value[key]` is new, None where places or sizes are not known."""
    if not key:
        if not isinstance(new, ArrayV):
            return ArrayV([_full(item, new) for item in value.items])
        return new if shape(new) == shape(value) else None
    first, rest = key[0], key[1:]
    items = list(value.items)
    if type(first) is int and -len(items) <= first < len(items):
        inner = _replaced_in(items[first], rest, new)
        if inner is None:
            return None
        items[first] = inner
        return ArrayV(items)
    if not isinstance(first, slice):
        return None
    try:
        places = range(*first.indices(len(items)))
    except (TypeError, ValueError):
        return None
    each = new.items if isinstance(new, ArrayV) and len(shape(new)) + len(rest) >= len(shape(value)) else None
    if each is not None and len(each) != len(places):
        return None
    for turn, place in enumerate(places):
        inner = _replaced_in(items[place], rest, each[turn] if each is not None else new)
        if inner is None:
            return None
        items[place] = inner
    return ArrayV(items)


def _replaced_in(item: Value, rest: tuple[Value, ...], new: Value) -> Value:
    if isinstance(item, ArrayV):
        return replaced(item, rest, new)
    return None if rest or isinstance(new, ArrayV) else new


def _full(item: Value, new: Value) -> Value:
    return ArrayV([_full(each, new) for each in item.items]) if isinstance(item, ArrayV) else new


def _nested(item: Value, depth: int) -> Value:
    for _ in range(depth):
        item = ArrayV([item])
    return item


@register(GETATTR, ArrayV)
def attribute(run: Run, value: ArrayV, name: str, frame: Frame) -> Value:
    if name == "shape":
        return shape(value)
    if name == "ndim":
        return len(shape(value))
    if name == "size":
        return len(entries(value))
    if name == "dtype":
        return External("numpy.float64")
    if name in ("copy", "astype", "squeeze"):
        return BuiltinV(name, lambda run, args, keywords, frame, site: value)
    if name in ("flatten", "ravel"):
        return BuiltinV(name, lambda run, args, keywords, frame, site: ArrayV(entries(value)))
    if name == "tolist":
        return BuiltinV(name, lambda run, args, keywords, frame, site: _listed(value))
    if name == "item":
        return BuiltinV(name, lambda run, args, keywords, frame, site: entries(value)[0])
    return BuiltinV(
        name,
        lambda run, args, keywords, frame, site: call(
            run, External(f"numpy.{name}"), [value, *args], keywords, frame, site
        ),
    )


def _listed(value: Value) -> Value:
    return ListV([_listed(item) for item in value.items]) if isinstance(value, ArrayV) else value
