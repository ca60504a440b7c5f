"""Names of libraries, known by their qualified names alone, files of the project, and their names as a mapping (`globals()`)."""

from __future__ import annotations

import math
import string

from vglint import ops, origin
from vglint.interp.kinds.supers import unbound
from vglint.interp.machine.calls import Call, called, library, of_package
from vglint.interp.machine.core import (
    CONSTANTS,
    LIBRARY,
    Frame,
    Raised,
    Run,
    call,
    get_attribute,
    opaque,
    register,
)
from vglint.interp.machine.journal import MISSING
from vglint.interp.machine.names import member, set_member
from vglint.interp.machine.names import namespace as space_of
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
from vglint.interp.nodes.operations import emit_call
from vglint.interp.protocols.comparison import GPU
from vglint.interp.static.worlds import GPU_WORLD
from vglint.interp.torch.composite import composite
from vglint.interp.torch.escapes import escape
from vglint.interp.torch.leaves import CONTAINERS, build_leaf
from vglint.interp.torch.making import new_module
from vglint.interp.torch.optimizers import is_optimizer, optimizer, scheduler
from vglint.interp.values.objects import (
    BuiltinV,
    DictV,
    External,
    LaterV,
    ModuleV,
    Namespace,
    NamesV,
    Site,
    Value,
)
from vglint.ops.names import has as torch_has
from vglint.value import Unknown

declines((External,), SET_ITEM, ITERATE, OPERATE, COMPARE)
declines((Namespace,), CALL, ITERATE, TRUTH, OPERATE, COMPARE)
declines((NamesV,), CALL, SETATTR, ITERATE, TRUTH, OPERATE, COMPARE)
declines((LaterV,), CALL, GETATTR, SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)


@register(CALL, External)
def call_external(
    run: Run, value: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Calls something of a library: modelled here, in the op table, or unknown."""
    name = ops.canonical(value.name)
    handler = LIBRARY.get(name)
    if handler is not None:
        return handler(run, value if name == value.name else External(name), args, keywords, frame, site)
    described = composite(run, name)
    if described is not MISSING:
        return call(run, described, args, keywords, frame, site)
    if name in CONTAINERS or name == "torch.nn.Module":
        return _leaf(run, External(name), args, keywords, frame, site)
    spelling = ops.find(name)
    if (spelling is not None and spelling.op == "optimizer") or (spelling is None and is_optimizer(name)):
        return optimizer(run, name, spelling, args, keywords, frame, site)
    if spelling is not None and spelling.op == "scheduler":
        return scheduler(run, name, args, keywords, frame, site)
    if spelling is not None:
        if spelling.form == "module":
            return _leaf(run, External(spelling.name), args, keywords, frame, site)
        return emit_call(run, spelling, args, keywords, site)
    found = of_package(called(run, name, args, keywords, frame, site))
    if found is not MISSING:
        return found
    escape(run, value.name, [*args, *keywords.values()], site)
    return opaque(run, origin.Call(f"{value.name}()"), [*args, *keywords.values()], site)


def _leaf(run: Run, cls: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> ModuleV:
    module = new_module(run, cls, frame, site)
    with run.context.having(setup=True, constructing=True):
        build_leaf(run, module, cls, args, keywords, frame, site)
    return module


@register(GETATTR, External)
def external(run: Run, value: External, name: str, frame: Frame) -> Value:
    qualified = f"{value.name}.{name}"
    if qualified in CONSTANTS:
        return CONSTANTS[qualified]
    described = composite(run, value.name)
    if described is not MISSING:
        return get_attribute(run, described, name, frame)
    if name == "__name__":
        return value.name.rpartition(".")[2]
    if name in ("forward", "__init__") and (
        value.name in CONTAINERS or (value.name.startswith("torch.nn.") and ops.find(value.name) is not None)
    ):
        return unbound(name)
    if run.context.trying and torch_has(value.name, name) is False and not _is_known(run, qualified):
        raise Raised("AttributeError")
    if value.name == "string" and isinstance(text := getattr(string, name, None), str):
        return text
    if value.name == "math" and isinstance(constant := getattr(math, name, None), float):
        return constant
    return External(qualified)


def _is_known(run: Run, name: str) -> bool:
    return name in run.journal.patched or name in LIBRARY or ops.find(name) is not None


@register(GETATTR, Namespace)
def namespace(run: Run, value: Namespace, name: str, frame: Frame) -> Value:
    found = member(run, value, name)
    if found is not MISSING:
        return found
    if name == "__dict__":
        return value
    module = run.project.resolve(value.module, name, 1) if value.module.is_package else None
    if module is not None:
        return space_of(run, module)
    return Unknown(origin.Name(f"{value.module.name}.{name}"))


@register(SETATTR, External)
def patch(run: Run, target: External, name: str, value: Value, frame: Frame, site: Site) -> None:
    if run.budget.depth or not run.context.setup:  # a file's own statement would patch for one entry only
        run.journal.put(run.journal.patched, f"{target.name}.{name}", value)


@register(ITEM, External)
def item(run: Run, value: External, key: Value, frame: Frame, site: Site) -> Value:
    """Returns a class with its type arguments, which is that class."""
    return frame.scope.module if value.name == "sys.modules" and key == frame.scope.module.module.name else value


@register(TRUTH, External)
def truth(run: Run, value: External, frame: Frame, site: Site) -> bool | None:
    return value != GPU or run.context.world is GPU_WORLD


@register(CONTAINS, External)
def contains(run: Run, holder: External, item: Value, frame: Frame, site: Site) -> bool | None:
    if holder.name.endswith(".__dir__") and isinstance(item, str):
        return ops.find(holder.name.removesuffix("__dir__") + item) is not None
    return None


@register(SETATTR, Namespace)
def set_name(run: Run, target: Namespace, name: str, value: Value, frame: Frame, site: Site) -> None:
    set_member(run, target, name, value)


@register(ITEM, Namespace)
def name_item(run: Run, value: Namespace, key: Value, frame: Frame, site: Site) -> Value:
    if isinstance(key, str):
        return namespace(run, value, key, frame)
    return opaque(run, origin.Call("index of Namespace"), [value], site)


@register(SET_ITEM, Namespace)
def set_item(run: Run, holder: Namespace, key: Value, value: Value, frame: Frame, site: Site) -> None:
    if isinstance(key, str):
        set_member(run, holder, key, value)


@register(CONTAINS, Namespace)
def contains_name(run: Run, holder: Namespace, item: Value, frame: Frame, site: Site) -> bool | None:
    return member(run, holder, item) is not MISSING if isinstance(item, str) else None


@library("builtins.globals", takes="")
def globals_(call: Call) -> Value:
    return NamesV(call.frame.scope.module)


@register(ITEM, NamesV)
def listed_name(run: Run, names: NamesV, key: Value, frame: Frame, site: Site) -> Value:
    found = member(run, names.space, key) if isinstance(key, str) else MISSING
    return Unknown(origin.Name(str(key) if isinstance(key, str) else "globals()[…]")) if found is MISSING else found


@register(SET_ITEM, NamesV)
def set_listed(run: Run, names: NamesV, key: Value, value: Value, frame: Frame, site: Site) -> None:
    if isinstance(key, str):
        set_member(run, names.space, key, value)


@register(CONTAINS, NamesV)
def lists(run: Run, names: NamesV, key: Value, frame: Frame, site: Site) -> bool | None:
    return member(run, names.space, key) is not MISSING if isinstance(key, str) else None


@register(GETATTR, NamesV)
def mapping(run: Run, names: NamesV, name: str, frame: Frame) -> Value:
    def get(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        found = member(run, names.space, args[0]) if args and isinstance(args[0], str) else MISSING
        if found is not MISSING:
            return found
        return (
            (args[1] if len(args) > 1 else None) if args and isinstance(args[0], str) else Unknown(origin.Name("get"))
        )

    def update(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        given = args[0].items if args and isinstance(args[0], DictV) else {}
        for key, value in (*given.items(), *keywords.items()):
            if isinstance(key, str):
                set_member(run, names.space, key, value)
        return None

    match name:
        case "get":
            return BuiltinV("get", get)
        case "update":
            return BuiltinV("update", update)
        case _:
            return Unknown(origin.Call(f"globals().{name}()"))
