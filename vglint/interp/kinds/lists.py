"""Lists, and what loops of unknown length add to them."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.calls import Call, methods
from vglint.interp.machine.core import Frame, Raised, Run, register
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
from vglint.interp.nodes.emit import emit, innermost_loop, node_of
from vglint.interp.protocols import repeats
from vglint.interp.protocols.equality import equals, first_equal, held_in
from vglint.interp.protocols.iteration import Items, items_of, listed
from vglint.interp.protocols.methods import method_of
from vglint.interp.protocols.repeats import at, is_repeated, stretches
from vglint.interp.protocols.symbols import symbolic
from vglint.interp.protocols.tensor_parts import plain_key
from vglint.interp.values.objects import (
    UNKNOWN_LENGTH,
    BuiltinV,
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
        return _of_turns(value, value.count, key)
    plain = plain_key(key)
    if plain is None:
        return Unknown(origin.Computed("index"))
    try:
        found = at(value.items, plain)
    except (IndexError, TypeError, ValueError):
        return Unknown(origin.Call("index out of range"))
    return ListV(found) if isinstance(found, list) else found


def _of_turns(value: ListV, count: Value, key: Value) -> Value:
    """Returns an item or items of a list that a loop of unknown length filled."""
    if not isinstance(key, slice):
        return value.items[-1 if key == -1 else 0]
    if key == slice(None):
        return value
    return ListV(list(value.items), repeats.left_of(count, key) if len(value.items) == 1 else UNKNOWN_LENGTH)


@register(SET_ITEM, ListV)
def set_item(run: Run, holder: ListV, key: Value, value: Value, frame: Frame, site: Site) -> None:
    plain = plain_key(key)
    run.journal.touch(holder)
    if holder.count is not None or not (isinstance(plain, int) and not is_repeated(holder.items[: plain + 1])):
        repeats.forget_number(run, holder)
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
        parts = stretches(value) if value.items else None
        return listed(parts) if parts else Items(None, value.items[0] if value.items else None, value.count)
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
        number = symbolic(times)
        return ListV(list(items.items), times if number is None else number)
    return Unknown(origin.Length("list of unknown length"))


@register(GETATTR, ListV)
def attribute(run: Run, value: ListV, name: str, frame: Frame) -> Value:
    return method_of(value, name, METHODS)


METHODS: dict[str, BuiltinV] = {}
OF_BASES: dict[str, BuiltinV] = {}
"""What `super()` gives a class of the user's that derives from list."""
own, of_base = methods(METHODS, OF_BASES), methods(OF_BASES)


@own("append", takes="self, item")
def _append(call: Call) -> Value:
    if len(call.own(ListV).items) < 20_000:
        repeats.append(call.run, call.own(ListV), [call["item"]])
        _note_kept(call.run, call.own(ListV), call["item"], call.site)
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
    region = innermost_loop(run, run.graph.region)
    if region is not None and holder.born < run.graph.regions[region].born:
        source = node_of(run, item, site)
        if source is not None:
            emit(run, "kept", [source], {}, site)


@of_base("__init__", takes="self, iterable=()")
@own("extend", takes="self, iterable")
def _extend(call: Call) -> Value:
    run, value = call.run, call.own(ListV)
    found = items_of(run, call["iterable"], call.frame, call.site)
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


@own("insert", takes="self, index, item")
def _insert(call: Call) -> Value:
    return _put_in(call, call["index"])


@own("appendleft", takes="self, item")
def _append_left(call: Call) -> Value:
    return _put_in(call, 0)


def _put_in(call: Call, index: Value) -> Value:
    value = call.own(ListV)
    if isinstance(index, int):
        call.run.journal.touch(value)
        if not repeats.is_repeated(value.items[:index] if index >= 0 else value.items[index:]):
            value.items.insert(index, call["item"])
        repeats.forget_number(call.run, value)
    return None


@own("pop", takes="self, index=-1")
def _pop(call: Call) -> Value:
    return _taken(call, call["index"])


@own("popleft", takes="self")
def _pop_left(call: Call) -> Value:
    return _taken(call, 0)


def _taken(call: Call, index: Value) -> Value:
    value = call.own(ListV)
    if value.count is not None or repeats.is_repeated(value.items):
        repeats.forget_number(call.run, value)
        return value.items[0] if value.count is not None and value.items else UNKNOWN_LENGTH
    if isinstance(index, int) and -len(value.items) <= index < len(value.items):
        call.run.journal.touch(value)
        return value.items.pop(index)
    return Unknown(origin.Computed("pop"))


@own("reverse", takes="self")
def _reverse(call: Call) -> Value:
    value = call.own(ListV)
    call.run.journal.touch(value)
    value.items.reverse()
    if repeats.is_repeated(value.items):
        repeats.forget_number(call.run, value)
    return None


@own("sort", takes="self, **how")
def _sort(call: Call) -> Value:
    value = call.own(ListV)
    ordered = call.invoke(External("builtins.sorted"), value, **call.others)
    if isinstance(ordered, ListV) and value.count is None:
        call.run.journal.touch(value)
        value.items[:] = ordered.items
    return None


@own("index", takes="self, item, *rest")
def _index(call: Call) -> Value:
    for position, same in enumerate(equals(call.own(ListV).items, call["item"])):
        if same:
            return position
        if same is None:
            break
    return Unknown(origin.Computed("index"))


@own("count", takes="self, item")
def _count(call: Call) -> Value:
    answers = list(equals(call.own(ListV).items, call["item"]))
    return Unknown(origin.Computed("count")) if None in answers else answers.count(True)


@own("clear", takes="self")
def _clear(call: Call) -> Value:
    value = call.own(ListV)
    call.run.journal.touch(value)
    value.items.clear()
    call.run.journal.set_field(value, "count", None)
    return None


@own("remove", takes="self, item")
def _remove(call: Call) -> Value:
    value = call.own(ListV)
    if (place := first_equal(value.items, call["item"])) is not None:
        call.run.journal.touch(value)
        del value.items[place]
        repeats.forget_number(call.run, value)
    return None


@own("copy", takes="self")
def _copy(call: Call) -> Value:
    value = call.own(ListV)
    return ListV(list(value.items), value.count, value.loop)


@own("__len__", takes="self")
def _length(call: Call) -> Value:
    value = call.own(ListV)
    return repeats.number_of(value.items) if value.count is None else value.count


@of_base("__getitem__", takes="self, key")
def _item(call: Call) -> Value:
    return item(call.run, call.own(ListV), call["key"], call.frame, call.site)


@of_base("__setitem__", takes="self, key, item")
def _set_item(call: Call) -> Value:
    set_item(call.run, call.own(ListV), call["key"], call["item"], call.frame, call.site)
    return None
