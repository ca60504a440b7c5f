"""`functools` and `operator`: functions of functions, and their like in fastcore."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.calls import Call, library, method
from vglint.interp.machine.core import opaque
from vglint.interp.protocols.asking import item, items, operate
from vglint.interp.torch.modules import find_attribute
from vglint.interp.values.objects import FunctionV, MethodV, PartialV, Value, is_unknown


@library("functools.partial", "functools.partialmethod", takes="func, *args, **keywords")
def partial(call: Call) -> Value:
    return PartialV(call["func"], tuple(call.rest), call.others, call.last == "partialmethod")


@library("functools.reduce", takes="function, iterable, initial?")
def reduce(call: Call) -> Value:
    found = items(call, call["iterable"])
    if found.items is None or (not found.items and "initial" not in call):
        return opaque(call.run, origin.Length("reduce"), [found.item], call.site)
    total, *rest = [call["initial"], *found.items] if "initial" in call else found.items
    for each in rest:
        total = call.invoke(call["function"], total, each)
    return total


@library("functools.wraps", takes="wrapped, assigned=None, updated=None")
def wraps(call: Call) -> Value:
    return method("decorator", "function", lambda call: call["function"])


@library("functools.lru_cache", takes="maxsize=128, typed=False")
def lru_cache(call: Call) -> Value:
    """`lru_cache(f)`, or `lru_cache(maxsize=8)` above a definition."""
    given = call["maxsize"]
    return given if isinstance(given, FunctionV) else method("decorator", "function", lambda call: call["function"])


@library("functools.cache", takes="function")
def cache(call: Call) -> Value:
    return call["function"]


@library("functools.update_wrapper", takes="wrapper, wrapped, assigned=None, updated=None")
def update_wrapper(call: Call) -> Value:
    return call["wrapper"]


@library("types.MethodType", takes="function, instance")
def bound_method(call: Call) -> Value:
    return MethodV(call["function"], call["instance"])


# ---- operator

_SYMBOLS = {
    "add": "+",
    "concat": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "floordiv": "//",
    "matmul": "@",
    "mod": "%",
    "pow": "**",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "eq": "==",
    "ne": "!=",
    "iadd": "+",
    "iconcat": "+",
    "imul": "*",
}


@library(*(f"operator.{name}" for name in _SYMBOLS), takes="a, b")
def operator(call: Call) -> Value:
    return operate(call, _SYMBOLS[call.last], call["a"], call["b"])


@library("operator.getitem", takes="a, b")
def getitem(call: Call) -> Value:
    return item(call, call["a"], call["b"])


@library("operator.itemgetter", takes="item, *items")
def itemgetter(call: Call) -> Value:
    keys = call.args

    def get(call: Call) -> Value:
        found = [item(call, call["obj"], key) for key in keys]
        return found[0] if len(found) == 1 else tuple(found)

    return method("itemgetter", "obj", get)


@library("operator.attrgetter", takes="attr, *attrs")
def attrgetter(call: Call) -> Value:
    paths = call.args

    def get(call: Call) -> Value:
        found = [find_attribute(call.run, call["obj"], path, call.frame) for path in paths if isinstance(path, str)]
        return found[0] if len(found) == 1 else tuple(found)

    return method("attrgetter", "obj", get)


_FASTCORE = ("basics", "xtras", "foundation", "imports", "all")
"""Modules of fastcore that hand a name on by star imports."""


@library(*(f"fastcore.{home}.noop" for home in _FASTCORE), takes="x=None, *args, **options")
def noop(call: Call) -> Value:
    return call["x"]


@library(*(f"fastcore.{home}.ifnone" for home in _FASTCORE), takes="a, b")
def ifnone(call: Call) -> Value:
    if call["a"] is None:
        return call["b"]
    return call.unknown() if is_unknown(call["a"]) else call["a"]
