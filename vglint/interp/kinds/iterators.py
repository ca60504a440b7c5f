"""Iterators and generators."""

from __future__ import annotations

from vglint import origin
from vglint.interp.kinds.lists import item_at
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
from vglint.interp.protocols.iteration import Items, listed
from vglint.interp.values.objects import IteratorV, ListV, Site, Value
from vglint.value import Unknown

declines((IteratorV,), CALL, SETATTR, SET_ITEM, TRUTH, OPERATE, COMPARE, CONTAINS)


@register(GETATTR, IteratorV)
def attribute(run: Run, value: IteratorV, name: str, frame: Frame) -> Value:
    return Unknown(origin.Call(f".{name} of {type(value).__name__}"))


@register(ITEM, IteratorV)
def item(run: Run, value: IteratorV, key: Value, frame: Frame, site: Site) -> Value:
    return value.item if value.items is None else item_at(ListV(value.items), key)


@register(ITERATE, IteratorV)
def items(run: Run, value: IteratorV, frame: Frame, site: Site) -> Items:
    """Yields what is left, and uses it up."""
    if value.items is None:
        run.journal.set_field(value, "exhausted", True)
        return Items(None, value.item, value.count)
    rest = value.items[value.position :]
    run.journal.set_field(value, "position", len(value.items))
    run.journal.set_field(value, "exhausted", True)
    return listed(rest)
