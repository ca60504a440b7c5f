"""`dataclasses`: fields, classes made dataclasses by a call, copies."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import LIBRARY, Frame, Run, call, register
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import BuiltinV, ClassV, DictV, External, FieldV, Instance, Site, Value
from vglint.value import Unknown

ABSENT = External("dataclasses.MISSING")


@register(LIBRARY, "dataclasses.dataclass")
def dataclass_(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """`dataclass(cls)`, called rather than written above a class."""
    cls = args[0] if args else None
    if isinstance(cls, ClassV):
        cls.frozen_kind = "dataclass"
        return cls
    return BuiltinV("dataclass", lambda run, args, keywords, frame, site: args[0] if args else None)


@register(LIBRARY, "dataclasses.fields")
def fields(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    cls = args[0].cls if args and isinstance(args[0], Instance) else args[0] if args else None
    if not isinstance(cls, ClassV) or cls.fields is None:
        return Unknown(origin.Computed("fields"))
    return tuple(_field(cls, name, site) for name in cls.fields)


def _field(cls: ClassV, name: str, site: Site) -> Instance:
    found = find_in_mro(cls, name)
    default: Value = found[0] if found is not None else ABSENT
    factory: Value = ABSENT
    if isinstance(default, FieldV):
        made = default
        default = ABSENT
        factory = BuiltinV(name, lambda run, args, keywords, frame, site: default_of(run, made, frame, site))
    attrs = {"name": name, "default": default, "default_factory": factory, "init": True, "metadata": DictV({})}
    return Instance(External("dataclasses.Field"), attrs, site)


@register(LIBRARY, "dataclasses.field", "attr.ib", "pydantic.Field")
def field(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if "default_factory" in keywords:
        return FieldV(which.name, None, keywords["default_factory"])
    return FieldV(which.name, args[0] if args else keywords.get("default", Unknown(origin.Computed("field"))))


def default_of(run: Run, field: FieldV, frame: Frame, site: Site) -> Value:
    """Returns the value that a field of a new object starts with."""
    return field.default if field.factory is None else call(run, field.factory, [], {}, frame, site)


@register(LIBRARY, "dataclasses.replace", "copy.replace", "dataclasses.asdict")
def replace(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    if args and isinstance(args[0], Instance):
        if which.name.endswith("asdict"):
            return DictV(dict(args[0].attrs))
        return Instance(args[0].cls, {**args[0].attrs, **keywords}, site)
    return Unknown(origin.Computed("replace"))


@register(LIBRARY, "dataclasses.is_dataclass")
def is_dataclass(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    cls = args[0].cls if args and isinstance(args[0], Instance) else args[0] if args else None
    return isinstance(cls, ClassV) and cls.frozen_kind == "dataclass"
