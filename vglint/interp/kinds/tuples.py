"""Tuples, ranges, slices and the ellipsis."""

from __future__ import annotations

from types import EllipsisType

from vglint import ops, origin
from vglint.interp.machine.core import Frame, Run, register
from vglint.interp.machine.journal import Missing
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
from vglint.interp.protocols.comparison import native_compare
from vglint.interp.protocols.equality import held_in
from vglint.interp.protocols.iteration import Items, listed, native_items
from vglint.interp.protocols.methods import plain_method
from vglint.interp.protocols.operators import native_binary
from vglint.interp.protocols.tensor_parts import native_item
from vglint.interp.values.objects import BuiltinV, ListV, Site, TensorV, Value
from vglint.value import Expr, Unknown, product

declines((tuple, range), CALL, SETATTR, SET_ITEM)
declines((slice, EllipsisType), CALL, SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)
declines((EllipsisType,), GETATTR)

register(COMPARE, tuple, range)(native_compare)
register(OPERATE, range)(native_binary)
register(ITERATE, range)(native_items)


@register(OPERATE, tuple)
def operate(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    if symbol == "*":
        items, times = (left, right) if isinstance(left, tuple) else (right, left)
        if isinstance(items, tuple) and isinstance(times, (Expr, Unknown)) and len(items) == 1:
            return ListV([items[0]], times)
    return native_binary(run, symbol, left, right, frame, site)


@register(ITERATE, tuple)
def items(run: Run, value: tuple[Value, ...], frame: Frame, site: Site) -> Items:
    return listed(value)


@register(ITEM, tuple, range)
def item(run: Run, value: tuple[Value, ...] | range, key: Value, frame: Frame, site: Site) -> Value:
    if isinstance(value, tuple) and not isinstance(key, (int, slice)):
        run.graph.note_choice(range(1, len(value) + 1), value)  # dimensions are counted from 1
    return native_item(value, key)


@register(GETATTR, tuple, range)
def attribute(run: Run, value: tuple[Value, ...] | range, name: str, frame: Frame) -> Value:
    if (result := _result(run, value, name)) is not None:
        return result
    return _numel(value) if name == "numel" else plain_method(value, name, frozenset({"index", "count"}))


def _result(run: Run, value: tuple[Value, ...] | range, name: str) -> Value | None:
    """Returns a result of an op by its name: `x.max(dim=1).values`."""
    first = value[0] if value else None
    if isinstance(first, TensorV) and first.pick == (0,):
        for position, names in enumerate(ops.results(run.graph.nodes[first.node].op)):
            if name in names.split() and position < len(value):
                return value[position]
    return None


def _numel(value: tuple[Value, ...] | range) -> Value:
    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        total = product(value)
        return Unknown(origin.Computed("numel")) if total is None else total

    return BuiltinV("numel", invoke)


@register(GETATTR, slice)
def slice_attribute(run: Run, value: slice, name: str, frame: Frame) -> Value:
    if name in ("start", "stop", "step"):
        found: Value = getattr(value, name)
        return found
    return Unknown(origin.Call(f".{name} of a slice"))


@register(TRUTH, tuple, range)
def truth(run: Run, value: tuple[Value, ...] | range, frame: Frame, site: Site) -> bool | None:
    return bool(value)


@register(CONTAINS, tuple)
def contains(run: Run, value: tuple[Value, ...], wanted: Value, frame: Frame, site: Site) -> bool | None:
    return held_in(value, wanted)


@register(CONTAINS, range)
def contains_number(run: Run, value: range, wanted: Value, frame: Frame, site: Site) -> bool | None:
    return wanted in value if isinstance(wanted, int) else None
