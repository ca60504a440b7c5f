"""numpy arrays of known size, entry by entry: what sizes, paddings and schedules are computed with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from vglint import origin
from vglint.interp.machine.core import LIBRARY, Frame, Run, opaque, register
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
from vglint.interp.protocols import comparison, operators
from vglint.interp.protocols.equality import held_in
from vglint.interp.protocols.iteration import Items, items_of
from vglint.interp.protocols.mathematics import call_math
from vglint.interp.protocols.symbols import RELATIONS
from vglint.interp.values.objects import ArrayV, BuiltinV, External, Instance, ListV, Site, Value, is_tensor
from vglint.value import Expr, Unknown

declines((ArrayV,), CALL, SETATTR, SET_ITEM)
LIMIT = 4_096
"""Entries of one array."""


def array(value: Value) -> Value:
    """Returns lists and tuples of numbers, nested or not, as an array; anything else as it is."""
    if isinstance(value, ListV) and value.count is not None:
        return value
    items = value.items if isinstance(value, (ListV, ArrayV)) else list(value) if isinstance(value, tuple) else None
    if items is None or len(items) > LIMIT:
        return value
    entries = [array(item) for item in items]
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
    if isinstance(key, tuple) and key:
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
        name, lambda run, args, keywords, frame, site: numpy(run, name, [value, *args], keywords, frame, site)
    )


def _listed(value: Value) -> Value:
    return ListV([_listed(item) for item in value.items]) if isinstance(value, ArrayV) else value


_MADE = {"array", "asarray", "ascontiguousarray", "atleast_1d", "stack", "copy"}
_SCALARS = {"int32", "int64", "float32", "float64", "intp", "float16", "bool_"}
_ENTRYWISE = {"sqrt", "log", "log2", "ceil", "floor", "exp", "abs", "log10", "cos", "sin", "round", "rint"}
_OPERATORS = {
    "power": "**",
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "floor_divide": "//",
    "mod": "%",
}


def numpy(run: Run, last: str, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """Calls a function of numpy on plain numbers, lists and arrays."""
    first = args[0] if args else None
    if last in _SCALARS and args:
        return first
    if last in _MADE and args:
        made = array(first)
        return made if isinstance(made, (ArrayV, Expr)) or last != "atleast_1d" else ArrayV([made])
    if last in _OPERATORS and len(args) == 2:
        return binary(run, _OPERATORS[last], args[0], args[1], frame, site)
    if last in _ENTRYWISE and args and not any(is_tensor(arg) for arg in args):
        return _entrywise(run, last, args, keywords, frame, site)
    if last in ("zeros", "ones", "full", "zeros_like", "ones_like"):
        return _filled(last, args, keywords)
    if last in ("eye", "identity") and args:
        return _identity(args)
    if last == "linspace" and len(args) >= 3:
        return _linspace(args)
    whole = [arg for arg in args if isinstance(arg, int)]
    if last == "arange" and args and len(whole) == len(args):
        return ArrayV(list(range(*whole)[:LIMIT]))
    if last == "concatenate" and args:
        parts = items_of(run, first, frame, site).items
        made_of = [array(part) for part in parts or ()]
        joined = [item for part in made_of if isinstance(part, ArrayV) for item in part.items]
        if parts is not None and all(isinstance(part, ArrayV) for part in made_of):
            return ArrayV(joined)
    if args and keywords.get("axis") is None and len(args) == 1:
        reduced = _reduced(run, last, first, frame, site)
        if reduced is not None:
            return reduced
    return opaque(run, origin.Call(f"numpy.{last}()"), args, site)


def _entrywise(run: Run, last: str, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    value = array(args[0])
    if isinstance(value, ArrayV):
        return ArrayV([_entrywise(run, last, [item, *args[1:]], keywords, frame, site) for item in value.items])
    if last in ("round", "rint"):
        return LIBRARY["builtins.round"](run, External("builtins.round"), [value, *args[1:]], keywords, frame, site)
    return call_math({"abs": "fabs"}.get(last, last), [value])


def _filled(last: str, args: list[Value], keywords: dict[str, Value]) -> Value:
    sizes = args[0] if args else keywords.get("shape")
    if last.endswith("_like"):
        sizes = shape(array(sizes))
    if isinstance(sizes, ListV):
        sizes = tuple(sizes.items)
    sizes = sizes if isinstance(sizes, tuple) else (sizes,)
    fill = (args[1] if len(args) > 1 else keywords.get("fill_value")) if last == "full" else float("ones" in last)
    known = [size for size in sizes if isinstance(size, int) and size >= 0]
    if len(known) < len(sizes) or math.prod(known) > LIMIT:
        return Unknown(origin.Computed(f"numpy.{last}()"))
    made: Value = fill
    for size in reversed(known):
        made = ArrayV([made] * size)
    return made


def _identity(args: list[Value]) -> Value:
    rows, columns = args[0], args[1] if len(args) > 1 and args[1] is not None else args[0]
    if not (isinstance(rows, int) and isinstance(columns, int)) or not 0 <= rows * columns <= LIMIT:
        return Unknown(origin.Computed("numpy.eye()"))
    return ArrayV([ArrayV([float(row == column) for column in range(columns)]) for row in range(rows)])


def _linspace(args: list[Value]) -> Value:
    start, end, steps = args[:3]
    if not (isinstance(start, (int, float)) and isinstance(end, (int, float)) and isinstance(steps, int)):
        return Unknown(origin.Computed("numpy.linspace()"))
    return ArrayV([start + (end - start) * place / max(1, steps - 1) for place in range(min(steps, LIMIT))])


def _reduced(run: Run, last: str, value: Value, frame: Frame, site: Site) -> Value:
    """Returns what a function makes of all entries; None where it is no such function, or an entry is not known."""
    if last == "prod":
        made = array(value)
        flat: Value = ListV(entries(made)) if isinstance(made, (ArrayV, int, float)) else value
        return LIBRARY["math.prod"](run, External("math.prod"), [flat], {}, frame, site)
    if last in ("any", "all"):
        name = f"builtins.{last}"
        return LIBRARY[name](run, External(name), [ListV(entries(array(value)))], {}, frame, site)
    if last not in ("sum", "cumsum", "max", "min", "mean", "amax", "amin", "argmax", "argmin", "unique"):
        return None
    found = items_of(run, value, frame, site)
    flat_items = [entry for item in found.items or [] for entry in entries(array(item))]
    if not flat_items or not all(isinstance(item, (int, float)) for item in flat_items):
        return None
    numbers: list[Any] = flat_items
    made_of: dict[str, Callable[[], Value]] = {
        "cumsum": lambda: ArrayV(list(itertools.accumulate(numbers))),
        "unique": lambda: ArrayV(sorted(set(numbers))),
        "mean": lambda: sum(numbers) / len(numbers),
        "sum": lambda: sum(numbers),
        "argmax": lambda: numbers.index(max(numbers)),
        "argmin": lambda: numbers.index(min(numbers)),
    }
    if last in made_of:
        return made_of[last]()
    extreme: Value = max(numbers) if last.endswith("max") else min(numbers)
    return extreme
