"""Classes called: instances of modules, dataclasses, enums."""

from __future__ import annotations

from vglint import origin
from vglint.interp.kinds import enums
from vglint.interp.kinds.native_methods import dict_base_method
from vglint.interp.kinds.records import default_of
from vglint.interp.machine.core import (
    CALL,
    ENTER,
    Frame,
    Run,
    call,
    get_attribute,
    opaque,
    register,
)
from vglint.interp.machine.memory import holds_nodes
from vglint.interp.static.worlds import switched
from vglint.interp.torch.autograd_functions import is_function_class
from vglint.interp.torch.leaves import build_leaf, is_module_class, leaf_base
from vglint.interp.torch.making import new_module
from vglint.interp.torch.modules import set_attribute
from vglint.interp.torch.optimizers import optimizer, optimizer_class
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    BuiltinV,
    ClassMethodV,
    ClassV,
    ContextV,
    DeviceV,
    DictV,
    DtypeV,
    External,
    FieldV,
    FunctionV,
    Instance,
    ListV,
    MethodV,
    ModuleV,
    PartialV,
    Site,
    Value,
    VersionV,
    is_unknown,
)
from vglint.value import Unknown

DICTS = frozenset(
    {"builtins.dict", "collections.OrderedDict", "collections.UserDict", "collections.defaultdict", "typing.Dict"}
)


@register(ENTER, Instance)
def enter(run: Run, value: Instance, frame: Frame, site: Site) -> Value:
    if isinstance(value.cls, ClassV):
        method = get_attribute(run, value, "__enter__", frame)
        if not is_unknown(method) and not isinstance(method, BuiltinV):
            return call(run, method, [], {}, frame, site)
    return value


@register(CALL, ClassV)
def instantiate(
    run: Run, cls: ClassV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Builds an instance: `__init__` of the first class that has one, in a frame where nothing is forward."""
    if cls.frozen_kind == "enum":
        return _enum_member(run, cls, args, frame, site)
    if optimizer_class(cls):
        return optimizer(run, cls.qualified, None, args, keywords, frame, site)
    if is_function_class(cls):
        return opaque(run, origin.Call(f"{cls.name}()"), [*args, *keywords.values()], site)
    module = is_module_class(cls)
    if module and cls.qualified not in run.built and all(_portable(value) for value in (*args, *keywords.values())):
        run.built[cls.qualified] = (args, keywords)
    instance = new_module(run, cls, frame, site) if module else Instance(cls, {}, site)
    if (
        not module
        and not cls.frozen_kind
        and any(isinstance(each, External) and each.name in DICTS for each in cls.mro)
    ):
        instance.entries = DictV({})
    found = find_in_mro(cls, "__init__")
    base = leaf_base(cls) if isinstance(instance, ModuleV) else None
    with run.context.having(setup=True, constructing=module or run.context.constructing, modules_running=()):
        if found is not None and not (cls.frozen_kind == "dataclass" and found[1] is not cls and cls.fields):
            call(run, MethodV(found[0], instance), args, keywords, frame, site)
        elif cls.frozen_kind in ("dataclass", "namedtuple"):
            _fill_fields(run, cls, instance, args, keywords, frame, site)
        elif base is not None:
            assert isinstance(instance, ModuleV)
            build_leaf(run, instance, base, args, keywords, frame, site)
        elif instance.entries is not None:
            call(run, dict_base_method(run, instance.entries, "__init__"), args, keywords, frame, site)
    return instance


def _portable(value: Value, depth: int = 0) -> bool:
    """Whether a value means the same in another run: constants, classes, functions, configurations."""
    match value:
        case (
            None
            | bool()
            | int()
            | float()
            | str()
            | External()
            | ClassV()
            | range()
            | DtypeV()
            | DeviceV()
            | VersionV()
            | ContextV()
        ):
            return True
        case FunctionV():
            return value.scope.parent is None
        case PartialV():
            return _portable(value.function, depth) and all(
                _portable(each, depth) for each in (*value.args, *value.keywords.values())
            )
        case tuple():
            return all(_portable(each, depth) for each in value)
        case ListV():
            return value.count is None and depth < 4 and all(_portable(each, depth + 1) for each in value.items)
        case DictV():
            return value.complete and depth < 4 and all(_portable(each, depth + 1) for each in value.items.values())
        case ModuleV():
            return False
        case Instance():
            return depth < 2 and not holds_nodes(value)
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


def fields_filler(instance: Instance, after: ClassV) -> BuiltinV | None:
    """Returns the `__init__` that a dataclass behind `after` in the order of classes was given; None where there is none."""
    order = instance.cls.mro if isinstance(instance.cls, ClassV) else ()
    behind = order[order.index(after) + 1 :] if after in order else ()
    cls = next((each for each in behind if isinstance(each, ClassV) and each.frozen_kind == "dataclass"), None)
    if cls is None:
        return None

    def fill(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        _fill_fields(run, cls, instance, args, keywords, frame, site)
        return None

    return BuiltinV("__init__", fill)


def _fill_fields(
    run: Run, cls: ClassV, instance: Instance, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> None:
    names = cls.fields or ()
    given = dict(zip(names, args, strict=False))
    given.update({name: value for name, value in keywords.items() if name in names})
    for name in names:
        if name in given:
            value = given[name]
        elif run.world is not None and run.world.changes("field", name, cls.node):
            value = switched(run.world)
        else:
            found = find_in_mro(cls, name)
            value = found[0] if found is not None else Unknown(origin.Argument(name))
            if isinstance(value, FieldV):
                value = default_of(run, value, frame, site)
        set_attribute(run, instance, name, value, frame, site)
    after = find_in_mro(cls, "__post_init__")
    if after is not None:
        call(run, MethodV(after[0], instance), [], {}, frame, site)
