"""Methods of Python's own types: strings, lists, dicts, sets, numbers, records."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from vglint import origin
from vglint.interp.machine import registries
from vglint.interp.machine.core import LIBRARY, Frame, Run, call
from vglint.interp.nodes.emit import emit, node_of
from vglint.interp.protocols import repeats
from vglint.interp.protocols.comparison import equal
from vglint.interp.protocols.indexing import index, set_index
from vglint.interp.protocols.iteration import items_of
from vglint.interp.values.objects import (
    BuiltinV,
    ClassV,
    DictV,
    External,
    Instance,
    IteratorV,
    ListV,
    OpenLoop,
    RepeatV,
    SetV,
    Site,
    TensorV,
    Value,
    is_tensor,
    is_unknown,
)
from vglint.value import Unknown, product

TENSOR_NAMES = frozenset(
    "T mT H shape size dim device dtype data grad requires_grad is_cuda item tolist numel ndim backward detach register_hook retain_grad is_floating_point is_complex is_contiguous keys values items get".split()
)
"""Attribute names that say that an input is a tensor (or a plain mapping), not an object with tensors in it."""

Act: TypeAlias = Callable[[Run, Any, "list[Value]", "dict[str, Value]", Frame, Site], Value]


def method_of(run: Run, value: Value, name: str) -> Value:
    """Returns a bound method, or an unknown."""
    table: dict[str, Act] = {}
    match value:
        case ListV():
            table = LIST
        case DictV():
            table = DICT
        case SetV():
            table = SET
        case str():
            return _plain(value, name, STRINGS)
        case tuple() | range():
            return _plain(value, name, frozenset({"index", "count"})) if name != "numel" else _numel(value)
        case bool() | int() | float():
            if name in ("real", "imag", "numerator"):
                return getattr(value, name, value)
            if name in ("item", "cpu", "detach", "clone", "float", "long", "to"):
                return BuiltinV(name, lambda run, args, keywords, frame, site: value)
            return _plain(value, name, frozenset({"is_integer", "bit_length"}))
        case _:
            pass
    act = table.get(name)
    if act is None:
        return Unknown(origin.Call(f".{name} of {type(value).__name__}"))

    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return act(run, value, args, keywords, frame, site)

    return BuiltinV(name, invoke)


STRINGS = frozenset(
    "upper lower strip lstrip rstrip split rsplit startswith endswith replace join format find count title capitalize isnumeric isdecimal isalnum isspace istitle swapcase isdigit isalpha isupper islower zfill partition rpartition removeprefix removesuffix index rfind rindex swapcase casefold splitlines isidentifier".split()
)


_LENGTH = 100_000
_WIDE = re.compile(r"\{[^}]*:[^}]*\d{5}")
"""A format that asks for a long text."""


def _plain(value: Any, name: str, allowed: frozenset[str]) -> Value:
    if name not in allowed:
        return Unknown(origin.Call(f".{name} of {type(value).__name__}"))

    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        plain: list[Any] = []
        for given in args:
            arg: Value | list[Value] = given
            if isinstance(arg, (ListV, IteratorV)):
                found = items_of(run, arg, frame, site)
                if found.items is None:
                    return Unknown(origin.Computed("text"))
                arg = found.items
            if is_unknown(given) or (isinstance(arg, list) and not all(isinstance(item, str) for item in arg)):
                return Unknown(origin.Computed("text"))
            plain.append(arg)
        if any(isinstance(arg, int) and arg > _LENGTH for arg in plain) or (name == "format" and _WIDE.search(value)):
            return Unknown(origin.Budget("long text"))
        try:
            result = getattr(value, name)(*plain, **keywords)
        except Exception:
            # Whatever Python says of these arguments, the value is not known here.
            return Unknown(origin.Call(f".{name}"))
        if isinstance(result, str) and len(result) > _LENGTH:
            return Unknown(origin.Budget("long text"))
        return ListV(result) if isinstance(result, list) else result

    return BuiltinV(name, invoke)


def _numel(value: Any) -> Value:
    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        total = product(value)
        return Unknown(origin.Computed("numel")) if total is None else total

    return BuiltinV("numel", invoke)


# ---- lists


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
    run.journal.touch(value)
    try:
        value.items.sort(reverse=keywords.get("reverse") is True)
    except TypeError:
        return Unknown(origin.Call("sort"))
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


def _clear(run: Run, value: Any, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if isinstance(value, DictV):
        for key in list(value.items):
            run.journal.drop(value.items, key)
    else:
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


def _copy(run: Run, value: Any, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if isinstance(value, DictV):
        return DictV(dict(value.items), value.default, value.complete)
    return ListV(list(value.items), value.count, value.loop) if isinstance(value, ListV) else SetV(list(value.items))


LIST: dict[str, Act] = {
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


# ---- dicts


def _get(run: Run, value: DictV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    default = args[1] if len(args) > 1 else keywords.get("default")
    if not args or is_unknown(args[0]):
        return Unknown(origin.Computed("key of a dict"))
    try:
        if args[0] in value.items:
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
        return ListV(make(value))

    return act


DICT: dict[str, Act] = {
    "get": _get,
    "pop": _dict_pop,
    "update": _update,
    "setdefault": _setdefault,
    "keys": _listed(lambda value: list(value.items)),
    "values": _listed(lambda value: list(value.items.values())),
    "items": _listed(lambda value: list(value.items.items())),
    "copy": _copy,
    "clear": _clear,
    "__len__": lambda run, value, args, keywords, frame, site: len(value.items),
    "move_to_end": lambda run, value, args, keywords, frame, site: None,
}


# ---- sets


def _add(run: Run, value: SetV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if args and not any(equal(item, args[0]) is True for item in value.items):
        run.journal.touch(value)
        value.items.append(args[0])
    return None


def _set_update(
    run: Run, value: SetV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    for source in args:
        found = items_of(run, source, frame, site)
        for item in found.items or []:
            _add(run, value, [item], {}, frame, site)
    return None


def _union(run: Run, value: SetV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    made = SetV(list(value.items))
    _set_update(run, made, args, keywords, frame, site)
    return made


def _against(make: Callable[[list[Value], list[Value]], Value]) -> Act:
    """A method that sets a set against another collection; unknown where an entry of either is."""

    def act(run: Run, value: SetV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        other = items_of(run, args[0], frame, site).items if len(args) == 1 else None
        if other is None or any(is_unknown(item) for item in (*value.items, *other)):
            return Unknown(origin.Computed("set comparison"))
        return make(value.items, other)

    return act


def _without(items: list[Value], others: list[Value]) -> list[Value]:
    return [item for item in items if not any(equal(item, other) is True for other in others)]


SET: dict[str, Act] = {
    "add": _add,
    "update": _set_update,
    "union": _union,
    "issubset": _against(lambda ours, theirs: not _without(ours, theirs)),
    "issuperset": _against(lambda ours, theirs: not _without(theirs, ours)),
    "isdisjoint": _against(lambda ours, theirs: len(_without(ours, theirs)) == len(ours)),
    "difference": _against(lambda ours, theirs: SetV(_without(ours, theirs))),
    "intersection": _against(lambda ours, theirs: SetV(_without(ours, _without(ours, theirs)))),
    "discard": lambda run, value, args, keywords, frame, site: _remove(run, value, args, keywords, frame, site),
    "remove": lambda run, value, args, keywords, frame, site: _remove(run, value, args, keywords, frame, site),
    "copy": _copy,
    "clear": _clear,
}


def dict_base_method(run: Run, value: DictV, name: str) -> Value:
    """What `super()` gives a class of the user's that derives from dict."""

    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        if name == "__getitem__":
            return index(run, value, args[0], frame, site)
        if name == "__setitem__":
            set_index(run, value, args[0], args[1], frame, site)
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

    return method_of(run, value, name) if name in DICT else BuiltinV(name, invoke)


def record_method(run: Run, value: Instance, name: str) -> Value:
    """Methods of dataclass outputs and named tuples."""
    assert isinstance(value.cls, ClassV)
    present = {field: value.attrs[field] for field in value.cls.fields or () if value.attrs.get(field) is not None}
    if name == "to_tuple":
        return BuiltinV(name, lambda run, args, keywords, frame, site: tuple(present.values()))
    if name == "_replace":

        def replace(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
            return Instance(value.cls, {**value.attrs, **keywords}, site)

        return BuiltinV(name, replace)
    if name == "_asdict":
        return BuiltinV(name, lambda run, args, keywords, frame, site: DictV(dict(value.attrs)))
    return method_of(run, DictV(dict(present)), name)


def call_each(run: Run, function: Value, items: list[Value], frame: Frame, site: Site) -> list[Value]:
    return [call(run, function, [item], {}, frame, site) for item in items]
