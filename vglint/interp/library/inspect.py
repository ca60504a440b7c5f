"""`inspect`: what a callable takes, and what a class holds under a name."""

from __future__ import annotations

from collections.abc import Iterator

from vglint import ops, origin
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import CONSTANTS, Frame, Run, evaluate
from vglint.interp.machine.names import namespace as space_of
from vglint.interp.torch.leaves import is_module_class
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    ClassV,
    DictV,
    External,
    FunctionV,
    Instance,
    ListV,
    MethodV,
    OpaqueV,
    PartialV,
    Scope,
    Site,
    Value,
)
from vglint.ops.spec import REQUIRED
from vglint.source import code
from vglint.source.module import Module
from vglint.value import Unknown

EMPTY = External("inspect.Parameter.empty")
CONSTANTS.update({"inspect._empty": EMPTY, "inspect.Signature.empty": EMPTY})


@library("inspect.signature", takes="callable, *, follow_wrapped=True, globals=None, locals=None, eval_str=False")
@library("inspect.getfullargspec", takes="callable")
def signature(call: Call) -> Value:
    parameters = _parameters(call["callable"], call.site)
    if parameters is None:
        return Unknown(origin.Call(call.name))
    plain: list[Value] = [name for name, each in parameters.items() if each.attrs["kind"] == _kind("ORDINARY")]
    return Instance(External(call.name), {"parameters": DictV(dict(parameters)), "args": ListV(plain)}, call.site)


_KINDS: dict[str, tuple[type, ...]] = {
    "inspect.isfunction": (FunctionV,),
    "inspect.isclass": (ClassV,),
    "inspect.ismethod": (MethodV,),
}


@library(*_KINDS, takes="object")
def is_of_kind(call: Call) -> Value:
    """What a library defines is a class where a module of torch has its name, and not known to be anything else."""
    value = call["object"]
    if isinstance(value, (Unknown, OpaqueV)):
        return Unknown(origin.Computed(call.name))
    if isinstance(value, External):
        spelling = ops.find(value.name)
        is_class = is_module_class(value) or (spelling is not None and spelling.form == "module")
        return call.name == "inspect.isclass" if is_class else Unknown(origin.Computed(call.name))
    return isinstance(value, _KINDS[call.name])


@library("inspect.getattr_static", takes="obj, attr, default?")
def held_in_class(call: Call) -> Value:
    """What a class holds under a name, without the descriptor protocol."""
    cls, name = call["obj"], call["attr"]
    if isinstance(cls, ClassV) and isinstance(name, str):
        found = find_in_mro(cls, name)
        if found is not None:
            return found[0]
        if "default" in call and all(isinstance(base, ClassV) for base in cls.mro):
            return call["default"]
    return Unknown(origin.Call(call.name))


@library("inspect.get_annotations", takes="obj, *, globals=None, locals=None, eval_str=False")
@library("typing.get_type_hints", takes="obj, globalns=None, localns=None, include_extras=False")
def hints(call: Call) -> Value:
    """What a class annotates: in its own body, and with `get_type_hints` in those of its bases too."""
    cls = call["obj"]
    if not isinstance(cls, ClassV):
        return Unknown(origin.Call(call.name))
    classes = [cls] if call.name.startswith("inspect") else [each for each in cls.mro if isinstance(each, ClassV)]
    found: dict[Value, Value] = {}
    for each in reversed(classes):
        found.update(_annotated(call.run, each))
    return DictV(found, complete=len(classes) == 1 or len(classes) == len(cls.mro))


def _annotated(run: Run, cls: ClassV) -> Iterator[tuple[str, Value]]:
    module = run.project.module(cls.unit.file) if cls.node is not None else None
    if cls.node is None or not isinstance(module, Module):
        return
    frame = Frame(Scope({}, None, space_of(run, module)), cls.unit, None)
    for statement in cls.node.body:
        match statement:
            case code.Annotated(target=code.Name(id=name), annotation=annotation):
                yield name, evaluate(run, annotation, frame)
            case _:
                pass


def _parameters(function: Value, site: Site) -> dict[str, Instance] | None:
    """Returns the parameters by name; None where they are not known."""
    if isinstance(function, MethodV):
        return _without_first(_parameters(function.function, site))
    if isinstance(function, PartialV):
        inner = _parameters(function.function, site)
        return None if inner is None else dict(list(inner.items())[len(function.args) :])
    if isinstance(function, ClassV):
        found = find_in_mro(function, "__init__")
        return _without_first(_parameters(found[0], site)) if found is not None else None
    if isinstance(function, FunctionV):
        return _written(function, site)
    listed = ops.find(ops.canonical(function.name)) if isinstance(function, External) else None
    if listed is None:
        return None
    return {
        arg.name: _parameter(arg.name, EMPTY if arg.default is REQUIRED else arg.default, "ORDINARY", site)  # type: ignore[arg-type]
        for arg in listed.args
    }


def _without_first(parameters: dict[str, Instance] | None) -> dict[str, Instance] | None:
    return None if parameters is None else dict(list(parameters.items())[1:])


def _written(function: FunctionV, site: Site) -> dict[str, Instance]:
    params = function.plain.node.parameters
    named = [(each, "ORDINARY") for each in (*params.positional_only, *params.positional)]
    if params.rest is not None:
        named.append((params.rest, "VAR_POSITIONAL"))
    named += [(each, "KEYWORD_ONLY") for each in params.keyword_only]
    if params.others is not None:
        named.append((params.others, "VAR_KEYWORD"))
    return {
        each.name: _parameter(each.name, function.defaults.get(each.name, EMPTY), kind, site) for each, kind in named
    }


def _parameter(name: str, default: Value, kind: str, site: Site) -> Instance:
    return Instance(
        External("inspect.Parameter"),
        {"name": name, "default": default, "kind": _kind(kind), "annotation": EMPTY},
        site,
    )


def _kind(name: str) -> External:
    return External(f"inspect.Parameter.{'POSITIONAL_OR_KEYWORD' if name == 'ORDINARY' else name}")
