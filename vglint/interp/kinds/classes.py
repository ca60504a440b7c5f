"""Classes: called, they make objects."""

from __future__ import annotations

from collections.abc import Iterable

from vglint import origin
from vglint.interp.kinds import enums
from vglint.interp.kinds.functions import documented
from vglint.interp.kinds.records import fill_fields
from vglint.interp.kinds.supers import base_method, empty_object, unbound
from vglint.interp.machine.core import (
    CONSTANTS,
    Frame,
    Run,
    call,
    opaque,
    register,
)
from vglint.interp.machine.journal import Built
from vglint.interp.machine.memory import holds_nodes
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
from vglint.interp.protocols.iteration import Items, not_iterable
from vglint.interp.torch.autograd_functions import bound_apply, is_function_class
from vglint.interp.torch.leaves import build_leaf, is_module_class, leaf_base
from vglint.interp.torch.making import METHODS, class_method, new_module
from vglint.interp.torch.optimizers import note_keeper, optimizer, optimizer_class, scheduler, scheduler_class
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.inside import bulk, held_by, inside
from vglint.interp.values.objects import (
    BuiltinV,
    ClassMethodV,
    ClassV,
    ContextV,
    DeviceV,
    DictV,
    DtypeV,
    External,
    FunctionV,
    Instance,
    ListV,
    MethodV,
    ModuleV,
    PartialV,
    Site,
    StaticV,
    Value,
    VersionV,
)
from vglint.value import Unknown

declines((ClassV,), SET_ITEM, TRUTH, OPERATE, COMPARE)


@register(CALL, ClassV)
def instantiate(
    run: Run, cls: ClassV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Builds an instance: `__init__` of the first class that has one, in a frame where nothing is forward."""
    if cls.frozen_kind == "enum":
        return _enum_member(run, cls, args, frame, site)
    if optimizer_class(cls):
        return optimizer(run, cls.qualified, None, args, keywords, frame, site)
    if scheduler_class(cls):
        return scheduler(run, cls.qualified, args, keywords, frame, site)
    if is_function_class(cls):
        return opaque(run, origin.Call(f"{cls.name}()"), [*args, *keywords.values()], site)
    if cls.frozen_kind == "namedtuple" and (own := find_in_mro(cls, "__new__")) is not None:
        function = own[0].function if isinstance(own[0], StaticV) else own[0]
        made = call(run, function, [cls, *args], keywords, frame, site)
        if isinstance(made, Instance):
            return made
    module = is_module_class(cls)
    if module:
        shown = run.journal.built.get(cls.qualified)
        asked = shown is None or (shown.assumed and not run.graph.assumed)
        if asked and (portable := built_with(args, keywords, assumed=run.graph.assumed)) is not None:
            run.journal.built[cls.qualified] = portable
    maker = None if module or cls.frozen_kind else find_in_mro(cls, "__new__")
    if maker is not None:
        function = maker[0].function if isinstance(maker[0], StaticV) else maker[0]
        with run.context.having(setup=True, modules_running=()):
            made = call(run, function, [cls, *args], keywords, frame, site)
        if not isinstance(made, Instance) or isinstance(made, ModuleV) or made.cls is not cls:
            return made
        instance = made
    else:
        instance = new_module(run, cls, frame, site) if module else empty_object(cls, site)
        if isinstance(instance, ModuleV):
            run.graph.made_with[id(instance)] = instance, args, keywords
    found = find_in_mro(cls, "__init__")
    base = leaf_base(cls) if isinstance(instance, ModuleV) else None
    with run.context.having(setup=True, constructing=module or run.context.constructing, modules_running=()):
        if found is not None and not (cls.frozen_kind == "dataclass" and found[1] is not cls and cls.fields):
            call(run, MethodV(found[0], instance), args, keywords, frame, site)
        elif cls.frozen_kind in ("dataclass", "namedtuple"):
            fill_fields(run, cls, instance, args, keywords, frame, site)
        elif base is not None:
            assert isinstance(instance, ModuleV)
            build_leaf(run, instance, base, args, keywords, frame, site)
        elif instance.entries is not None and (fill := base_method(instance.entries, "__init__")) is not None:
            call(run, fill, args, keywords, frame, site)
    if not module:
        note_keeper(run, cls, [*args, *keywords.values()])
    return instance


_PLAIN = (bool, int, float, str, type(None), External)
"""Values that nothing writes into."""
_LARGEST = 20_000
"""Entries of an argument."""


def built_with(args: list[Value], keywords: dict[str, Value], *, assumed: bool) -> Built | None:
    """Returns arguments for another run to build with; None where one of them means nothing there."""
    values = (*args, *keywords.values())
    if not all(_is_portable(value) for value in values):
        return None
    return Built(args, keywords, assumed, all(isinstance(value, _PLAIN) for value in values))


def _is_portable(value: Value) -> bool:
    """Whether a value means the same in another run: constants, classes, functions, configurations."""
    if bulk(value, _LARGEST) > _LARGEST:
        return False
    return all(map(_is_of_no_run, inside(value, depth=_DEPTH, widest=_LARGEST, through=_parts)))


_DEPTH = 16


def _parts(value: Value) -> Iterable[Value]:
    """Returns what must mean the same for a value to do so."""
    return held_by(value) if isinstance(value, (tuple, ListV, DictV, PartialV)) else ()


def _is_of_no_run(value: Value) -> bool:
    match value:
        case None | bool() | int() | float() | str() | range() | External() | ClassV():
            return True
        case DtypeV() | DeviceV() | VersionV() | ContextV() | tuple() | PartialV():
            return True
        case FunctionV():
            return value.scope.parent is None
        case ListV():
            return value.count is None
        case DictV():
            return value.complete
        case ModuleV():
            return False
        case Instance():
            return not holds_nodes(value)
        case _:
            return False


def _enum_member(run: Run, cls: ClassV, args: list[Value], frame: Frame, site: Site) -> Value:
    if args and isinstance(args[0], (str, int)):
        member = enums.member_of(cls, args[0])
        if member is not None:
            return member
        missing = find_in_mro(cls, "_missing_")
        if missing is not None and isinstance(missing[0], ClassMethodV):
            return call(run, MethodV(missing[0].function, cls), args, {}, frame, site)
    return Unknown(origin.Computed(f"{cls.name}()"))


@register(GETATTR, ClassV)
def class_(run: Run, value: ClassV, name: str, frame: Frame) -> Value:
    if name in ("__name__", "__qualname__"):
        return value.name
    if name == "__bases__":
        return value.bases or (External("builtins.object"),)
    if name == "_fields" and value.frozen_kind == "namedtuple":
        return value.fields
    if name == "__doc__" and value.node is not None:
        return documented(value.node.body)
    if name == "__module__":
        return value.qualified.rpartition(".")[0]
    if name == "__mro__":
        last = External("builtins.object")
        return value.mro if value.mro[-1] == last else (*value.mro, last)
    if name == "__dict__":
        return DictV(dict(value.names))
    if name == "__members__" and value.frozen_kind == "enum":
        return enums.by_name(value)
    found = find_in_mro(value, name)
    if found is not None:
        attribute = found[0]
        if isinstance(attribute, StaticV):
            return attribute.function
        if isinstance(attribute, Instance) and (get := find_in_mro(attribute.cls, "__get__")) is not None:
            site = Site(frame.unit, frame.unit.head)
            return call(run, MethodV(get[0], attribute), [None, value], {}, frame, site)
        return MethodV(attribute.function, value) if isinstance(attribute, ClassMethodV) else attribute
    if name == "value" and value.frozen_kind == "enum":
        return Unknown(origin.Computed("value"))
    for base in value.mro:
        if isinstance(base, External):
            if is_module_class(value) and (name in METHODS or name in ("__init__", "forward")):
                return unbound(name)
            if (maker := class_method(value, name)) is not None:
                return maker
            if name == "__init__":
                return BuiltinV("__init__", lambda run, args, keywords, frame, site: None)
            qualified = f"{base.name}.{name}"
            if qualified in CONSTANTS:
                return CONSTANTS[qualified]
    if name == "apply" and is_function_class(value):
        return bound_apply(value)
    own = all(isinstance(base, ClassV) or base == External("builtins.object") for base in value.mro)
    return Unknown(origin.Member(value.name, name) if own else origin.Name(f"{value.name}.{name}"))


@register(SETATTR, ClassV)
def set_attribute(run: Run, target: ClassV, name: str, value: Value, frame: Frame, site: Site) -> None:
    run.journal.put(target.names, name, value)


@register(ITEM, ClassV)
def item(run: Run, value: ClassV, key: Value, frame: Frame, site: Site) -> Value:
    """Returns a member of an enumeration, or a class with its type arguments, which is that class."""
    if value.frozen_kind == "enum" and isinstance(key, str):
        return value.names.get(key, Unknown(origin.Argument(key)))
    return value


@register(ITERATE, ClassV)
def items(run: Run, value: ClassV, frame: Frame, site: Site) -> Items:
    return Items(enums.members(value)) if value.frozen_kind == "enum" else not_iterable(value)


@register(CONTAINS, ClassV)
def contains(run: Run, holder: ClassV, item: Value, frame: Frame, site: Site) -> bool | None:
    is_enum = holder.frozen_kind == "enum" and isinstance(item, (str, int))
    return enums.member_of(holder, item) is not None if is_enum else None
