"""What iterating over a value yields."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from vglint import origin
from vglint.interp.machine.core import Frame, Run
from vglint.interp.machine.questions import ITERATE
from vglint.interp.protocols.repeats import first_repeated, is_layered, is_repeated, number_of
from vglint.interp.values.inside import width
from vglint.interp.values.objects import OpenLoop, RepeatV, Site, Value
from vglint.value import Unknown


class Items(Struct, frozen=True):
    """The items in order, or (items None) one that stands for each of `count`, which may be unknown."""

    items: list[Value] | None
    item: Value = None
    count: Value = None
    parts: list[Value] | None = None
    """Where some of them are repeated an unknown number of times: the items in order, those as `RepeatV`."""


LIMIT = 4_096
"""Items of one iterable that are listed."""


def items_of(run: Run, value: Value, frame: Frame, site: Site) -> Items:
    """Returns what iterating over a value yields."""
    run.budget.tick(width(value) // 16)
    handler = ITERATE.get(type(value))
    if handler is None:
        return not_iterable(value)
    answer: Items = handler(run, value, frame, site)
    return answer


def not_iterable(value: Value) -> Items:
    """Returns what iterating over something yields that does not say so itself."""
    return Items(
        None,
        Unknown(origin.Call(f"iteration over {type(value).__name__}")),
        Unknown(origin.Length(type(value).__name__)),
    )


def native_items(run: Run, value: str | bytes | range, frame: Frame, site: Site) -> Items:
    """Returns the items of a sequence of Python's own."""
    if len(value) > LIMIT:
        return Items(None, Unknown(origin.Length("long range")), len(value))
    return Items(list(value))


def listed(items: Sequence[Value]) -> Items:
    """Returns items of which some may be repeated; then, for whom that is too much, one that stands for all."""
    if not is_repeated(items):
        return Items(list(items))
    only = items[0]
    if (
        len(items) == 1
        and isinstance(only, RepeatV)
        and len(only.items) == 1
        and not isinstance(only.items[0], RepeatV)
    ):
        return Items(None, only.items[0], only.turns)
    return Items(None, first_repeated(items), number_of(items), list(items))


def parts_of_items(found: Items) -> list[Value] | None:
    """Returns what a starred expression adds to a list: items, of which layers may be repeated an unknown number of times."""
    if found.items is not None or found.parts is not None:
        return found.items if found.items is not None else found.parts
    if not is_layered(found.item):
        return None
    count = found.count if found.count is not None else Unknown(origin.Length("list of unknown length"))
    return [RepeatV((found.item,), count, OpenLoop(count))]
