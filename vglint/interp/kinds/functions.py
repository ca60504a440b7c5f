"""Functions, and what they are bound to and wrapped in. What a function of the program does is walked in `syntax/functions`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from vglint import origin
from vglint.interp.machine.core import (
    Frame,
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
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    BuiltinV,
    ClassMethodV,
    CodeV,
    DictV,
    FunctionV,
    MethodV,
    ModuleV,
    PartialV,
    PropertyV,
    Site,
    StaticV,
    Value,
)
from vglint.source import code
from vglint.value import Unknown

CALLABLE = (FunctionV, MethodV, BuiltinV, PartialV)
WRAPPED = (StaticV, ClassMethodV, PropertyV)

declines((*CALLABLE, *WRAPPED, CodeV), SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)
declines(WRAPPED, GETATTR)
declines((CodeV,), CALL)


@register(CALL, MethodV)
def call_method(
    run: Run, method: MethodV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    given = [method.self, *args]
    if isinstance(method.self, ModuleV) and _is_forward_of_another(run, method.function, method.self):
        with run.context.having(modules_running=(*run.context.modules_running, method.self), guarded=False):
            return call(run, method.function, given, keywords, frame, site)
    return call(run, method.function, given, keywords, frame, site)


def _is_forward_of_another(run: Run, function: Value, module: ModuleV) -> bool:
    """Whether a model that runs calls the forward of one of its modules by name: what it does is that module's, as where it is called."""
    running = run.context.modules_running
    if not running or running[-1] is module or not isinstance(function, FunctionV) or function.name != "forward":
        return False
    found = find_in_mro(module.cls, "forward")
    return found is not None and found[0] is function


@register(CALL, BuiltinV)
def call_builtin(
    run: Run, builtin: BuiltinV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return builtin.call(run, args, keywords, frame, site)


@register(CALL, PartialV)
def call_partial(
    run: Run, partial: PartialV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return call(run, partial.function, [*partial.args, *args], {**partial.keywords, **keywords}, frame, site)


@register(CALL, StaticV, ClassMethodV)
def call_wrapped(
    run: Run, value: StaticV | ClassMethodV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return call(run, value.function, args, keywords, frame, site)


@register(CALL, PropertyV)
def call_property(
    run: Run, value: PropertyV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return Unknown(origin.Call("property"))


@register(GETATTR, FunctionV, MethodV, BuiltinV, PartialV)
def function(run: Run, value: Any, name: str, frame: Frame) -> Value:
    if isinstance(value, (FunctionV, BuiltinV)) and name in ("__name__", "__qualname__"):
        return value.name
    if name == "__func__" and isinstance(value, MethodV):
        return value.function
    if name == "__self__" and isinstance(value, MethodV):
        return value.self
    if name == "func" and isinstance(value, PartialV):
        return value.function
    if name == "args" and isinstance(value, PartialV):
        return value.args
    if name == "keywords" and isinstance(value, PartialV):
        return DictV(dict(value.keywords))
    if isinstance(value, MethodV):
        return get_attribute(run, value.function, name, frame)
    if isinstance(value, FunctionV):
        match name:
            case "__code__":
                return CodeV(value)
            case "__defaults__":
                params = value.node.parameters
                placed = {param.name for param in (*params.positional_only, *params.positional)}
                return tuple(each for of, each in value.defaults.items() if of in placed) or None
            case "__kwdefaults__":
                only = {param.name for param in value.node.parameters.keyword_only}
                named = {of: each for of, each in value.defaults.items() if of in only}
                return DictV(named) if named else None
            case "__globals__" | "__annotations__" | "__dict__":
                return DictV({}, complete=False)
            case "__doc__":
                return documented(value.node.body) if isinstance(value.node, code.Function) else None
            case "__closure__":
                return None
            case "__module__":
                return value.scope.module.module.name
            case _:
                pass
    return Unknown(origin.Member("a function", name))


def documented(body: Sequence[code.Statement]) -> Value:
    """Returns the text that a function or class begins with."""
    match body:
        case [code.Expr(value=code.Constant(value=str() as text)), *_]:
            return inspect.cleandoc(text)
        case _:
            return None


@register(GETATTR, CodeV)
def code_attribute(run: Run, value: CodeV, name: str, frame: Frame) -> Value:
    function = value.function
    params = function.node.parameters
    positional = [param.name for param in (*params.positional_only, *params.positional)]
    match name:
        case "co_varnames":
            return (*positional, *(param.name for param in params.keyword_only))
        case "co_argcount":
            return len(positional)
        case "co_name":
            return function.name
        case "co_flags":
            return 0
        case "co_filename":
            return function.unit.file
        case "replace":
            # What it changes is how the code is named and cached, not what it does.
            return BuiltinV("replace", lambda run, args, keywords, frame, site: value)
        case _:
            return Unknown(origin.Member("types.CodeType", name))
