"""Lists that a loop of unknown length fills with layers: what one turn adds stands for what all of them add."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vglint import origin
from vglint.interp.machine.core import Run
from vglint.interp.values.inside import entries, inside
from vglint.interp.values.objects import UNKNOWN_LENGTH, ListV, ModuleV, OpaqueV, OpenLoop, RepeatV, Value, is_tensor
from vglint.value import Expr, Unknown, plus, times


def repeating(run: Run, born: int) -> list[OpenLoop]:
    """Returns the loops of unknown length that are being walked and began after something was made, outermost first."""
    loops = [loop for loop in run.context.open_loops if loop.start > born]
    for loop in loops:
        loop.uneven = loop.uneven or _is_conditional(run, loop)
    return loops


def _is_conditional(run: Run, loop: OpenLoop) -> bool:
    """Whether what is made now is made under a condition inside of a loop: nobody knows in how many of its turns."""
    around: int | None = run.graph.region
    while around is not None and around != loop.region:
        if run.graph.regions[around].kind == "branch":
            return True
        around = run.graph.regions[around].parent
    return False


def left_of(count: Value, key: slice) -> Value:
    """Returns how many of so many items a slice takes: one less where it leaves out the first or the last."""
    but_one = (key.start, key.stop, key.step) in ((None, -1, None), (1, None, None))
    return plus(count, -1) if but_one and isinstance(count, Expr) else UNKNOWN_LENGTH


def forget_number(run: Run, holder: ListV) -> None:
    """Forgets how many items a list has, where a loop of unknown length filled it and something else than appending is done to it."""
    run.journal.touch(holder)
    if holder.count is not None:
        run.journal.set_field(holder, "count", UNKNOWN_LENGTH)
    holder.items[:] = [
        RepeatV(item.items, UNKNOWN_LENGTH, OpenLoop(UNKNOWN_LENGTH)) if isinstance(item, RepeatV) else item
        for item in holder.items
    ]


def append(run: Run, holder: ListV, values: Iterable[Value]) -> None:
    """Appends to a list.

    One that holds layers keeps them apart from what loops of unknown length repeat; of other values nothing is known once some are repeated.
    """
    run.journal.touch(holder)
    for value in values:
        loops = repeating(run, holder.born)
        if loops and not holder.items and holder.count is None and not isinstance(value, RepeatV):
            holder.items.append(value)
            run.journal.set_field(holder, "count", loops[-1].count)
            run.journal.set_field(holder, "loop", loops[-1])
        elif not loops and holder.count is None and not isinstance(value, RepeatV):
            holder.items.append(value)
        elif is_layered(value):
            _unfold(run, holder)
            _push(holder.items, loops, value)
        elif is_tensor(value) or isinstance(value, OpaqueV):
            holder.items.append(value)
        else:
            holder.items[:] = [UNKNOWN_LENGTH]
            run.journal.set_field(holder, "count", UNKNOWN_LENGTH)


def is_layered(value: Value) -> bool:
    """Whether a value is a layer, or holds one."""
    return any(isinstance(each, ModuleV) for each in inside(value, through=entries))


def stretches(value: ListV) -> list[Value] | None:
    """Returns the items of a list with what is repeated as such; None where that is not known."""
    if value.count is None:
        return list(value.items)
    if not all(is_layered(item) for item in value.items):
        return None
    return [RepeatV(tuple(value.items), value.count, value.loop or OpenLoop(value.count))]


def is_repeated(items: Sequence[Value]) -> bool:
    return any(isinstance(item, RepeatV) for item in items)


def first_repeated(items: Iterable[Value]) -> Value:
    """Returns the first item of what is repeated first."""
    for item in items:
        if isinstance(item, RepeatV):
            return first_repeated([item.items[0]])
    return next(iter(items))


def number_of(items: Sequence[Value]) -> Value:
    """Returns how many items there are, repeated ones counted as often as they are."""
    total: Value = 0
    for item in items:
        size: Value = 1
        if isinstance(item, RepeatV):
            each = number_of(item.items)
            if not isinstance(item.count, (int, Expr)) or not isinstance(each, (int, Expr)):
                return Unknown(origin.Length("number of modules"))
            size = times(item.count, each)
        assert isinstance(total, (int, Expr)) and isinstance(size, (int, Expr))
        total = plus(total, size)
    return total


def at(items: Sequence[Value], key: int | slice) -> Value | list[Value]:
    """Returns the item or items of a list with repeated ones; unknown where a place lies among or behind those, counted from its end."""
    repeats = [position for position, item in enumerate(items) if isinstance(item, RepeatV)]
    before, after = (repeats[0], repeats[-1] - len(items)) if repeats else (len(items), -len(items) - 1)

    def is_known(place: int | None, end: int) -> bool:
        return place is None or (0 <= place < before + end) or (after - (1 - end) < place < 0)

    if isinstance(key, slice):
        if repeats and not (is_known(key.start, 1) and is_known(key.stop, 1) and key.step in (None, 1)):
            return UNKNOWN_LENGTH
        return list(items[key])
    return items[key] if is_known(key, 0) else Unknown(origin.Computed("index of a list of unknown length"))


def _push(items: list[Value], loops: Sequence[OpenLoop], value: Value) -> None:
    if not loops:
        items.append(value)
        return
    last = items[-1] if items else None
    inner = list(last.items) if isinstance(last, RepeatV) and last.loop is loops[0] else []
    _push(inner, loops[1:], value)
    made = RepeatV(tuple(inner), loops[0].count, loops[0])
    if isinstance(last, RepeatV) and last.loop is loops[0]:
        items[-1] = made
    else:
        items.append(made)


def _unfold(run: Run, holder: ListV) -> None:
    found = stretches(holder)
    holder.items[:] = [UNKNOWN_LENGTH] if found is None else found
    if found is not None:
        run.journal.set_field(holder, "count", None)
        run.journal.set_field(holder, "loop", None)
