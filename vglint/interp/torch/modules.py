"""`nn.Module`: building, attributes, registration, and what runs when one is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vglint import origin
from vglint.interp.machine.core import (
    Frame,
    Raised,
    Run,
    call,
    get_attribute,
    opaque,
    register,
)
from vglint.interp.machine.questions import CALL, COMPARE, GETATTR, SETATTR, TRUTH, declines
from vglint.interp.nodes.emit import in_loop
from vglint.interp.nodes.operations import emit_call
from vglint.interp.torch.containers import register_all, run_sequential
from vglint.interp.torch.fixed_inputs import note_call, size_arguments
from vglint.interp.torch.leaves import (
    CONTAINERS,
    _module_spelling,
    build_leaf,
    leaf_base,
    leaf_method,
    nested_leaf_attribute,
)
from vglint.interp.torch.making import METHODS, as_buffer, base_method
from vglint.interp.torch.passes import passed
from vglint.interp.values.classes import class_name, find_in_mro, is_container
from vglint.interp.values.objects import (
    BuiltinV,
    ClassMethodV,
    ClassV,
    DictV,
    External,
    FunctionV,
    Instance,
    MethodV,
    ModuleV,
    ParamV,
    PartialV,
    PropertyV,
    Site,
    StaticV,
    TensorV,
    Value,
    is_tensor,
)
from vglint.value import Unknown

declines((ModuleV,), COMPARE)


@register(CALL, ModuleV)
def call_module(
    run: Run, module: ModuleV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Runs a module: the forward of its class, torch's own op, or its children in order."""
    forward = module.attrs.get("forward") or _method(module, "forward")
    run.journal.set_field(module, "called", module.called + 1)
    if run.context.modules_running and not run.context.setup:
        note_call(run, module, args, keywords)
    if (
        not run.context.training_code
        or run.context.setup
        or run.graph.passes.under_way
        or (forward is None and not is_sequential(module))
    ):
        return _hooked(run, module, args, _called(run, module, forward, args, keywords, frame, site), frame, site)
    size_arguments(run, module, args, keywords)
    with passed(run, module) as this:
        this.result = _hooked(
            run, module, args, _called(run, module, forward, args, keywords, frame, site), frame, site
        )
    return this.result


def add_hook(run: Run, module: ModuleV, hook: Value) -> None:
    """Has a function of the program called with each result of a module."""
    if isinstance(hook, (FunctionV, MethodV)):
        run.journal.set_field(module, "hooks", (*module.hooks, hook))


def _hooked(run: Run, module: ModuleV, args: list[Value], result: Value, frame: Frame, site: Site) -> Value:
    """Calls the forward hooks of a module in turn: what one returns that is not None takes the result's place."""
    for hook in module.hooks:
        answer = call(run, hook, [module, tuple(args), result], {}, frame, site)
        result = result if answer is None else answer
    return result


def is_sequential(module: ModuleV) -> bool:
    """Whether a module runs its children in order."""
    base = leaf_base(module.cls)
    return base is not None and base.name == "torch.nn.Sequential"


def _called(
    run: Run,
    module: ModuleV,
    forward: Value,
    args: list[Value],
    keywords: dict[str, Value],
    frame: Frame,
    site: Site,
) -> Value:
    running = (*run.context.modules_running, module)
    if forward is not None:
        bound: Value = forward
        if isinstance(forward, FunctionV) and "forward" not in module.attrs:
            bound = MethodV(forward, module)
        elif isinstance(forward, StaticV):
            bound = forward.function
        with run.context.having(modules_running=running, guarded=False):
            return call(run, bound, args, keywords, frame, site)
    if is_sequential(module):
        with run.context.having(modules_running=running):
            return run_sequential(run, module, args, frame, site)
    if module.spelling is not None:
        return emit_call(run, module.spelling, args, keywords, site, signature=module.spelling.forward, leaf=module)
    dunder = _method(module, "__call__")
    if dunder is not None:
        return call(run, MethodV(dunder, module), args, keywords, frame, site)
    return opaque(run, origin.Call(f"forward of {class_name(module.cls)}"), [*args, *keywords.values()], site)


def _method(module: Instance, name: str) -> Value:
    """Returns a method that a class of the user's defines (torch's own bases end the search)."""
    if not isinstance(module.cls, ClassV):
        return None
    for base in module.cls.mro:
        if isinstance(base, ClassV) and name in base.names:
            return base.names[name]
        if (
            isinstance(base, External)
            and name == "forward"
            and (_module_spelling(base.name) or base.name in CONTAINERS)
        ):
            return None
    return None


def bind_attribute(run: Run, value: Value, instance: Value, frame: Frame, owner: Value) -> Value:
    """Applies the descriptor protocol to something found in a class."""
    match value:
        case FunctionV() | BuiltinV():
            return MethodV(value, instance)
        case PropertyV():
            return call(run, MethodV(value.getter, instance), [], {}, frame, _here(frame))
        case Instance() if (get := find_in_mro(value.cls, "__get__")) is not None:
            cls = instance.cls if isinstance(instance, Instance) else owner
            return call(run, MethodV(get[0], value), [instance, cls], {}, frame, _here(frame))
        case PartialV(method=True):
            return PartialV(MethodV(value.function, instance), value.args, value.keywords)
        case StaticV():
            return value.function
        case ClassMethodV():
            return MethodV(value.function, instance.cls if isinstance(instance, Instance) else instance)
        case _:
            return value


def _here(frame: Frame) -> Site:
    return Site(frame.unit, frame.unit.head)


def _attribute_by_name(module: ModuleV) -> Callable[..., Value]:
    def get(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        if len(args) == 1 and isinstance(args[0], str):
            return get_attribute(run, module, args[0], frame)
        return Unknown(origin.Computed("getattr"))

    return get


_OF_ANY = frozenset("parameters named_parameters requires_grad_".split())
"""Methods that mean something for the parts that a program gives to a model of a library."""


_OF_OTHERS = frozenset({"init_weights", "post_init"})
"""Methods that base classes of other libraries bring, and torch's do not."""


def _is_all_known(cls: ClassV | External) -> bool:
    """Whether a class has no base but those of the program, of torch and of Python."""
    bases = cls.mro if isinstance(cls, ClassV) else (cls,)
    known = ("torch.nn.", "builtins.", "abc.", "typing.")
    return all(
        isinstance(each, ClassV) or (isinstance(each, External) and each.name.startswith(known)) for each in bases
    )


@register(GETATTR, ModuleV)
def module_attribute(run: Run, module: ModuleV, name: str, frame: Frame) -> Value:
    found = find_in_mro(module.cls, name)
    if found is not None and is_asked_first(found[0]):
        return bind_attribute(run, found[0], module, frame, found[1])
    for table in (module.attrs, module.parameters, module.buffers, module.modules):
        if name in table:
            return table[name]
    if found is not None:
        return bind_cached(run, found[0], module, name, frame, found[1])
    if module.opaque and name not in _OF_ANY:
        return Unknown(origin.Computed(f"{class_name(module.cls)}.{name}"))
    if name in ("__getattr__", "__getattribute__"):
        return BuiltinV(name, _attribute_by_name(module))
    if name == "__call__" or (name == "forward" and (module.spelling is not None or leaf_base(module.cls) is not None)):
        return BuiltinV(
            name, lambda run, args, keywords, frame, site: call_module(run, module, args, keywords, frame, site)
        )
    if name in module.config:
        absent = name == "bias" and module.config[name] is False and "weight" in module.parameters
        return None if absent else module.config[name]  # a recurrent layer's `bias` is a bool, another's a parameter
    if name == "training":
        kept = not run.context.training_code or run.context.modules_running or not in_loop(run)
        return not module.evaluating if kept else Unknown(origin.Computed("training"))  # as the turn before left it
    if name == "__class__":
        return module.cls
    if name == "__dict__":
        tables = {"_parameters": module.parameters, "_buffers": module.buffers, "_modules": module.modules}
        return DictV(
            {**module.attrs, **{key: DictV(table) for key, table in tables.items()}, "training": not module.evaluating}
        )
    if name in ("_modules", "_parameters", "_buffers"):
        return DictV({"_modules": module.modules, "_parameters": module.parameters, "_buffers": module.buffers}[name])
    if (own := leaf_method(module, name) or base_method(module.cls, name)) is not None:
        return MethodV(own, module)
    if name in METHODS and not (name in _OF_OTHERS and _is_all_known(module.cls)):
        return MethodV(METHODS[name], module)
    if module.spelling is not None and name in ("weight", "bias", "out_proj", "in_proj_weight", "in_proj_bias"):
        return nested_leaf_attribute(module, name)
    for base in module.cls.mro if isinstance(module.cls, ClassV) else (module.cls,):
        if isinstance(base, External) and f"{base.name}.{name}" in run.journal.patched:
            return bind_attribute(run, run.journal.patched[f"{base.name}.{name}"], module, frame, base)
    fallback = find_in_mro(module.cls, "__getattr__")
    if fallback is not None:
        try:
            return call(run, MethodV(fallback[0], module), [name], {}, frame, _here(frame))
        except Raised as error:
            if error.name != "AttributeError":
                raise
    return Unknown(origin.Member(class_name(module.cls), name))


def set_property(run: Run, target: Instance, name: str, value: Value, frame: Frame, site: Site) -> bool:
    """Sets a property of an object's class; returns whether the name is one."""
    found = find_in_mro(target.cls, name)
    if found is None:
        return False
    attribute = found[0]
    if isinstance(attribute, Instance) and (setter := find_in_mro(attribute.cls, "__set__")) is not None:
        call(run, MethodV(setter[0], attribute), [target, value], {}, frame, site)
        return True
    if not isinstance(attribute, PropertyV) or attribute.cached:
        return False
    if attribute.setter is not None:
        call(run, MethodV(attribute.setter, target), [value], {}, frame, site)
    elif not isinstance(target, ModuleV):
        raise Raised("AttributeError", None, site)
    return True


def is_asked_first(attribute: Value) -> bool:
    """Whether something that a class holds is asked for an attribute before the object itself: a property, a descriptor that sets."""
    if isinstance(attribute, PropertyV):
        return not attribute.cached
    return isinstance(attribute, Instance) and find_in_mro(attribute.cls, "__set__") is not None


def bind_cached(run: Run, attribute: Value, instance: Instance, name: str, frame: Frame, owner: Value) -> Value:
    """Binds what a class holds, and keeps what a cached property computes in the object."""
    made = bind_attribute(run, attribute, instance, frame, owner)
    if isinstance(attribute, PropertyV) and attribute.cached:
        run.journal.put(instance.attrs, name, made)
    return made


@register(SETATTR, ModuleV)
def set_module_attribute(run: Run, target: ModuleV, name: str, value: Value, frame: Frame, site: Site) -> None:
    if not set_property(run, target, name, value, frame, site):
        _register_child(run, target, name, value, site)


@register(TRUTH, ModuleV)
def truth(run: Run, value: ModuleV, frame: Frame, site: Site) -> bool | None:
    return bool(value.modules) or None if is_container(value) else True


def register_unnamed(run: Run, value: Value, site: Site) -> None:
    """Registers a child under a name that is not known: it has no path, but its parameters are the model's."""
    run.graph.gap(origin.Computed("name of a registered module"), site)
    register_all(run, value)


def _register_child(run: Run, module: ModuleV, name: str, value: Value, site: Site) -> None:
    if isinstance(value, TensorV) and name in module.parameters:
        return  # torch refuses all but the parameter itself, which `.to(device)` and its like give back where nothing is to be done
    tables: tuple[dict[str, Any], ...] = (module.modules, module.parameters, module.buffers, module.attrs)
    home: dict[str, Any] = module.attrs
    if isinstance(value, ModuleV):
        home = module.modules
    elif isinstance(value, ParamV):
        home = (
            module.buffers
            if value.buffer and name in module.buffers
            else module.parameters
            if not value.buffer
            else module.attrs
        )
    elif is_tensor(value) and name in module.buffers:
        home = module.buffers
        value = as_buffer(run, value, name, site)
    elif isinstance(value, TensorV) and run.context.setup:
        run.graph.labels.setdefault((value.node, value.pick), name)
    elif value is None and name in module.modules:
        home = module.modules
    if name == "bias" and isinstance(module.config.get(name), bool):
        run.journal.put(module.config, name, isinstance(value, ParamV))
    for table in tables:
        if table is not home and name in table:
            run.journal.drop(table, name)
    run.journal.put(home, name, value)


def torch_base_attribute(run: Run, module: ModuleV, name: str, frame: Frame) -> Value:
    base = leaf_base(module.cls)
    if (of_library := base_method(module.cls, name)) is not None:
        return MethodV(of_library, module)
    if name == "__init__":

        def initialise(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
            if base is not None:
                build_leaf(run, module, base, args, keywords, frame, site)
            return None

        return BuiltinV("__init__", initialise)
    if name in ("forward", "__call__") and base is not None:

        def forward(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
            if base.name == "torch.nn.Sequential":
                return run_sequential(run, module, args, frame, site)
            if module.spelling is None:
                return opaque(run, origin.Call(f"forward of {base.name}"), args, site)
            return emit_call(run, module.spelling, args, keywords, site, signature=module.spelling.forward, leaf=module)

        return BuiltinV("forward", forward)
    if name == "__getattr__":
        return BuiltinV(
            "__getattr__",
            lambda run, args, keywords, frame, site: Unknown(origin.Member("", args[0] if args else "")),
        )
    if (own := leaf_method(module, name)) is not None:
        return MethodV(own, module)
    if name in METHODS:
        return MethodV(METHODS[name], module)
    return BuiltinV(
        f"super().{name}",
        lambda run, args, keywords, frame, site: opaque(run, origin.Member("super()", name), args, site),
    )


def children_of(module: ModuleV) -> list[tuple[str, ModuleV]]:
    return [(name, child) for name, child in module.modules.items() if isinstance(child, ModuleV)]


def walk(module: ModuleV) -> list[tuple[str, ModuleV]]:
    """Returns what `named_modules()` yields."""
    seen: set[int] = set()
    found: list[tuple[str, ModuleV]] = []
    waiting = [("", module)]
    while waiting:
        prefix, each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        found.append((prefix, each))
        waiting += [
            (f"{prefix}.{name}" if prefix else name, child) for name, child in reversed(list(children_of(each)))
        ]
    return found


def find_attribute(run: Run, value: Value, path: str, frame: Frame) -> Value:
    """Follows a dotted path of attributes."""
    for name in path.split("."):
        if not name:
            continue
        value = (
            value.modules[name]
            if isinstance(value, ModuleV) and name in value.modules
            else get_attribute(run, value, name, frame)
        )
    return value
