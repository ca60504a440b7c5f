"""Python's built-in functions."""

from __future__ import annotations

import re

from msgspec.structs import replace

from vglint import ops, origin
from vglint.interp.kinds import enums
from vglint.interp.kinds.supers import empty_object, set_plainly
from vglint.interp.kinds.tensors import call_method, size_at
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import LIBRARY, Raised, Run, block, evaluate
from vglint.interp.nodes.ranks import rank_of
from vglint.interp.protocols.asking import attribute, truth
from vglint.interp.protocols.attributes import delete_attribute, set_attribute
from vglint.interp.protocols.repeats import number_of
from vglint.interp.protocols.symbols import symbolic
from vglint.interp.protocols.texts import text_of
from vglint.interp.torch.containers import parts_of
from vglint.interp.torch.escapes import escape
from vglint.interp.torch.making import METHODS
from vglint.interp.torch.modules import register_unnamed
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    ArrayV,
    BuiltinV,
    ClassMethodV,
    ClassV,
    DictV,
    External,
    FunctionV,
    Instance,
    IteratorV,
    ListV,
    LoaderV,
    MethodV,
    ModuleV,
    PartialV,
    PropertyV,
    Scope,
    SetV,
    ShapeV,
    StaticV,
    SuperV,
    TensorV,
    Value,
    VersionV,
    is_tensor,
    is_unknown,
)
from vglint.ops import names
from vglint.source.unit import expression_unit, statement_unit
from vglint.value import Expr, Unknown, plus


@library("builtins.len", takes="obj")
def length(call: Call) -> Value:
    run, value = call.run, call["obj"]
    match value:
        case str() | range() | bytes():
            return len(value)
        case tuple():
            return number_of(value)
        case ListV():
            return number_of(value.items) if value.count is None else value.count
        case SetV() if any(
            isinstance(each, Unknown) and isinstance(each.origin, origin.Length) for each in value.items
        ):
            return Unknown(origin.Computed("len of a set"))
        case SetV() | ArrayV():
            return len(value.items)
        case DictV():
            return len(value.items) if value.complete else Unknown(origin.Computed("len of a dict"))
        case ModuleV():
            method = find_in_mro(value.cls, "__len__")
            if method is not None:
                return call.invoke(MethodV(method[0], value))
            return number_of(parts_of(value))
        case ShapeV():
            rank = rank_of(run, value.tensor)
            return plus(rank, -value.skip - value.cut) if isinstance(rank, Expr) else rank
        case VersionV():
            return len(value.numbers)
        case LoaderV():
            return Unknown(origin.Length("batches"))
        case Instance() if isinstance(value.cls, ClassV) and value.cls.frozen_kind == "namedtuple":
            return len(value.cls.fields or ())
        case ClassV() if value.frozen_kind == "enum":
            return len(enums.members(value))
        case Instance():
            method_ = attribute(call, value, "__len__")
            if not is_unknown(method_):
                return call.invoke(method_)
            return Unknown(origin.Computed(f"len({value.cls.name})"))
        case _ if is_tensor(value):
            return size_at(run, value, 0)
        case IteratorV():
            return len(value.items) if value.items is not None else value.count or Unknown(origin.Computed("len"))
        case Unknown():
            return Unknown(origin.of(value.origin, "len"))
        case _:
            return Unknown(origin.Computed("len"))


_NUMBERS: dict[str, Value] = {"int": 0, "float": 0.0, "str": "", "bool": False}


@library(*(f"builtins.{name}" for name in _NUMBERS))
def made_of_nothing(call: Call) -> Value:
    """`int()`, `float(x)`, `str(x)`, `int(text, 16)`."""
    return scalar(call) if call.args else _NUMBERS[call.last]


@library(
    *(f"builtins.{name}" for name in "abs ord chr hash repr hex bin".split()),
    takes="x",
)
def of_one(call: Call) -> Value:
    return scalar(call)


@library("builtins.round", takes="number, ndigits=None")
@library("builtins.pow", takes="base, exp, mod=None")
@library("builtins.divmod", takes="a, b")
@library("builtins.format", takes="value, format_spec?")
def scalar(call: Call) -> Value:
    run, args, kind = call.run, call.given, call.last
    value = args[0]
    if kind == "bool":
        known = truth(call, value)
        return Unknown(origin.Computed("bool")) if known is None else known
    if is_tensor(value):
        if isinstance(value, TensorV) and value.values is not None and len(value.values) == 1:
            value = value.values[0]
        elif kind in ("abs", "round"):
            return call_method(run, value, kind, [], {}, call.frame, call.site)
        elif kind in ("float", "int"):
            return call_method(run, value, "item", [], {}, call.frame, call.site)
        else:
            return Unknown(origin.Computed(f"{kind} of a tensor"))
    if isinstance(value, ArrayV) and len(value.items) == 1:
        value = value.items[0]
    if isinstance(value, Expr):
        return value if kind in ("int", "float", "abs", "round") else Unknown(origin.Computed(kind))
    if isinstance(value, Unknown):
        number = symbolic(value)
        return number if kind in ("int", "float") and number is not None else Unknown(origin.of(value.origin, kind))
    if kind == "str" and (shown := text_of(value)) is not None:
        return shown
    if kind in ("str", "repr") and isinstance(value, ClassV):
        return f"<class '{value.qualified}'>"
    if kind in ("str", "repr") and isinstance(value, External):
        is_class = value.name.rpartition(".")[2][:1].isupper()
        return f"<class '{value.name}'>" if is_class else Unknown(origin.Computed("text"))
    functions = {
        "int": int,
        "float": float,
        "str": str,
        "abs": abs,
        "round": round,
        "pow": pow,
        "divmod": divmod,
        "ord": ord,
        "chr": chr,
        "repr": repr,
        "hex": hex,
        "bin": bin,
        "format": format,
    }
    if kind in functions and all(isinstance(arg, (int, float, str, bool)) for arg in [value, *args[1:]]):
        try:
            if any(isinstance(arg, int) and abs(arg) > 64 for arg in args[1:]) and kind in ("pow", "round"):
                return Unknown(origin.Budget("large power"))
            if kind == "format" and re.search(r"\d{5}", str(args[1:])):
                return Unknown(origin.Budget("long text"))
            made: Value = functions[kind](value, *args[1:])  # type: ignore[operator]
            return made
        except (ValueError, TypeError, OverflowError, ZeroDivisionError):
            return Unknown(origin.Call(kind))
    return Unknown(origin.Computed(kind))


@library("builtins.getattr", takes="obj, name, default?")
def getattr_(call: Call) -> Value:
    obj, name = call["obj"], call["name"]
    if not isinstance(name, str):
        if isinstance(obj, ModuleV) and isinstance(name, Unknown):
            return Unknown(origin.Computed(f"getattr by {name.text}"))
        return Unknown(origin.Computed("getattr"))
    if "default" in call and is_tensor(obj) and _is_mark(call.run, obj, name):
        return call["default"]
    found, missing = _found(call, obj, name, raises="default" not in call)
    return call["default"] if missing and "default" in call else found


@library("builtins.hasattr", takes="obj, name")
def hasattr_(call: Call) -> Value:
    obj, name = call["obj"], call["name"]
    if not isinstance(name, str):
        return Unknown(origin.Computed("hasattr"))
    if isinstance(obj, External):
        return f"{obj.name}.{name}" in call.run.journal.patched or _library_has(obj.name, name)
    if is_tensor(obj) and _is_mark(call.run, obj, name):
        return False
    found, missing = _found(call, obj, name, raises=False)
    if missing:
        return False
    if isinstance(found, Unknown) and isinstance(obj, Unknown):
        return Unknown(origin.Computed(f"hasattr {name}"))
    return True


def _found(call: Call, obj: Value, name: str, *, raises: bool) -> tuple[Value, bool]:
    """Returns an attribute, and whether there is none."""
    if (
        isinstance(obj, External)
        and f"{obj.name}.{name}" not in call.run.journal.patched
        and _library_has(obj.name, name) is False
    ):
        return Unknown(origin.Member(obj.name, name)), True
    try:
        found = attribute(call, obj, name)
    except Raised as error:
        if error.name != "AttributeError" or raises:
            raise
        found = Unknown(origin.Member("", name))
    return found, isinstance(found, Unknown) and (isinstance(found.origin, origin.Member) or _lacks(obj, name))


@library("builtins.setattr", takes="obj, name, value")
def setattr_(call: Call) -> Value:
    obj, name, value = call["obj"], call["name"], call["value"]
    if isinstance(name, str):
        set_attribute(call.run, obj, name, value, call.frame, call.site)
    elif isinstance(obj, ModuleV) and isinstance(value, ModuleV):
        register_unnamed(call.run, value, call.site)
    return None


@library("builtins.delattr", takes="obj, name")
def delattr_(call: Call) -> Value:
    if isinstance(call["name"], str):
        delete_attribute(call.run, call["obj"], call["name"])
    return None


@library("builtins.vars", takes="object?")
def vars_(call: Call) -> Value:
    return attribute(call, call["object"], "__dict__") if isinstance(call.get("object"), Instance) else call.unknown()


@library("builtins.object.__setattr__", takes="self, name, value")
def plain_setattr(call: Call) -> Value:
    return set_plainly(call.run, call.args, call.frame, call.site)


@library("builtins.object.__new__", takes="cls, *args, **keywords")
def plain_new(call: Call) -> Value:
    cls = call["cls"]
    return empty_object(cls, call.site) if isinstance(cls, ClassV) else call.unknown()


_NATIVE: tuple[tuple[type, type], ...] = ((ListV, list), (DictV, dict), (SetV, set), (FunctionV, type(lambda: None)))


def _lacks(value: Value, attribute: str) -> bool:
    """Whether a value of one of Python's own types has no such attribute."""
    if isinstance(value, (int, str, float, type(None), tuple, range, slice, bytes)):
        return not hasattr(value, attribute)
    return any(isinstance(value, ours) and not hasattr(theirs, attribute) for ours, theirs in _NATIVE)


def _library_has(name: str, attribute: str) -> Value:
    if ops.find(f"{name}.{attribute}") is not None or f"{name}.{attribute}" in LIBRARY:
        return True
    if name == "torch.nn.Module":
        return attribute in METHODS or attribute in _OF_MODULES
    known = names.has(name, attribute)
    return Unknown(origin.Computed(f"hasattr({name}, {attribute})")) if known is None else known


def _is_mark(run: Run, tensor: Value, name: str) -> bool:
    """Whether an attribute is one that somebody may have left on a tensor; nobody did. What the entry is given may be more than a tensor."""
    if name.startswith("__") or names.has("torch.Tensor", name):
        return False
    return name.startswith("_") or (isinstance(tensor, TensorV) and run.graph.nodes[tensor.node].op != "input")


_OF_MODULES = frozenset("forward training dump_patches call_super_init state_dict load_state_dict compile".split())


@library("builtins.classmethod", takes="function")
def classmethod_(call: Call) -> Value:
    """`classmethod(f)`, called rather than written above a definition."""
    return ClassMethodV(call["function"])


@library("builtins.staticmethod", takes="function")
def staticmethod_(call: Call) -> Value:
    return StaticV(call["function"])


@library("builtins.property", takes="fget=None, fset=None, fdel=None, doc=None")
def property_(call: Call) -> Value:
    return PropertyV(call["fget"], call["fset"])


@library("builtins.callable", takes="obj")
def callable_(call: Call) -> Value:
    value = call["obj"]
    if is_unknown(value):
        return Unknown(origin.Computed("callable"))
    if type(value) is Instance:
        known = isinstance(value.cls, ClassV)
        return find_in_mro(value.cls, "__call__") is not None if known else Unknown(origin.Computed("callable"))
    return isinstance(value, (FunctionV, MethodV, BuiltinV, PartialV, ClassV, External, ModuleV))


@library("builtins.print")
def print_(call: Call) -> Value:
    return None


@library(
    *(f"builtins.{name}" for name in "id input open exit quit help locals compile".split()),
)
def not_followed(call: Call) -> Value:
    return Unknown(origin.Call(f"{call.last}()"))


@library("builtins.slice")
def slice_(call: Call) -> Value:
    return slice(*call.args) if 0 < len(call.args) <= 3 else call.unknown()


@library("builtins.super", takes="type, obj")
def super_(call: Call) -> Value:
    cls = call["type"]
    return SuperV(cls, call["obj"]) if isinstance(cls, ClassV) else Unknown(origin.Name("super"))


@library("builtins.object", takes="")
def object_(call: Call) -> Value:
    return Instance(External(call.name), {}, call.site)


@library("builtins.dir", takes="obj?")
def dir_(call: Call) -> Value:
    obj = call.get("obj")
    return External(obj.name + ".__dir__") if isinstance(obj, External) else Unknown(origin.Computed("dir"))


# ---- text that a program runs

_LONGEST = 1_000
"""Characters of a text that is followed."""


@library("builtins.exec", takes="object, globals?, locals?")
def exec_(call: Call) -> Value:
    """Executes statements that a known text holds where they stand; what an unknown one does is not known."""
    text, frame = call["object"], call.frame
    unit = statement_unit(frame.unit.file, text) if isinstance(text, str) and _is_followed(call, text) else None
    if unit is None:
        names = frame.scope.names
        held = [] if names is frame.scope.module.names else [*names.values()]
        escape(call.run, "exec", held, call.site)
        for value in held:
            if isinstance(value, ModuleV) and value is not frame.self_:
                register_unnamed(call.run, value, call.site)
        return call.run.graph.gap(origin.Call("exec()"), call.site)
    unit.place = call.site.unit.span(call.site.node)
    scope = frame.scope
    if scope.names is not scope.module.names:  # what it binds in a function, nobody can read
        scope = Scope({}, scope, scope.module)
    block(call.run, unit.body, replace(frame, scope=scope, unit=unit))
    return None


@library("builtins.eval", takes="source, globals?, locals?")
def eval_(call: Call) -> Value:
    """Returns the value of an expression that a known text holds."""
    text = call["source"]
    made = expression_unit(call.frame.unit.file, text) if isinstance(text, str) and _is_followed(call, text) else ""
    if isinstance(made, str):
        return Unknown(origin.Call("eval()"))
    unit, node = made
    unit.place = call.site.unit.span(call.site.node)
    return evaluate(call.run, node, replace(call.frame, unit=unit))


def _is_followed(call: Call, text: str) -> bool:
    """Whether a text is short, has no names of its own, and is not run by another one."""
    alone = "globals" not in call and "locals" not in call
    return alone and len(text) <= _LONGEST and call.frame.unit.place is None
