"""Dicts, and objects of classes that derive from dict."""

from __future__ import annotations

from collections.abc import Callable

from vglint import origin
from vglint.interp.machine import registries
from vglint.interp.machine.core import LIBRARY, Frame, Raised, Run, call, register
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
from vglint.interp.protocols.methods import Act, method_of
from vglint.interp.values.objects import (
    BuiltinV,
    DictV,
    External,
    IteratorV,
    ListV,
    ModuleV,
    OpenLoop,
    RepeatV,
    Site,
    Value,
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
        return Unknown(origin.Computed(f"{key.text if isinstance(key, Unknown) else 'key'} of a dict"))
    try:
        if key in value.items:
            if isinstance(key, str):
                registries.used(run, value, key, frame.scope.module)
            return value.items[key]
    except TypeError:
        return Unknown(origin.Computed("key of a dict"))
    if value.default is not None:
        made = call(run, value.default, [], {}, frame, site)
        run.journal.put(value.items, key, made)
        return made
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


@register(SET_ITEM, DictV)
def set_item(run: Run, holder: DictV, key: Value, value: Value, frame: Frame, site: Site) -> None:
    if is_unknown(key) or not _hashable(key):
        run.journal.set_field(holder, "complete", False)
        if isinstance(key, Unknown) and isinstance(value, ModuleV):
            run.journal.put(holder.items, key, value)  # stands for all that one place stores
    else:
        run.journal.put(holder.items, key, value)


@register(ITERATE, DictV)
def items(run: Run, value: DictV, frame: Frame, site: Site) -> Items:
    if not value.complete and not value.items:
        return Items(None, Unknown(origin.Computed("key of a dict")), None)
    return items_of(run, _in_order(value, list(value.items)), frame, site)


@register(TRUTH, DictV)
def truth(run: Run, value: DictV, frame: Frame, site: Site) -> bool | None:
    return True if value.items else (False if value.complete else None)


@register(OPERATE, DictV)
def operate(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    if symbol == "|" and isinstance(left, DictV) and isinstance(right, DictV):
        return DictV({**left.items, **right.items}, left.default, left.complete and right.complete)
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


def _get(run: Run, value: DictV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    default = args[1] if len(args) > 1 else keywords.get("default")
    if not args or is_unknown(args[0]):
        return Unknown(origin.Computed("key of a dict"))
    try:
        if args[0] in value.items:
            if isinstance(args[0], str):
                registries.used(run, value, args[0], frame.scope.module)
            return value.items[args[0]]
    except TypeError:
        return Unknown(origin.Computed("key of a dict"))
    if isinstance(args[0], str) and registries.filled(run, value, args[0], frame.scope.module):
        return value.items[args[0]]
    return default if value.complete else Unknown(origin.Computed(f"[{args[0]!r}]"))


def _dict_pop(run: Run, value: DictV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = _get(run, value, args, keywords, frame, site)
    if args and isinstance(args[0], (str, int)) and args[0] in value.items:
        run.journal.drop(value.items, args[0])
    elif args and len(args) > 1 and not value.complete:
        # A keyword that no call gives takes its default.
        return args[1]
    return found


def _update(run: Run, value: DictV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    for source in args:
        if isinstance(source, DictV):
            for key, item in source.items.items():
                run.journal.put(value.items, key, item)
            if not source.complete:
                run.journal.set_field(value, "complete", False)
        else:
            run.journal.set_field(value, "complete", False)
    for key, item in keywords.items():
        run.journal.put(value.items, key, item)
    return None


def _setdefault(
    run: Run, value: DictV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    if args and isinstance(args[0], (str, int)):
        if args[0] not in value.items:
            run.journal.put(value.items, args[0], args[1] if len(args) > 1 else None)
        return value.items[args[0]]
    return Unknown(origin.Computed("key of a dict"))


def _listed(make: Callable[[DictV], list[Value]]) -> Act:
    def act(run: Run, value: DictV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        if not value.complete and not value.items:
            return IteratorV(None, Unknown(origin.Computed("entry of a dict")))
        return _in_order(value, make(value))

    return act


def _in_order(value: DictV, made: list[Value]) -> ListV:
    """Returns a list of what is made of each entry; one whose key is not known stands for a number of entries that is not known either."""
    count = Unknown(origin.Length("length of a dict"))
    open_ = [isinstance(key, Unknown) for key in value.items]
    if open_ == [True]:
        return ListV(made, count, OpenLoop(count))
    return ListV(
        [RepeatV((each,), count, OpenLoop(count)) if many else each for each, many in zip(made, open_, strict=True)]
    )


def _copy(run: Run, value: DictV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return DictV(dict(value.items), value.default, value.complete)


def _clear(run: Run, value: DictV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    for key in list(value.items):
        run.journal.drop(value.items, key)
    return None


def _popitem(run: Run, value: DictV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if not value.complete or not value.items:
        return Unknown(origin.Computed("entry of a dict"))
    keys = list(value.items)
    key = keys[0] if keywords.get("last", args[0] if args else True) is False else keys[-1]
    item = value.items[key]
    run.journal.drop(value.items, key)
    return key, item


def _move_to_end(
    run: Run, value: DictV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    if not args or not _hashable(args[0]) or args[0] not in value.items:
        return None
    key, to_end = args[0], keywords.get("last", args[1] if len(args) > 1 else True) is not False
    for each in [key] if to_end else [other for other in value.items if other != key]:
        kept = value.items[each]
        run.journal.drop(value.items, each)
        run.journal.put(value.items, each, kept)
    return None


def size(value: DictV) -> Value:
    """Returns how many entries a dict has."""
    many = any(isinstance(key, Unknown) for key in value.items)
    return Unknown(origin.Length("length of a dict")) if many else len(value.items)


METHODS: dict[str, Act] = {
    "get": _get,
    "pop": _dict_pop,
    "update": _update,
    "setdefault": _setdefault,
    "keys": _listed(lambda value: list(value.items)),
    "values": _listed(lambda value: list(value.items.values())),
    "items": _listed(lambda value: list(value.items.items())),
    "copy": _copy,
    "clear": _clear,
    "__len__": lambda run, value, args, keywords, frame, site: size(value),
    "popitem": _popitem,
    "move_to_end": _move_to_end,
}


def dict_base_method(run: Run, value: DictV, name: str) -> Value:
    """What `super()` gives a class of the user's that derives from dict."""

    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        if name == "__getitem__":
            return item(run, value, args[0], frame, site)
        if name == "__setitem__":
            set_item(run, value, args[0], args[1], frame, site)
            return None
        if name == "__contains__":
            return (
                args[0] in value.items if isinstance(args[0], (str, int)) else Unknown(origin.Computed("key of a dict"))
            )
        if name == "__init__":
            made = LIBRARY["builtins.dict"](run, External("builtins.dict"), args, keywords, frame, site)
            assert isinstance(made, DictV)
            value.items.update(made.items)
            run.journal.set_field(value, "complete", made.complete)
            return None
        return Unknown(origin.Call(f"dict.{name}"))

    return method_of(value, name, METHODS) if name in METHODS else BuiltinV(name, invoke)
