"""Fields of dataclasses."""

from __future__ import annotations

from vglint import origin
from vglint.interp.kinds import dicts
from vglint.interp.machine.core import Frame, Run, call
from vglint.interp.machine.journal import MISSING
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
from vglint.interp.protocols.attributes import set_attribute
from vglint.interp.protocols.methods import method_of
from vglint.interp.static.worlds import World, switched
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    BuiltinV,
    ClassV,
    DictV,
    External,
    FieldV,
    Instance,
    MethodV,
    ModuleV,
    Site,
    Value,
)
from vglint.value import Unknown

declines((FieldV,), CALL, GETATTR, SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)
OF_RECORDS = frozenset({"keys", "values", "items", "get", "to_tuple", "_replace", "_asdict"})
"""Methods of dataclass outputs and named tuples."""
ABSENT = External("dataclasses.MISSING")


def default_of(run: Run, field: FieldV, frame: Frame, site: Site) -> Value:
    """Returns the value that a field of a new object starts with."""
    return field.default if field.factory is None else call(run, field.factory, [], {}, frame, site)


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
    return method_of(DictV(dict(present)), name, dicts.METHODS)


def new_record(cls: ClassV) -> BuiltinV:
    """Returns the `__new__` that a namedtuple has of its own: it fills the fields."""

    def new(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        made = Instance(args[0] if args and isinstance(args[0], ClassV) else cls, {}, site)
        fill_fields(run, cls, made, args[1:], keywords, frame, site)
        return made

    return BuiltinV("__new__", new)


def fields_filler(instance: Instance, after: ClassV) -> BuiltinV | None:
    """Returns the `__init__` that a dataclass behind `after` in the order of classes was given; None where there is none."""
    order = instance.cls.mro if isinstance(instance.cls, ClassV) else ()
    behind = order[order.index(after) + 1 :] if after in order else ()
    cls = next((each for each in behind if isinstance(each, ClassV) and each.frozen_kind == "dataclass"), None)
    if cls is None:
        return None

    def fill(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        fill_fields(run, cls, instance, args, keywords, frame, site)
        return None

    return BuiltinV("__init__", fill)


def switched_field(world: World, value: Value, deep: int = 3) -> Value:
    """Returns a value, or the object whose field is the one that a world switches, with that field on; `deep` is how far objects hold
    objects."""
    if not isinstance(value, Instance) or isinstance(value, ModuleV) or not isinstance(value.cls, ClassV) or not deep:
        return value
    attrs = {name: switched_field(world, each, deep - 1) for name, each in value.attrs.items()}
    for cls in value.cls.mro:
        here = isinstance(cls, ClassV) and world.changes("field", world.name, cls.node)
        if here and world.is_off(attrs.get(world.name, MISSING)):
            attrs[world.name] = switched(world)
    same = all(attrs[name] is each for name, each in value.attrs.items())
    return value if same else Instance(value.cls, attrs, value.origin)


def fill_fields(
    run: Run, cls: ClassV, instance: Instance, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> None:
    names = cls.fields or ()
    taken = [
        name
        for name in names
        if not ((own := find_in_mro(cls, name)) and isinstance(own[0], FieldV) and not own[0].init)
    ]
    given = dict(zip(taken, args, strict=False))
    handed: list[Value] = []
    given.update({name: value for name, value in keywords.items() if name in names})
    for name in names:
        if name in given:
            value = given[name]
        elif run.context.world is not None and run.context.world.changes("field", name, cls.node):
            value = switched(run.context.world)
        else:
            found = find_in_mro(cls, name)
            value = found[0] if found is not None else Unknown(origin.Argument(name))
            if isinstance(value, FieldV):
                value = default_of(run, value, frame, site)
        if name in cls.init_only:
            handed.append(value)
        elif name in taken or name in given or not isinstance(value, Unknown):
            set_attribute(run, instance, name, value, frame, site)
    after = find_in_mro(cls, "__post_init__")
    if after is not None:
        call(run, MethodV(after[0], instance), handed, {}, frame, site)
