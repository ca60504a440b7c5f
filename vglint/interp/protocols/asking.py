"""Python's questions, asked in the name of a call."""

from __future__ import annotations

from vglint.interp.machine.calls import Call
from vglint.interp.machine.core import get_attribute
from vglint.interp.protocols import comparison, indexing, operators
from vglint.interp.protocols.iteration import Items, items_of
from vglint.interp.protocols.symbols import RELATIONS
from vglint.interp.values.objects import Value


def items(call: Call, value: Value) -> Items:
    """Returns what iterating over a value yields."""
    return items_of(call.run, value, call.frame, call.site)


def listed(call: Call, value: Value) -> list[Value] | None:
    """Returns the items of a value, None where they are not known."""
    return items(call, value).items


def truth(call: Call, value: Value) -> bool | None:
    return comparison.truth(call.run, value, call.frame, call.site)


def operate(call: Call, symbol: str, left: Value, right: Value) -> Value:
    """Returns `left symbol right`, of an arithmetic operator or a comparison."""
    if symbol in RELATIONS:
        return comparison.compare(call.run, symbol, left, right, call.frame, call.site)
    return operators.binary(call.run, symbol, left, right, call.frame, call.site)


def item(call: Call, value: Value, key: Value) -> Value:
    """Returns `value[key]`."""
    return indexing.index(call.run, value, key, call.frame, call.site)


def attribute(call: Call, value: Value, name: str) -> Value:
    return get_attribute(call.run, value, name, call.frame)
