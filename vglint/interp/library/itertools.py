"""`itertools`, as far as layers and their sizes are put together with it."""

from __future__ import annotations

import itertools

from vglint import origin
from vglint.interp.machine.calls import Call, library
from vglint.interp.protocols.asking import items, listed, operate
from vglint.interp.protocols.iteration import parts_of_items
from vglint.interp.values.objects import IteratorV, Value
from vglint.value import Unknown

LIMIT = 4_096
"""Items of one iterator that are listed."""


@library("itertools.starmap", takes="function, iterable")
def starmap(call: Call) -> Value:
    rows = [listed(call, row) for row in listed(call, call["iterable"]) or [None]]
    if any(row is None for row in rows):
        return IteratorV(None, Unknown(origin.Length("starmap")))
    return IteratorV([call.invoke(call["function"], *(row or [])) for row in rows])


@library("itertools.pairwise", takes="iterable")
def pairwise(call: Call) -> Value:
    found = items(call, call["iterable"])
    if found.items is None:
        return IteratorV(None, (found.item, found.item), Unknown(origin.Length("pairwise")))
    return IteratorV(list(itertools.pairwise(found.items)))


@library("itertools.chain", takes="*iterables")
def chain(call: Call) -> Value:
    return _chained(call, call.rest)


@library("itertools.chain.from_iterable", takes="iterable")
def chain_from_iterable(call: Call) -> Value:
    outer = items(call, call["iterable"])
    if outer.items is None:
        return IteratorV(None, items(call, outer.item).item)
    return _chained(call, outer.items)


def _chained(call: Call, sources: list[Value]) -> Value:
    chained: list[Value] = []
    for source in sources:
        found = items(call, source)
        inner = parts_of_items(found)
        if inner is None:
            return IteratorV(None, found.item, found.count, origin=call.site)
        chained += inner
    return IteratorV(chained, origin=call.site)


@library("itertools.accumulate", takes="iterable, func=None, *, initial=None")
def accumulate(call: Call) -> Value:
    found = listed(call, call["iterable"])
    if found is None:
        return IteratorV(None, Unknown(origin.Length(call.name)))
    terms = found if call["initial"] is None else [call["initial"], *found]
    sums: list[Value] = terms[:1]
    for term in terms[1:]:
        function = call["func"]
        sums.append(operate(call, "+", sums[-1], term) if function is None else call.invoke(function, sums[-1], term))
    return IteratorV(sums)


@library("itertools.zip_longest", takes="*iterables, fillvalue=None")
@library("itertools.product", takes="*iterables, repeat=1")
@library("itertools.combinations", "itertools.permutations", takes="iterable, r=None")
@library("itertools.islice", takes="iterable, *bounds")
def combined(call: Call) -> Value:
    given = [arg if isinstance(arg, (int, type(None))) else listed(call, arg) for arg in call.args]
    if any(each is None and arg is not None for each, arg in zip(given, call.args, strict=True)):
        return IteratorV(None, Unknown(origin.Length(call.name)))
    if isinstance(repeat := call.get("repeat"), int) and repeat > 64:
        return IteratorV(None, Unknown(origin.Budget("long product")))
    try:
        made = getattr(itertools, call.last)(*given, **call.keywords)
        return IteratorV(list(itertools.islice(made, LIMIT)))
    except (TypeError, ValueError, OverflowError):
        return IteratorV(None, Unknown(origin.Length(call.name)))


@library("itertools.count", takes="start=0, step=1")
def count(call: Call) -> Value:
    return IteratorV(None, Unknown(origin.Length("count")))


@library("itertools.cycle", takes="iterable")
def cycle(call: Call) -> Value:
    found = listed(call, call["iterable"])
    if found and all(item is found[0] for item in found):
        return IteratorV(None, found[0])
    return IteratorV(None, Unknown(origin.Length("cycle")))


@library("itertools.repeat", takes="object, times=None")
def repeat(call: Call) -> Value:
    times = call["times"]
    if isinstance(times, int) and times < LIMIT:
        return IteratorV([call["object"]] * times)
    return IteratorV(None, call["object"])
