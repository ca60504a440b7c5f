"""`dataclasses` and `enum`: fields, classes made by a call, copies."""

from __future__ import annotations

from vglint import origin
from vglint.interp.kinds.enums import number_members
from vglint.interp.kinds.records import default_of
from vglint.interp.machine.calls import Call, library, method
from vglint.interp.protocols.asking import listed
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import ClassV, DictV, External, FieldV, Instance, ListV, Site, Value
from vglint.value import Unknown

ABSENT = External("dataclasses.MISSING")


@library("dataclasses.dataclass", takes="cls=None, **options")
def dataclass(call: Call) -> Value:
    """`dataclass(cls)`, called rather than written above a class."""
    cls = call["cls"]
    if isinstance(cls, ClassV):
        cls.frozen_kind = "dataclass"
        return cls
    return method("dataclass", "cls", lambda call: call["cls"])


@library("dataclasses.fields", takes="class_or_instance")
def fields(call: Call) -> Value:
    cls = _class_of(call["class_or_instance"])
    if cls is None or cls.fields is None:
        return Unknown(origin.Computed("fields"))
    return tuple(_field(cls, name, call.site) for name in cls.fields)


def _class_of(value: Value) -> ClassV | None:
    cls = value.cls if isinstance(value, Instance) else value
    return cls if isinstance(cls, ClassV) else None


def _field(cls: ClassV, name: str, site: Site) -> Instance:
    found = find_in_mro(cls, name)
    default: Value = found[0] if found is not None else ABSENT
    factory: Value = ABSENT
    if isinstance(default, FieldV):
        made = default
        default = ABSENT
        factory = method(name, "", lambda call: default_of(call.run, made, call.frame, call.site))
    attrs = {"name": name, "default": default, "default_factory": factory, "init": True, "metadata": DictV({})}
    return Instance(External("dataclasses.Field"), attrs, site)


@library("dataclasses.field", "attr.ib", "pydantic.Field", takes="default?, **options")
def field(call: Call) -> Value:
    taken = call.keywords.get("init") is not False
    if "default_factory" in call.keywords:
        return FieldV(call.name, None, call.keywords["default_factory"], taken)
    return FieldV(call.name, call.get("default", Unknown(origin.Computed("field"))), None, taken)


@library("dataclasses.replace", "copy.replace", takes="obj, **changes")
def replace(call: Call) -> Value:
    obj = call["obj"]
    if not isinstance(obj, Instance):
        return Unknown(origin.Computed("replace"))
    cls = obj.cls
    if not isinstance(cls, ClassV) or cls.fields is None:
        return Instance(cls, {**obj.attrs, **call.others}, call.site)
    kept = {name: obj.attrs[name] for name in cls.fields if name in obj.attrs and _is_given(cls, name)}
    return call.invoke(cls, **{**kept, **call.others})


def _is_given(cls: ClassV, name: str) -> bool:
    """Whether a field is an argument of its class."""
    found = find_in_mro(cls, name)
    return found is None or not isinstance(found[0], FieldV) or found[0].init


@library("dataclasses.asdict", takes="obj, *, dict_factory=None")
def asdict(call: Call) -> Value:
    obj = call["obj"]
    return _plain(obj) if isinstance(obj, Instance) else Unknown(origin.Computed("asdict"))


def _plain(value: Value) -> Value:
    """Returns dataclasses as dicts of their fields, also those inside others and in lists."""
    match value:
        case Instance(cls=ClassV(fields=tuple() as names), attrs=attrs):
            return DictV({name: _plain(attrs[name]) for name in names if name in attrs})
        case ListV(items=list() as items, count=None):
            return ListV([_plain(item) for item in items])
        case _:
            return value


@library("dataclasses.is_dataclass", takes="obj")
def is_dataclass(call: Call) -> Value:
    cls = _class_of(call["obj"])
    return cls is not None and cls.frozen_kind == "dataclass"


# ---- enum


@library("enum.auto", takes="")
def auto(call: Call) -> Value:
    return Instance(External(call.name), {}, call.site)


@library("enum.Enum", "enum.IntEnum", "enum.StrEnum", takes="value, names=None, **options")
def enumeration(call: Call) -> Value:
    """`Enum("Kind", "A B")`: members named by a text, by names in a sequence, by pairs or by the keys of a dict."""
    names = call["names"]
    pairs: list[tuple[Value, ...]]
    if isinstance(names, DictV):
        pairs = list(names.items.items())
    elif isinstance(names, str):
        pairs = [(key, number) for number, key in enumerate(names.replace(",", " ").split(), 1)]
    else:
        found = listed(call, names)
        if found is None:
            return Unknown(origin.Computed("names of an enumeration"))
        pairs = [item if isinstance(item, tuple) else (item, number) for number, item in enumerate(found, 1)]
    members: dict[str, Value] = {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and isinstance(pair[0], str)}
    if len(members) < len(pairs):
        return Unknown(origin.Computed("names of an enumeration"))
    if call.last == "StrEnum":
        members = {key: key.lower() if isinstance(value, int) else value for key, value in members.items()}
    base, name = External(call.name), str(call["value"])
    cls = ClassV(name, name, (base,), members, call.frame.unit, None, (), None, "enum")
    cls.mro = (cls, base)
    number_members(cls)
    return cls
