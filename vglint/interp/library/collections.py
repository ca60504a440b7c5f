"""`collections`: dicts of other kinds, queues, tuples with names."""

from __future__ import annotations

import collections

from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import LIBRARY
from vglint.interp.protocols.asking import listed
from vglint.interp.values.objects import ClassV, DictV, External, ListV, Value


@library("collections.OrderedDict", "collections.ChainMap")
def ordered_dict(call: Call) -> Value:
    return LIBRARY["builtins.dict"](
        call.run, External("builtins.dict"), call.args, call.keywords, call.frame, call.site
    )


@library("collections.defaultdict", takes="default_factory=None, *args, **pairs")
def defaultdict(call: Call) -> Value:
    source = call.rest[0] if call.rest else None
    return DictV(dict(source.items) if isinstance(source, DictV) else {}, call["default_factory"])


@library("collections.Counter")
def counter(call: Call) -> Value:
    if not call.args or isinstance(call.args[0], DictV):
        return ordered_dict(call)
    found = listed(call, call.args[0])
    if found is None or not all(isinstance(item, (str, int)) for item in found):
        return DictV({}, complete=False)
    return DictV(dict(collections.Counter(found)), External("builtins.int"))


@library("collections.deque", takes="iterable=None, maxlen=None")
def deque(call: Call) -> Value:
    items = [] if call["iterable"] is None else listed(call, call["iterable"]) or []
    most = call["maxlen"]
    return ListV(items[max(len(items) - most, 0) :] if isinstance(most, int) and most >= 0 else items)


@library("typing.NamedTuple", takes="typename, field_names=None, **types")
@library("collections.namedtuple", takes="typename, field_names, *, rename=False, defaults=None, module=None")
def namedtuple(call: Call) -> Value:
    names = call["field_names"]
    if isinstance(names, str):
        fields = tuple(names.replace(",", " ").split())
    else:
        found = listed(call, names) or []
        fields = tuple(str(item[0] if isinstance(item, tuple) else item) for item in found)
    name = str(call["typename"])
    cls = ClassV(name, name, (), {}, call.frame.unit, None, (), fields, "namedtuple")
    cls.mro = (cls,)
    defaults = call.get("defaults")
    values = listed(call, defaults) if defaults is not None else None
    cls.names.update(zip(reversed(fields), reversed(values or []), strict=False))
    return cls
