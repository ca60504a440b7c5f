"""Built-in functions of sequences: range, zip, map, sum …"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import Any

from vglint import origin
from vglint.interp.machine.core import LIBRARY, Frame, Run, call, opaque, register
from vglint.interp.protocols import operators
from vglint.interp.protocols.comparison import truth
from vglint.interp.protocols.equality import equal
from vglint.interp.protocols.iteration import items_of
from vglint.interp.protocols.symbols import symbolic
from vglint.interp.values.objects import (
    DictV,
    External,
    IteratorV,
    ListV,
    RepeatV,
    SetV,
    ShapeV,
    Site,
    Value,
    is_tensor,
)
from vglint.value import Expr, Unknown, plus, times


@register(LIBRARY, "builtins.range")
def range_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    whole = [arg for arg in args if isinstance(arg, int)]
    if args and len(whole) == len(args):
        try:
            made = range(*whole)
            if max(map(abs, (made.start, made.stop, made.step))) > sys.maxsize // 4:
                return Unknown(origin.Budget("large range"))
            return made
        except (ValueError, TypeError):
            return Unknown(origin.Call("range"))
    numbers = [symbolic(arg) for arg in args]
    if len(numbers) == 1 and isinstance(numbers[0], Expr):
        return IteratorV(None, Unknown(origin.Length("index")), numbers[0])
    if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None:
        count = plus(numbers[1], times(numbers[0], -1))
        if isinstance(count, Expr):
            return IteratorV(None, Unknown(origin.Length("index")), count)
    text = next((arg.text for arg in args if isinstance(arg, Unknown)), "range")
    return IteratorV(None, Unknown(origin.Length("index")), Unknown(origin.Length(text)))


@register(LIBRARY, "builtins.enumerate")
def enumerate_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    start = args[1] if len(args) > 1 else keywords.get("start", 0)
    found = items_of(run, args[0], frame, site) if args else None
    if found is None:
        return Unknown(origin.Computed("enumerate"))
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


@register(LIBRARY, "builtins.zip")
def zip_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = [items_of(run, arg, frame, site) for arg in args]
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
    size = min(len(items) for items in known)
    return IteratorV(
        [
            tuple(each.items[position] if each.items is not None else each.item for each in found)
            for position in range(size)
        ]
    )


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


@register(LIBRARY, "builtins.reversed")
def reversed_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[0], frame, site)
    if found.parts is not None:
        return IteratorV(_turned(found.parts))
    return IteratorV(found.items[::-1]) if found.items is not None else IteratorV(None, found.item, found.count)


@register(LIBRARY, "builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset", "builtins.sorted")
def listed(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    kind = which.name.rpartition(".")[2]
    if not args:
        return () if kind == "tuple" else SetV([]) if "set" in kind else ListV([])
    if kind == "tuple" and isinstance(args[0], ShapeV):
        return args[0]
    found = items_of(run, args[0], frame, site)
    if found.parts is not None and kind in ("list", "tuple"):
        return ListV(found.parts) if kind == "list" else tuple(found.parts)
    if found.items is None:
        return ListV(
            [found.item], found.count if found.count is not None else Unknown(origin.Length("list of unknown length"))
        )
    if kind == "tuple":
        return tuple(found.items)
    if "set" in kind:
        unique: list[Value] = []
        for item in found.items:
            if not any(equal(item, other) is True for other in unique):
                unique.append(item)
        return SetV(unique)
    if kind == "sorted":
        return _sorted(run, found.items, keywords, frame, site)
    return ListV(found.items)


def _sorted(run: Run, items: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    key = keywords.get("key")
    keys: list[Any] = [call(run, key, [item], {}, frame, site) for item in items] if key is not None else items
    try:
        order = sorted(range(len(items)), key=lambda position: keys[position], reverse=keywords.get("reverse") is True)
    except TypeError:
        return ListV(items)
    return ListV([items[position] for position in order])


@register(LIBRARY, "builtins.dict")
def dict_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    made = DictV({})
    if args:
        source = args[0]
        if isinstance(source, DictV):
            made = DictV(dict(source.items), None, source.complete)
        else:
            found = items_of(run, source, frame, site)
            made.complete = found.items is not None
            for pair in found.items or []:
                if isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], (str, int)):
                    made.items[pair[0]] = pair[1]
    made.complete = made.complete and "**" not in keywords
    made.items.update({key: value for key, value in keywords.items() if key != "**"})
    return made


@register(LIBRARY, "builtins.dict.fromkeys", "collections.OrderedDict.fromkeys")
def from_keys(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[0] if args else None, frame, site).items
    if found is None or not all(isinstance(key, (str, int)) for key in found):
        return DictV({}, complete=False)
    return DictV(dict.fromkeys(found, args[1] if len(args) > 1 else None))


@register(LIBRARY, "builtins.sum")
def sum_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[0], frame, site)
    if found.items is None:
        return opaque(run, origin.Length("sum of unknown length"), [found.item], site)
    total: Value = args[1] if len(args) > 1 else keywords.get("start", 0)
    items = found.items
    if items and total == 0 and is_tensor(items[0]):
        # Python adds 0 first; torch returns the same tensor's values.
        total = operators.binary(run, "+", items[0], 0, frame, site)
        items = items[1:]
    for item in items:
        total = operators.binary(run, "+", total, item, frame, site)
    return total


@register(LIBRARY, "builtins.map")
def map_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = [items_of(run, arg, frame, site) for arg in args[1:]]
    known = [each.items for each in found if each.items is not None]
    if not known:
        return IteratorV(
            None, call(run, args[0], [each.item for each in found], {}, frame, site), found[0].count if found else None
        )
    size = min(len(items) for items in known)
    results = []
    for position in range(size):
        results.append(
            call(
                run,
                args[0],
                [each.items[position] if each.items is not None else each.item for each in found],
                {},
                frame,
                site,
            )
        )
    return IteratorV(results)


@register(LIBRARY, "builtins.filter")
def filter_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[1], frame, site)
    if found.items is None:
        return IteratorV(None, found.item, found.count)
    kept = []
    for item in found.items:
        keep = truth(run, item if args[0] is None else call(run, args[0], [item], {}, frame, site), frame, site)
        if keep is not False:
            kept.append(item)
    return IteratorV(kept)


@register(LIBRARY, "builtins.iter")
def iter_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if isinstance(args[0], IteratorV):
        return args[0]
    found = items_of(run, args[0], frame, site)
    return IteratorV(found.items if found.parts is None else found.parts, found.item, found.count)


@register(LIBRARY, "builtins.next")
def next_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    source = args[0]
    if isinstance(source, IteratorV):
        if source.items is None:
            return source.item
        if source.position < len(source.items):
            source.position += 1
            return source.items[source.position - 1]
        return args[1] if len(args) > 1 else Unknown(origin.Computed("next of an empty iterator"))
    return items_of(run, source, frame, site).item


@register(LIBRARY, "builtins.any", "builtins.all")
def quantified(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    is_any = which.name.endswith("any")
    found = items_of(run, args[0], frame, site)
    if found.items is None:
        return Unknown(origin.Computed(which.name))
    answers = [truth(run, item, frame, site) for item in found.items]
    if is_any in answers:
        return is_any
    return Unknown(origin.Computed(which.name)) if None in answers else not is_any


@register(LIBRARY, "builtins.min", "builtins.max")
def extreme(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    items = args
    if len(args) == 1:
        found = items_of(run, args[0], frame, site)
        if found.items is None:
            return Unknown(origin.Computed(which.name))
        items = found.items
    pick = min if which.name.endswith("min") else max
    numbers = [item for item in items if isinstance(item, (int, float))]
    if items and len(numbers) == len(items) and "key" not in keywords:
        return pick(numbers)
    if not items:
        return keywords.get("default", Unknown(origin.Computed(which.name)))
    if all(isinstance(item, (int, float, Expr)) for item in items):
        text = f"{which.name.rpartition('.')[2]}({', '.join(str(item) for item in items)})"
        return Expr.symbol(text)
    return next(
        (item for item in items if isinstance(item, Unknown)),
        opaque(run, origin.Computed(which.name), list(items), site),
    )


@register(LIBRARY, "math.prod")
def product(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[0], frame, site) if args else None
    if found is None or found.items is None:
        return Unknown(origin.Computed("prod"))
    total: Value = 1
    for item in found.items:
        total = operators.binary(run, "*", total, item, frame, site)
    return total
