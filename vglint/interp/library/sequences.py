"""Built-in functions of sequences: range, zip, map, sum …"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from functools import cmp_to_key
from typing import Any

from vglint import origin
from vglint.interp.kinds.sets import set_of
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import opaque
from vglint.interp.protocols.asking import items, listed, operate, truth
from vglint.interp.protocols.iteration import Items
from vglint.interp.protocols.symbols import symbolic
from vglint.interp.values.inside import as_tuple
from vglint.interp.values.objects import (
    DictV,
    Instance,
    IteratorV,
    ListV,
    RepeatV,
    SetV,
    ShapeV,
    Value,
    is_tensor,
)
from vglint.value import Expr, Unknown, plus, times


@library("builtins.range", takes="*args")
def range_(call: Call) -> Value:
    args = call.args
    whole = [arg for arg in args if isinstance(arg, int)]
    if args and len(whole) == len(args):
        try:
            made = range(*whole)
            if max(map(abs, (made.start, made.stop, made.step))) > sys.maxsize // 4:
                return Unknown(origin.Budget("large range"))
            return made
        except (ValueError, TypeError):
            return call.unknown()
    numbers = [symbolic(arg) for arg in args]
    if len(numbers) == 1 and isinstance(numbers[0], Expr):
        return IteratorV(None, Unknown(origin.Length("index")), numbers[0])
    if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None:
        count = plus(numbers[1], times(numbers[0], -1))
        if isinstance(count, Expr):
            return IteratorV(None, Unknown(origin.Length("index")), count)
    text = next((arg.text for arg in args if isinstance(arg, Unknown)), "range")
    return IteratorV(None, Unknown(origin.Length("index")), Unknown(origin.Length(text)))


@library("builtins.enumerate", takes="iterable, start=0")
def enumerate_(call: Call) -> Value:
    start = call["start"]
    found = items(call, call["iterable"])
    if found.parts is not None:
        return IteratorV(_numbered(found.parts))
    if found.items is None:
        return IteratorV(None, (Unknown(origin.Length("index")), found.item), found.count)
    base = start if isinstance(start, int) else 0
    return IteratorV([(base + position, item) for position, item in enumerate(found.items)])


def _numbered(parts: Sequence[Value]) -> list[Value]:
    return [
        RepeatV(tuple(_numbered(part.items)), part.count, part.loop)
        if isinstance(part, RepeatV)
        else (Unknown(origin.Length("index")), part)
        for part in parts
    ]


@library("builtins.zip", takes="*iterables, strict=False")
def zip_(call: Call) -> Value:
    found = [items(call, arg) for arg in call.rest]
    known = [each.items for each in found if each.items is not None]
    if not found:
        return IteratorV([])
    if all(each.parts is not None for each in found) and (pairs := _zipped([each.parts or [] for each in found])):
        return IteratorV(pairs)
    if not known:
        return IteratorV(
            None,
            tuple(each.item for each in found),
            next((each.count for each in found if each.count is not None), None),
        )
    if shared := _shared(call.rest, found):
        return shared
    size = min(len(each) for each in known)
    return IteratorV(
        [
            tuple(each.items[position] if each.items is not None else each.item for each in found)
            for position in range(size)
        ]
    )


def _shared(args: Sequence[Value], found: Sequence[Items]) -> IteratorV | None:
    """Returns rows of what one iterator yields, where `zip` is given it several times and nothing else."""
    first = args[0]
    if len(args) < 2 or not isinstance(first, IteratorV) or any(arg is not first for arg in args):
        return None
    values = found[0].items or []
    return IteratorV([tuple(row) for row in zip(*[iter(values)] * len(args), strict=False)])


def _zipped(lists: Sequence[Sequence[Value]]) -> list[Value] | None:
    """Returns the items of several lists side by side, where each repeats as many at the same places as often; else None."""
    made: list[Value] = []
    for row in itertools.zip_longest(*lists):
        repeated = [part for part in row if isinstance(part, RepeatV)]
        if not repeated:
            made.append(tuple(row))
            continue
        if len(repeated) < len(row) or any(part.count != repeated[0].count for part in repeated):
            return None
        inner = _zipped([part.items for part in repeated])
        if inner is None or len({len(part.items) for part in repeated}) > 1:
            return None
        made.append(RepeatV(tuple(inner), repeated[0].count, repeated[0].loop))
    return made if len({len(each) for each in lists}) == 1 else None


def _turned(parts: Sequence[Value]) -> list[Value]:
    return [
        RepeatV(tuple(_turned(part.items)), part.count, part.loop) if isinstance(part, RepeatV) else part
        for part in reversed(parts)
    ]


@library("builtins.reversed", takes="sequence")
def reversed_(call: Call) -> Value:
    found = items(call, call["sequence"])
    if found.parts is not None:
        return IteratorV(_turned(found.parts))
    return IteratorV(found.items[::-1]) if found.items is not None else IteratorV(None, found.item, found.count)


@library("builtins.sorted", takes="iterable, *, key=None, reverse=False")
@library(*(f"builtins.{name}" for name in ("list", "tuple", "set", "frozenset")), takes="iterable?")
def sequence(call: Call) -> Value:
    kind = call.last
    if "iterable" not in call:
        return () if kind == "tuple" else SetV([]) if "set" in kind else ListV([])
    if kind == "tuple" and isinstance(call["iterable"], ShapeV):
        return call["iterable"]
    found = items(call, call["iterable"])
    if found.parts is not None and kind in ("list", "tuple"):
        return ListV(found.parts) if kind == "list" else as_tuple(found.parts)
    if found.items is None:
        return ListV(
            [found.item], found.count if found.count is not None else Unknown(origin.Length("list of unknown length"))
        )
    if kind == "tuple":
        return as_tuple(found.items)
    if "set" in kind:
        return set_of(call.run, found.items)
    if kind == "sorted":
        return _sorted(call, found.items)
    return ListV(found.items)


def _sorted(call: Call, unsorted: list[Value]) -> Value:
    key = call["key"]
    keys: list[Any] = [call.invoke(key, item) for item in unsorted] if key is not None else unsorted
    try:
        order = sorted(range(len(keys)), key=lambda position: keys[position], reverse=call["reverse"] is True)
    except TypeError:
        asked = _by_asking(call, keys)
        if asked is None:
            item = opaque(call.run, origin.Computed("order"), list(unsorted), call.site)
            return ListV([item for _ in unsorted])
        order = asked
    return ListV([unsorted[position] for position in order])


def _by_asking(call: Call, keys: list[Value]) -> list[int] | None:
    """Returns places in the order that `<` gives, None where that does not know."""

    def asked(one: int, other: int) -> int:
        for sign, pair in ((-1, (one, other)), (1, (other, one))):
            first, second = pair
            answer = truth(call, operate(call, "<", keys[first], keys[second]))
            if answer is None:
                raise TypeError
            if answer:
                return sign
        return 0

    call.run.budget.tick(len(keys))
    try:
        return sorted(range(len(keys)), key=cmp_to_key(asked), reverse=call["reverse"] is True)
    except TypeError:
        return None


@library("builtins.dict", takes="*args, **pairs")
def dict_(call: Call) -> Value:
    made = DictV({})
    if call.args:
        source = call.args[0]
        if isinstance(source, DictV):
            made = DictV(dict(source.items), None, source.complete)
        else:
            found = items(call, source)
            made.complete = found.items is not None
            for pair in found.items or []:
                if isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], (str, int)):
                    made.items[pair[0]] = pair[1]
    made.complete = made.complete and "**" not in call.keywords
    made.items.update({key: value for key, value in call.keywords.items() if key != "**"})
    return made


@library("builtins.dict.fromkeys", "collections.OrderedDict.fromkeys", takes="iterable, value=None")
def from_keys(call: Call) -> Value:
    found = listed(call, call["iterable"])
    if found is None or not all(isinstance(key, (str, int)) for key in found):
        return DictV({}, complete=False)
    return DictV(dict.fromkeys(found, call["value"]))


@library("builtins.sum", takes="iterable, start=0")
def sum_(call: Call) -> Value:
    found = items(call, call["iterable"])
    if found.items is None:
        return opaque(call.run, origin.Length("sum of unknown length"), [found.item], call.site)
    total: Value = call["start"]
    terms = found.items
    if terms and total == 0 and is_tensor(terms[0]):
        # Python adds 0 first; torch returns the same tensor's values.
        total = operate(call, "+", terms[0], 0)
        terms = terms[1:]
    for term in terms:
        total = operate(call, "+", total, term)
    return total


@library("builtins.map", takes="function, *iterables, strict=False")
def map_(call: Call) -> Value:
    found = [items(call, arg) for arg in call.rest]
    if not found:
        return call.unknown()
    known = [each.items for each in found if each.items is not None]
    if not known:
        return IteratorV(None, call.invoke(call["function"], *(each.item for each in found)), found[0].count)
    rows = (
        [each.items[position] if each.items is not None else each.item for each in found]
        for position in range(min(len(each) for each in known))
    )
    return IteratorV([call.invoke(call["function"], *row) for row in rows])


@library("builtins.filter", takes="function, iterable")
def filter_(call: Call) -> Value:
    found, function = items(call, call["iterable"]), call["function"]
    if found.items is None:
        return IteratorV(None, found.item, found.count, origin=call.site)
    kept = []
    for item in found.items:
        keep = truth(call, item if function is None else call.invoke(function, item))
        if keep is not False:
            kept.append(item)
    return IteratorV(kept, origin=call.site)


@library("builtins.iter", takes="object, sentinel?")
def iter_(call: Call) -> Value:
    source = call["object"]
    if isinstance(source, IteratorV):
        return source
    found = items(call, source)
    return IteratorV(found.items if found.parts is None else found.parts, found.item, found.count, origin=call.site)


@library("builtins.next", takes="iterator, default?")
def next_(call: Call) -> Value:
    source = call["iterator"]
    if isinstance(source, IteratorV):
        if source.items is None:
            return source.item
        if source.position < len(source.items):
            call.run.journal.set_field(source, "position", source.position + 1)
            return source.items[source.position - 1]
        return call.get("default", Unknown(origin.Computed("next of an empty iterator")))
    return items(call, source).item


@library("builtins.any", "builtins.all", takes="iterable")
def quantified(call: Call) -> Value:
    is_any = call.last == "any"
    found = listed(call, call["iterable"])
    if found is None:
        return Unknown(origin.Computed(call.name))
    answers = [truth(call, item) for item in found]
    if is_any in answers:
        return is_any
    return Unknown(origin.Computed(call.name)) if None in answers else not is_any


@library("builtins.min", "builtins.max", takes="*values, key=None, default?")
def extreme(call: Call) -> Value:
    among = call.args
    if len(among) == 1:
        found = listed(call, among[0])
        if found is None:
            return Unknown(origin.Computed(call.name))
        among = found
    if (among and call["key"] is not None) or any(isinstance(item, Instance) for item in among):
        return _extreme_by_asking(call, among)
    pick = min if call.last == "min" else max
    numbers = [item for item in among if isinstance(item, (int, float))]
    if among and len(numbers) == len(among) and call["key"] is None:
        return pick(numbers)
    if not among:
        return call.get("default", Unknown(origin.Computed(call.name)))
    if all(isinstance(item, (int, float, Expr)) for item in among):
        return Expr.symbol(f"{call.last}({', '.join(str(item) for item in among)})")
    return next(
        (item for item in among if isinstance(item, Unknown)),
        opaque(call.run, origin.Computed(call.name), list(among), call.site),
    )


def _extreme_by_asking(call: Call, among: Sequence[Value]) -> Value:
    """Returns the least or largest of values by a key, or by what their classes say of `<`."""
    key = call["key"]
    keys = [item if key is None else call.invoke(key, item) for item in among]
    best = 0
    for place in range(1, len(among)):
        pair = (keys[place], keys[best]) if call.last == "min" else (keys[best], keys[place])
        is_better = truth(call, operate(call, "<", *pair))
        if is_better is None:
            return opaque(call.run, origin.Computed(call.name), list(among), call.site)
        best = place if is_better else best
    return among[best]
