"""`copy`: what shares nothing with the original, and what shares all."""

from __future__ import annotations

from msgspec.structs import replace

from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import Run
from vglint.interp.values.objects import (
    DictV,
    Instance,
    ListV,
    MethodV,
    ModuleV,
    ParamV,
    ParamView,
    RepeatV,
    SetV,
    Value,
)


@library("copy.deepcopy", takes="x, memo=None")
def deepcopy(call: Call) -> Value:
    return duplicate(call["x"], {}, call.run)


@library("copy.copy", takes="x")
def copy(call: Call) -> Value:
    match call["x"]:
        case ListV() as value:
            return ListV(list(value.items), value.count, value.loop)
        case DictV() as value:
            return DictV(dict(value.items), value.default, value.complete, value.mixed)
        case SetV() as value:
            return SetV(list(value.items))
        case value if type(value) is Instance:
            return Instance(value.cls, dict(value.attrs), value.origin, value.entries)
        case value:
            return value


def duplicate(value: Value, memo: dict[int, Value], run: Run | None = None) -> Value:
    """Returns a copy that shares nothing that can change; distributions of parameters are kept."""
    if id(value) in memo:
        return memo[id(value)]
    if run is not None:
        run.budget.tick()
    match value:
        case ListV():
            listed = memo[id(value)] = ListV([], value.count, value.loop)
            listed.items = [duplicate(item, memo, run) for item in value.items]
            return listed
        case DictV():
            named = memo[id(value)] = DictV({}, value.default, value.complete, value.mixed)
            named.items = {key: duplicate(item, memo, run) for key, item in value.items.items()}
            return named
        case SetV():
            return SetV(list(value.items))
        case tuple():
            copied = tuple(duplicate(item, memo, run) for item in value)
            memo[id(value)] = copied
            return copied
        case RepeatV():
            return RepeatV(tuple(duplicate(item, memo, run) for item in value.items), value.count, value.loop)
        case ModuleV():
            made = memo[id(value)] = ModuleV(value.cls, {}, value.origin)
            if run is not None:
                run.graph.modules.append(made)
                made.region = run.graph.region
            made.spelling, made.opaque, made.in_forward = value.spelling, value.opaque, value.in_forward
            made.config, made.loops = dict(value.config), dict(value.loops)
            made.unnamed, made.parametrised, made.view = value.unnamed, value.parametrised, value.view
            for table in ("attrs", "modules", "parameters", "buffers"):
                setattr(made, table, {name: duplicate(item, memo, run) for name, item in getattr(value, table).items()})
            return made
        case Instance():
            instance = memo[id(value)] = Instance(value.cls, {}, value.origin)
            entries = None if value.entries is None else duplicate(value.entries, memo, run)
            instance.entries = entries if isinstance(entries, (DictV, ListV)) else None
            instance.attrs = {name: duplicate(item, memo, run) for name, item in value.attrs.items()}
            return instance
        case ParamV():
            param = ParamV(value.shape, value.init, value.trainable, value.buffer, value.origin, None, value.name)
            param.frozen = value.frozen
            memo[id(value)] = param
            return param
        case ParamView():
            copied_param = duplicate(value.param, memo, run)
            return replace(value, param=copied_param) if isinstance(copied_param, ParamV) else value
        case MethodV():
            return MethodV(value.function, duplicate(value.self, memo, run))
        case _:
            return value
