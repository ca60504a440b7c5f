"""Dicts, and objects of classes that derive from dict."""

from __future__ import annotations

from typing import Any

from vglint import origin
from vglint.interp.machine import registries
from vglint.interp.machine.calls import Call, methods
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
from vglint.interp.protocols.indexing import key_text
from vglint.interp.protocols.iteration import Items, items_of
from vglint.interp.protocols.methods import method_of
from vglint.interp.values.objects import (
    BuiltinV,
    DictV,
    External,
    IteratorV,
    ListV,
    ModuleV,
    OpaqueV,
    OpenLoop,
    RepeatV,
    Site,
    TensorV,
    Value,
    is_tensor,
    is_unknown,
)
from vglint.value import Unknown

declines((DictV,), CALL, COMPARE, SETATTR)


@register(ITEM, DictV)
def item(run: Run, value: DictV, key: Value, frame: Frame, site: Site) -> Value:
    if is_unknown(key):
        stored = [each for name, each in value.items.items() if isinstance(name, Unknown)]
        if len(stored) == len(value.items) == 1:
            return stored[0]
        run.graph.note_choice(value.items, [*value.items.values()], rows=True)
        return Unknown(origin.Computed(f"{key.text if isinstance(key, Unknown) else 'key'} of a dict"))
    try:
        if key in value.items:
            if isinstance(key, str):
                registries.used(run, value, key, frame.scope.module)
            return value.items[key]
    except TypeError:
        return Unknown(origin.Computed("key of a dict"))
    if value.default is not None:
        return _put_default(run, value, key, call(run, value.default, [], {}, frame, site))
    if value.complete and isinstance(key, str) and registries.filled(run, value, key, frame.scope.module):
        return item(run, value, key, frame, site)
    if value.complete and run.context.trying:
        raise Raised("KeyError")
    return Unknown(origin.Name(f"[{key_text(key)}]"))


def _hashable(key: Value) -> bool:
    """Whether a value can be a key: what is taken for a dict may be an array, whose parts are set by slices."""
    try:
        hash(key)
    except TypeError:
        return False
    return True


def lacks(value: DictV, key: Value) -> bool:
    """Whether a key is known to be missing."""
    return value.complete and not is_unknown(key) and _hashable(key) and key not in value.items


def opened(run: Run, value: DictV) -> None:
    """Notes that something that is not known was stored or merged into a dict."""
    run.journal.set_field(value, "complete", False)
    run.journal.set_field(value, "mixed", True)


@register(SET_ITEM, DictV)
def set_item(run: Run, holder: DictV, key: Value, value: Value, frame: Frame, site: Site) -> None:
    if is_unknown(key) or not _hashable(key):
        opened(run, holder)
        if isinstance(key, Unknown) and (isinstance(value, (ModuleV, OpaqueV)) or is_tensor(value)):
            run.journal.put(holder.items, key, value)  # stands for all that one place stores
    else:
        if isinstance(key, TensorV):  # what a loop over data gives: another one in each turn
            run.journal.set_field(holder, "complete", False)
        run.journal.put(holder.items, key, value)


@register(ITERATE, DictV)
def items(run: Run, value: DictV, frame: Frame, site: Site) -> Items:
    if not value.complete and not value.items:
        return Items(None, Unknown(origin.Computed("key of a dict")), None)
    of_data = next((key for key in value.items if isinstance(key, TensorV)), None)
    if not value.complete and of_data is not None:
        return Items(None, of_data, Unknown(origin.Length("dict of data")))
    return items_of(run, _in_order(value, list(value.items)), frame, site)


@register(TRUTH, DictV)
def truth(run: Run, value: DictV, frame: Frame, site: Site) -> bool | None:
    return True if value.items else (False if value.complete else None)


@register(OPERATE, DictV)
def operate(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    if symbol == "|" and isinstance(left, DictV) and isinstance(right, DictV):
        return DictV(
            {**left.items, **right.items}, left.default, left.complete and right.complete, left.mixed or right.mixed
        )
    return MISSING


@register(CONTAINS, DictV)
def contains(run: Run, holder: DictV, item: Value, frame: Frame, site: Site) -> bool | None:
    if is_unknown(item):
        return None
    try:
        found = item in holder.items
    except TypeError:
        return None
    if found and isinstance(item, str):
        registries.used(run, holder, item, frame.scope.module)
    elif isinstance(item, str):
        found = registries.filled(run, holder, item, frame.scope.module)
    return True if found else (False if holder.complete else None)


@register(GETATTR, DictV)
def attribute(run: Run, value: DictV, name: str, frame: Frame) -> Value:
    return method_of(value, name, METHODS)


METHODS: dict[str, BuiltinV] = {}
OF_BASES: dict[str, BuiltinV] = {}
"""What `super()` gives a class of the user's that derives from dict."""
own, of_base = methods(METHODS, OF_BASES), methods(OF_BASES)


@own("get", takes="self, key, default=None")
def _get(call: Call) -> Value:
    return _found(call, call["default"])


def _found(call: Call, default: Value) -> Value:
    run, value, key = call.run, call.own(DictV), call["key"]
    if is_unknown(key):
        return Unknown(origin.Computed("key of a dict"))
    try:
        if key in value.items:
            if isinstance(key, str):
                registries.used(run, value, key, call.frame.scope.module)
            return value.items[key]
    except TypeError:
        return Unknown(origin.Computed("key of a dict"))
    if isinstance(key, str) and registries.filled(run, value, key, call.frame.scope.module):
        return value.items[key]
    return default if value.complete else Unknown(origin.Computed(f"[{key_text(key)}]"))


@own("pop", takes="self, key, default?")
def _pop(call: Call) -> Value:
    value, key = call.own(DictV), call["key"]
    found = _found(call, call.get("default"))
    if isinstance(key, (str, int)) and key in value.items:
        call.run.journal.drop(value.items, key)
    elif "default" in call and not value.complete:
        # A keyword that no call gives takes its default.
        return call["default"]
    return found


@own("update", takes="self, *rest, **others")
def _update(call: Call) -> Value:
    journal, value = call.run.journal, call.own(DictV)
    for source in call.rest:
        if isinstance(source, DictV):
            for key, each in source.items.items():
                journal.put(value.items, key, each)
            if not source.complete:
                opened(call.run, value)
        else:
            opened(call.run, value)
    for key, each in call.others.items():
        journal.put(value.items, key, each)
    return None


@own("setdefault", takes="self, key, default=None")
def _setdefault(call: Call) -> Value:
    value, key = call.own(DictV), call["key"]
    if not isinstance(key, (str, int)):
        opened(call.run, value)
        return Unknown(origin.Computed("key of a dict"))
    return value.items[key] if key in value.items else _put_default(call.run, value, key, call["default"])


def _put_default(run: Run, holder: DictV, key: Any, made: Value) -> Value:
    """Puts the first value of a key into a dict. An empty list stands for one that was made with the dict: each turn of a loop goes on with it."""
    if isinstance(made, ListV) and not made.items and holder.born < made.born:
        run.journal.set_field(made, "born", holder.born)
    run.journal.put(holder.items, key, made)
    return made


@own("keys", takes="self")
def _keys(call: Call) -> Value:
    return _listed(call.own(DictV), list(call.own(DictV).items))


@own("values", takes="self")
def _values(call: Call) -> Value:
    return _listed(call.own(DictV), list(call.own(DictV).items.values()))


@own("items", takes="self")
def _items(call: Call) -> Value:
    return _listed(call.own(DictV), list(call.own(DictV).items.items()))


def _listed(value: DictV, made: list[Value]) -> Value:
    if not value.complete and not value.items:
        return IteratorV(None, Unknown(origin.Computed("entry of a dict")))
    return _in_order(value, made)


def _in_order(value: DictV, made: list[Value]) -> ListV:
    """Returns a list of what is made of each entry; one whose key is not known stands for a number of entries that is not known either."""
    count = Unknown(origin.Length("length of a dict"))
    open_ = [isinstance(key, (Unknown, TensorV)) for key in value.items]  # a tensor is of data: one for each turn
    if open_ == [True]:
        return ListV(made, count, OpenLoop(count))
    return ListV(
        [RepeatV((each,), count, OpenLoop(count)) if many else each for each, many in zip(made, open_, strict=True)]
    )


@own("copy", takes="self")
def _copy(call: Call) -> Value:
    value = call.own(DictV)
    return DictV(dict(value.items), value.default, value.complete, value.mixed)


@own("clear", takes="self")
def _clear(call: Call) -> Value:
    for key in list(call.own(DictV).items):
        call.run.journal.drop(call.own(DictV).items, key)
    return None


@own("popitem", takes="self, last=True")
def _popitem(call: Call) -> Value:
    value = call.own(DictV)
    if not value.complete or not value.items:
        return Unknown(origin.Computed("entry of a dict"))
    keys = list(value.items)
    key = keys[0] if call["last"] is False else keys[-1]
    taken = value.items[key]
    call.run.journal.drop(value.items, key)
    return key, taken


@own("move_to_end", takes="self, key, last=True")
def _move_to_end(call: Call) -> Value:
    value, key = call.own(DictV), call["key"]
    if not _hashable(key) or key not in value.items:
        return None
    for each in [other for other in value.items if other != key] if call["last"] is False else [key]:
        kept = value.items[each]
        call.run.journal.drop(value.items, each)
        call.run.journal.put(value.items, each, kept)
    return None


@own("__len__", takes="self")
def _length(call: Call) -> Value:
    return size(call.own(DictV))


def size(value: DictV) -> Value:
    """Returns how many entries a dict has."""
    many = any(isinstance(key, (Unknown, TensorV)) for key in value.items)
    return Unknown(origin.Length("length of a dict")) if many else len(value.items)


@of_base("__getitem__", takes="self, key")
def _item(call: Call) -> Value:
    return item(call.run, call.own(DictV), call["key"], call.frame, call.site)


@of_base("__setitem__", takes="self, key, value")
def _set_item(call: Call) -> Value:
    set_item(call.run, call.own(DictV), call["key"], call["value"], call.frame, call.site)
    return None


@of_base("__contains__", takes="self, key")
def _contains(call: Call) -> Value:
    key = call["key"]
    return key in call.own(DictV).items if isinstance(key, (str, int)) else Unknown(origin.Computed("key of a dict"))


@of_base("__init__", takes="self, *rest, **others")
def _init(call: Call) -> Value:
    made = call.invoke(External("builtins.dict"), *call.rest, **call.others)
    assert isinstance(made, DictV)
    call.own(DictV).items.update(made.items)
    call.run.journal.set_field(call.own(DictV), "complete", made.complete)
    return None
