"""`inspect`: what a callable takes, and what a class holds under a name."""

from __future__ import annotations

from vglint import ops, origin
from vglint.interp.machine.core import CONSTANTS, LIBRARY, Frame, Run, register
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    ClassV,
    DictV,
    External,
    FunctionV,
    Instance,
    ListV,
    MethodV,
    PartialV,
    Site,
    Value,
)
from vglint.ops.spec import REQUIRED
from vglint.value import Unknown

EMPTY = External("inspect.Parameter.empty")
CONSTANTS.update({"inspect._empty": EMPTY, "inspect.Signature.empty": EMPTY})


@register(LIBRARY, "inspect.signature", "inspect.getfullargspec")
def signature(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    parameters = _parameters(args[0] if args else None, site)
    if parameters is None:
        return Unknown(origin.Call(which.name))
    plain: list[Value] = [name for name, each in parameters.items() if each.attrs["kind"] == _kind("ORDINARY")]
    return Instance(which, {"parameters": DictV(dict(parameters)), "args": ListV(plain)}, site)


@register(LIBRARY, "inspect.getattr_static")
def held_in_class(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """What a class holds under a name, without the descriptor protocol."""
    if len(args) >= 2 and isinstance(args[0], ClassV) and isinstance(args[1], str):
        found = find_in_mro(args[0], args[1])
        if found is not None:
            return found[0]
        if len(args) > 2 and all(isinstance(base, ClassV) for base in args[0].mro):
            return args[2]
    return Unknown(origin.Call(which.name))


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
