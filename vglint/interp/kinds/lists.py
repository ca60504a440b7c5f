"""Lists, and what loops of unknown length add to them."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import Frame, Raised, Run, call, register
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
from vglint.interp.nodes.emit import emit, node_of
from vglint.interp.protocols import repeats
from vglint.interp.protocols.equality import equal, held_in
from vglint.interp.protocols.iteration import Items, items_of, listed
from vglint.interp.protocols.methods import Act, method_of
from vglint.interp.protocols.repeats import UNKNOWN_LENGTH, at, is_repeated, stretches
from vglint.interp.protocols.tensor_parts import plain_key
from vglint.interp.values.objects import (
    External,
    ListV,
    OpenLoop,
    RepeatV,
    Site,
    TensorV,
    Value,
    is_tensor,
)
from vglint.value import Unknown

declines((ListV,), CALL, COMPARE, SETATTR)
declines((RepeatV,), CALL, GETATTR, SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)


@register(ITEM, ListV)
def item(run: Run, value: ListV, key: Value, frame: Frame, site: Site) -> Value:
    found = item_at(value, key)
    if run.context.trying and isinstance(found, Unknown) and isinstance(key, int) and value.count is None:
        inside = is_repeated(value.items) or -len(value.items) <= key < len(value.items)
        if not inside:
            raise Raised("IndexError", None, site)
    return found


def item_at(value: ListV, key: Value) -> Value:
    if value.count is not None:
        return value if isinstance(key, slice) else value.items[0]
    plain = plain_key(key)
    if plain is None:
        return Unknown(origin.Computed("index"))
    try:
        found = at(value.items, plain)
    except (IndexError, TypeError, ValueError):
        return Unknown(origin.Call("index out of range"))
    return ListV(found) if isinstance(found, list) else found


@register(SET_ITEM, ListV)
def set_item(run: Run, holder: ListV, key: Value, value: Value, frame: Frame, site: Site) -> None:
    plain = plain_key(key)
    run.journal.touch(holder)
    if isinstance(plain, int) and holder.count is None and -len(holder.items) <= plain < len(holder.items):
        holder.items[plain] = value
    elif isinstance(plain, slice) and holder.count is None:
        given = items_of(run, value, frame, site).items
        if given is not None and plain.step is None:
            holder.items[plain] = given
    elif plain is None and holder.count is None:
        holder.items[:] = [Unknown(origin.Computed("index")) for _ in holder.items]


@register(ITERATE, ListV)
def items(run: Run, value: ListV, frame: Frame, site: Site) -> Items:
    if value.count is not None:
        return Items(None, value.items[0] if value.items else None, value.count)
    return listed(value.items)


@register(TRUTH, ListV)
def truth(run: Run, value: ListV, frame: Frame, site: Site) -> bool | None:
    return None if value.count is not None else bool(value.items)


@register(CONTAINS, ListV)
def contains(run: Run, value: ListV, wanted: Value, frame: Frame, site: Site) -> bool | None:
    return None if value.count is not None or is_repeated(value.items) else held_in(value.items, wanted)


@register(OPERATE, ListV)
def operate(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    if symbol not in ("+", "*"):
        return MISSING
    run.budget.tick(sum(len(side.items) for side in (left, right) if isinstance(side, ListV)) // 8)
    if symbol == "*":
        items, times = (left, right) if isinstance(left, ListV) else (right, left)
        assert isinstance(items, ListV)
        return _repeated(items, times)
    if isinstance(left, ListV) and isinstance(right, ListV):
        first, second = stretches(left), stretches(right)
        if first is None or second is None:
            return left if not right.items else right if not left.items else UNKNOWN_LENGTH
        return ListV(first + second)
    return Unknown(origin.Computed("list concatenation"))


def _repeated(items: ListV, times: Value) -> Value:
    if isinstance(times, int):
        if len(items.items) * times > 10_000:
            return Unknown(origin.Budget("long repetition"))
        if times > 1 and items.count is not None:
            return UNKNOWN_LENGTH
        return ListV(items.items * times, items.count)
    if len(items.items) == 1 and items.count is None and not is_repeated(items.items):
        return ListV(list(items.items), times)
    return Unknown(origin.Length("list of unknown length"))


@register(GETATTR, ListV)
def attribute(run: Run, value: ListV, name: str, frame: Frame) -> Value:
    return method_of(value, name, METHODS)


def _append(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if args and len(value.items) < 20_000:
        repeats.append(run, value, args[:1])
        _note_kept(run, value, args[0], site)
    return None


def _note_kept(run: Run, holder: ListV, item: Value, site: Site) -> None:
    """Notes that a loop of training code puts a tensor into a list that was made before the loop."""
    if (
        not isinstance(item, TensorV)
        or not run.context.training_code
        or run.context.setup
        or run.context.modules_running
    ):
        return
    region: int | None = run.graph.region
    while region is not None and run.graph.regions[region].kind != "loop":
        region = run.graph.regions[region].parent
    if region is not None and holder.born < run.graph.regions[region].born:
        source = node_of(run, item, site)
        if source is not None:
            emit(run, "kept", [source], {}, site)


def _extend(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[0], frame, site) if args else None
    if found is None:
        return None
    count = found.count if found.count is not None else Unknown(origin.Length("list of unknown length"))
    if found.items is not None or found.parts is not None:
        items = found.items if found.items is not None else found.parts or []
        run.budget.tick(len(items) // 8)
        repeats.append(run, value, items)
    elif not value.items and not repeats.repeating(run, value.born):
        run.journal.touch(value)
        value.items.append(found.item)
        run.journal.set_field(value, "count", count)
    elif is_tensor(found.item):
        run.journal.touch(value)
        value.items.append(found.item)
    else:
        repeats.append(run, value, [RepeatV((found.item,), count, OpenLoop(count))])
    return None


def _insert(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if len(args) == 2 and isinstance(args[0], int):
        run.journal.touch(value)
        if not repeats.is_repeated(value.items[: args[0]] if args[0] >= 0 else value.items[args[0] :]):
            value.items.insert(args[0], args[1])
    return None


def _pop(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    at = args[0] if args else -1
    if isinstance(at, int) and value.count is None and -len(value.items) <= at < len(value.items):
        if repeats.is_repeated(value.items):
            return repeats.UNKNOWN_LENGTH
        run.journal.touch(value)
        return value.items.pop(at)
    return value.items[0] if value.items else Unknown(origin.Computed("pop"))


def _reverse(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    run.journal.touch(value)
    value.items.reverse()
    return None


def _sort(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    ordered = call(run, External("builtins.sorted"), [value], keywords, frame, site)
    if isinstance(ordered, ListV) and value.count is None:
        run.journal.touch(value)
        value.items[:] = ordered.items
    return None


def _index(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    for position, item in enumerate(value.items):
        same = equal(item, args[0]) if args else False
        if same:
            return position
        if same is None:
            break
    return Unknown(origin.Computed("index"))


def _count(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    answers = [equal(item, args[0]) for item in value.items] if args else []
    return Unknown(origin.Computed("count")) if None in answers else answers.count(True)


def _clear(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    run.journal.touch(value)
    value.items.clear()
    return None


def _remove(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    for position, item in enumerate(value.items):
        if args and equal(item, args[0]) is True:
            run.journal.touch(value)
            del value.items[position]
            break
    return None


def _copy(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return ListV(list(value.items), value.count, value.loop)


def _item(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return item(run, value, args[0], frame, site)


def _set_item(run: Run, value: ListV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    set_item(run, value, args[0], args[1], frame, site)
    return None


METHODS: dict[str, Act] = {
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "pop": _pop,
    "reverse": _reverse,
    "sort": _sort,
    "index": _index,
    "count": _count,
    "clear": _clear,
    "remove": _remove,
    "copy": _copy,
    "appendleft": lambda run, value, args, keywords, frame, site: _insert(
        run, value, [0, *args], keywords, frame, site
    ),
    "popleft": lambda run, value, args, keywords, frame, site: _pop(run, value, [0], keywords, frame, site),
    "__len__": lambda run, value, args, keywords, frame, site: (
        repeats.number_of(value.items) if value.count is None else value.count
    ),
}

OF_BASES: dict[str, Act] = {**METHODS, "__getitem__": _item, "__setitem__": _set_item, "__init__": _extend}
"""What `super()` gives a class of the user's that derives from list."""
