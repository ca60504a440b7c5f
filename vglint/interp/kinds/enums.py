"""Enumerations: members with a text or a number are that value, which also knows its class and name; others are objects."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Run, get_attribute, register
from vglint.interp.machine.questions import GETATTR
from vglint.interp.torch.modules import bind_attribute
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    BuiltinV,
    ClassMethodV,
    ClassV,
    DictV,
    External,
    FunctionV,
    Instance,
    NumberMember,
    PropertyV,
    StaticV,
    TextMember,
    Value,
)

NAMES = ("Enum", "IntEnum", "StrEnum", "ExplicitEnum")
KINDS = frozenset({"enum.Enum", "enum.EnumMeta", "enum.EnumType"})


def is_enum_base(name: str) -> bool:
    return name.rsplit(".", 1)[-1] in NAMES and "num" in name


def number_members(cls: ClassV) -> None:
    """Turns the values in the body of an enumeration into members.

    Where the enumeration makes its members with a constructor, which is not run, values of other kinds stay what they are.
    """
    constructed = "__init__" in cls.names or "__new__" in cls.names
    texts = any(isinstance(base, External) and base.name.endswith("StrEnum") for base in cls.mro)
    count = 0
    for name, value in cls.names.items():
        if name.startswith("_") or isinstance(value, (FunctionV, PropertyV, StaticV, ClassMethodV, BuiltinV)):
            continue
        count += 1
        if isinstance(value, Instance) and value.cls == External("enum.auto"):
            value = name.lower() if texts else count
        made: TextMember | NumberMember
        if isinstance(value, str):
            made = TextMember(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            made, count = NumberMember(value), value
        else:
            if not constructed:
                known: dict[str, Value] = {"value": value, "_value_": value, "name": name, "_name_": name}
                cls.names[name] = Instance(cls, known)
            continue
        made.cls, made.name = cls, name
        cls.names[name] = made


def members(cls: ClassV) -> list[Value]:
    """Returns the members in order."""
    return [
        value
        for name, value in cls.names.items()
        if not name.startswith("_") and not isinstance(value, (FunctionV, PropertyV, StaticV, ClassMethodV, BuiltinV))
    ]


def member_of(cls: ClassV, value: Value) -> Value | None:
    """Returns the member that has a value; None where none has."""
    if isinstance(value, (TextMember, NumberMember)):
        return value if value.cls is cls else None
    for each in members(cls):
        if isinstance(each, Instance) and "_value_" in each.attrs:
            held = each.attrs["_value_"]
            if held is value or (type(held) is type(value) and held == value):
                return each
        elif type(each).__mro__[1] is type(value) and each == value:
            return each
    return None


def is_member(value: Value, cls: Value) -> bool:
    """Whether a value is a member of an enumeration, `cls`, or of any, for the library's own."""
    if not isinstance(value, (TextMember, NumberMember)):
        return False
    return any(base is cls or base == cls for base in value.cls.mro)


@register(GETATTR, TextMember, NumberMember)
def attribute(run: Run, value: TextMember | NumberMember, name: str, frame: Frame) -> Value:
    plain: Value = str(value) if isinstance(value, TextMember) else int(value)
    if name in ("value", "_value_"):
        return plain
    if name in ("name", "_name_"):
        return value.name
    if name == "__class__":
        return value.cls
    found = find_in_mro(value.cls, name)
    if found is not None:
        return bind_attribute(run, found[0], value, frame, found[1])
    return get_attribute(run, plain, name, frame)


def by_name(cls: ClassV) -> DictV:
    """Returns `__members__`."""
    return DictV({name: value for name, value in cls.names.items() if any(value is each for each in members(cls))})
