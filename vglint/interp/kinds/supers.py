"""`super()`, and Python's own look-up of attributes."""

from __future__ import annotations

from vglint import origin
from vglint.interp.kinds import dicts, lists
from vglint.interp.kinds.mappings import METHODS as MIXED_IN
from vglint.interp.kinds.mappings import is_mapping, mapping_method
from vglint.interp.kinds.records import fields_filler, new_record
from vglint.interp.machine.core import (
    Frame,
    Raised,
    Run,
    call,
    get_attribute,
    register,
)
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
from vglint.interp.torch.modules import bind_attribute, set_property, torch_base_attribute
from vglint.interp.values.classes import class_name, find_in_mro
from vglint.interp.values.objects import (
    BuiltinV,
    ClassV,
    DictV,
    External,
    FunctionV,
    Instance,
    ListV,
    MethodV,
    ModuleV,
    Site,
    SuperV,
    Value,
)
from vglint.value import Unknown

declines((SuperV,), SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)


@register(GETATTR, SuperV)
def super_attribute(run: Run, value: SuperV, name: str, frame: Frame) -> Value:
    cls = value.self.cls if isinstance(value.self, Instance) else value.self
    if not isinstance(cls, ClassV):
        return Unknown(origin.Member("super()", name))
    found = find_in_mro(cls, name, after=value.cls)
    if found is not None:
        if isinstance(value.self, ClassV) and isinstance(found[0], FunctionV):
            return MethodV(found[0], value.self) if name == "__new__" else found[0]
        return bind_attribute(run, found[0], value.self, frame, found[1])
    if isinstance(value.self, ClassV) and name == "__new__":
        return new_record(value.self) if value.self.frozen_kind == "namedtuple" else new_object(value.self)
    if isinstance(value.self, ModuleV):
        return torch_base_attribute(run, value.self, name, frame)
    if isinstance(value.self, Instance) and name == "__init__":
        filler = fields_filler(value.self, value.cls)
        if filler is not None:
            return filler
    if isinstance(value.self, Instance) and name in ("__getattribute__", "__getattr__"):
        return plain_lookup(value.self, name)
    if isinstance(value.self, Instance) and name in MIXED_IN and is_mapping(value.self.cls):
        return mapping_method(run, value.self, name)
    if isinstance(value.self, Instance) and name == "__setattr__":
        return BuiltinV(
            name, lambda run, args, keywords, frame, site: set_plainly(run, [value.self, *args], frame, site)
        )
    if isinstance(value.self, Instance) and value.self.entries is not None:
        own = base_method(value.self.entries, name)
        return own if own is not None else Unknown(origin.Member("super()", name))
    return BuiltinV(f"super().{name}", lambda run, args, keywords, frame, site: None)


def new_object(cls: ClassV) -> BuiltinV:
    """Returns the `__new__` that every class has: an object without attributes."""

    def new(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return empty_object(args[0] if args and isinstance(args[0], ClassV) else cls, site)

    return BuiltinV("__new__", new)


def empty_object(cls: ClassV, site: Site) -> Instance:
    """Returns an object of a class before its constructor ran."""
    names = {each.name for each in cls.mro if isinstance(each, External)} if not cls.frozen_kind else set()
    return Instance(cls, {}, site, DictV({}) if names & DICTS else ListV([]) if names & LISTS else None)


DICTS = frozenset(
    {"builtins.dict", "collections.OrderedDict", "collections.UserDict", "collections.defaultdict", "typing.Dict"}
)
LISTS = frozenset({"builtins.list", "collections.UserList", "typing.List"})


def base_method(entries: DictV | ListV, name: str) -> Value | None:
    """Returns what dict or list gives a class of the user's that derives from it; None where that is nothing."""
    table = lists.OF_BASES if isinstance(entries, ListV) else dicts.OF_BASES
    return MethodV(table[name], entries) if name in table else None


def set_plainly(run: Run, args: list[Value], frame: Frame, site: Site) -> Value:
    """Performs `object.__setattr__(self, name, value)`, which sets a property by its setter."""
    if len(args) == 3 and isinstance(args[0], Instance) and isinstance(args[1], str):
        target, name, value = args[0], args[1], args[2]
        if not set_property(run, target, name, value, frame, site):
            run.journal.put(target.attrs, name, value)
    return None


def plain_lookup(instance: Instance, name: str) -> BuiltinV:
    """Returns Python's own attribute look-up; asked for a name from within a class's look-up of that name, it finds none."""

    def plain(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        wanted = str(args[0]) if args and isinstance(args[0], str) else ""
        if not wanted or ("plain", wanted) in instance.asking:
            return Unknown(origin.Member(class_name(instance.cls), wanted))
        instance.asking.add(("plain", wanted))
        try:
            found = get_attribute(run, instance, wanted, frame)
        finally:
            instance.asking.discard(("plain", wanted))
        if run.context.trying and isinstance(found, Unknown) and isinstance(found.origin, origin.Member):
            raise Raised("AttributeError", None, site)
        return found

    return BuiltinV(name, plain)


@register(CALL, SuperV)
def call_super(
    run: Run, value: SuperV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return call(run, get_attribute(run, value, "__call__", frame), args, keywords, frame, site)


def unbound(name: str) -> BuiltinV:
    """`nn.Module.__init__(self)`: a method of torch's called on the class."""

    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        if args and isinstance(args[0], ModuleV) and isinstance(args[0].cls, ClassV):
            last = [base for base in args[0].cls.mro if isinstance(base, ClassV)][-1]
            return call(run, super_attribute(run, SuperV(last, args[0]), name, frame), args[1:], keywords, frame, site)
        return None

    return BuiltinV(name, invoke)
