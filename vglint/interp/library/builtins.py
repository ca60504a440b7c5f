"""Python's built-in functions."""

from __future__ import annotations

import re

from vglint import ops, origin
from vglint.interp.kinds.tensors import call_method, size_at
from vglint.interp.machine.core import LIBRARY, Frame, Raised, Run, call, get_attribute, opaque, register
from vglint.interp.nodes.ranks import rank_of
from vglint.interp.protocols.attributes import set_attribute
from vglint.interp.protocols.comparison import truth
from vglint.interp.protocols.repeats import number_of
from vglint.interp.protocols.symbols import symbolic
from vglint.interp.protocols.texts import text_of
from vglint.interp.torch.containers import parts_of
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
    SetV,
    ShapeV,
    Site,
    StaticV,
    SuperV,
    TensorV,
    Value,
    VersionV,
    is_tensor,
    is_unknown,
)
from vglint.ops import names
from vglint.value import Expr, Unknown, plus


@register(LIBRARY, "builtins.len")
def length(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    value = args[0] if args else None
    match value:
        case str() | range() | bytes():
            return len(value)
        case tuple():
            return number_of(value)
        case ListV():
            return number_of(value.items) if value.count is None else value.count
        case SetV() | ArrayV():
            return len(value.items)
        case DictV():
            return len(value.items) if value.complete else Unknown(origin.Computed("len of a dict"))
        case ModuleV():
            method = find_in_mro(value.cls, "__len__")
            if method is not None:
                return call(run, MethodV(method[0], value), [], {}, frame, site)
            return number_of(parts_of(value))
        case ShapeV():
            rank = rank_of(run, value.tensor)
            return plus(rank, -value.skip - value.cut) if isinstance(rank, Expr) else rank
        case VersionV():
            return len(value.numbers)
        case LoaderV():
            return Unknown(origin.Computed(f"len({value.name})"))
        case Instance():
            method_ = get_attribute(run, value, "__len__", frame)
            if not is_unknown(method_):
                return call(run, method_, [], {}, frame, site)
            return Unknown(origin.Computed(f"len({value.cls.name})"))
        case _ if is_tensor(value):
            return size_at(run, value, 0)
        case IteratorV():
            return len(value.items) if value.items is not None else value.count or Unknown(origin.Computed("len"))
        case Unknown():
            return Unknown(origin.of(value.origin, "len"))
        case _:
            return Unknown(origin.Computed("len"))


@register(
    LIBRARY,
    "builtins.int",
    "builtins.float",
    "builtins.str",
    "builtins.bool",
    "builtins.abs",
    "builtins.round",
    "builtins.pow",
    "builtins.divmod",
    "builtins.ord",
    "builtins.chr",
    "builtins.hash",
    "builtins.repr",
    "builtins.format",
    "builtins.hex",
    "builtins.bin",
)
def scalar(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    kind = which.name.rpartition(".")[2]
    if not args:
        empty: dict[str, Value] = {"int": 0, "float": 0.0, "str": "", "bool": False}
        return empty.get(kind)
    value = args[0]
    if kind == "bool":
        known = truth(run, value, frame, site)
        return Unknown(origin.Computed("bool")) if known is None else known
    if is_tensor(value):
        if isinstance(value, TensorV) and value.values is not None and len(value.values) == 1:
            value = value.values[0]
        elif kind in ("abs", "round"):
            return call_method(run, value, kind, [], {}, frame, site)
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


@register(LIBRARY, "builtins.getattr", "builtins.hasattr", "builtins.setattr", "builtins.delattr")
def attribute_access(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    kind = which.name.rpartition(".")[2]
    if len(args) < 2 or not isinstance(args[1], str):
        if (
            kind == "getattr"
            and args
            and isinstance(args[0], ModuleV)
            and len(args) > 1
            and isinstance(args[1], Unknown)
        ):
            return Unknown(origin.Computed(f"getattr by {args[1].text}"))
        if kind == "setattr" and len(args) == 3 and isinstance(args[0], ModuleV) and isinstance(args[2], ModuleV):
            register_unnamed(run, args[2], site)
        return Unknown(origin.Computed(kind))
    if kind == "setattr":
        set_attribute(run, args[0], args[1], args[2] if len(args) > 2 else None, frame, site)
        return None
    if kind == "delattr":
        return None
    if isinstance(args[0], External) and kind == "hasattr":
        return f"{args[0].name}.{args[1]}" in run.patched or _library_has(args[0].name, args[1])
    if (kind == "hasattr" or len(args) > 2) and is_tensor(args[0]) and _is_mark(run, args[0], args[1]):
        return False if kind == "hasattr" else args[2]
    try:
        found = get_attribute(run, args[0], args[1], frame)
    except Raised as error:
        if error.name != "AttributeError" or (kind == "getattr" and len(args) < 3):
            raise
        found = Unknown(origin.Member("", args[1]))
    missing = (isinstance(found, Unknown) and isinstance(found.origin, origin.Member)) or (
        isinstance(found, Unknown) and _lacks(args[0], args[1])
    )
    if kind == "hasattr":
        if missing:
            return False
        if isinstance(found, Unknown) and isinstance(args[0], Unknown):
            return Unknown(origin.Computed(f"hasattr {args[1]}"))
        return True
    return args[2] if missing and len(args) > 2 else found


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


@register(LIBRARY, "builtins.classmethod", "builtins.staticmethod", "builtins.property")
def descriptor(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """`classmethod(f)`, called rather than written above a definition."""
    given = [*args, *keywords.values()]
    match which.name.rpartition(".")[2]:
        case "classmethod":
            return ClassMethodV(given[0]) if given else Unknown(origin.Computed("classmethod"))
        case "staticmethod":
            return StaticV(given[0]) if given else Unknown(origin.Computed("staticmethod"))
        case _:
            return PropertyV(
                args[0] if args else keywords.get("fget"), args[1] if len(args) > 1 else keywords.get("fset")
            )


@register(LIBRARY, "builtins.callable")
def callable_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    value = args[0] if args else None
    if is_unknown(value):
        return Unknown(origin.Computed("callable"))
    return isinstance(value, (FunctionV, MethodV, BuiltinV, PartialV, ClassV, External, ModuleV))


@register(
    LIBRARY,
    "builtins.print",
    "builtins.id",
    "builtins.vars",
    "builtins.input",
    "builtins.open",
    "builtins.exit",
    "builtins.quit",
    "builtins.help",
    "builtins.locals",
    "builtins.eval",
    "builtins.exec",
    "builtins.compile",
)
def silent(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if which.name == "builtins.print":
        return None
    return opaque(run, origin.Call(which.name[9:] + "()"), [], site)


@register(LIBRARY, "builtins.globals")
def globals_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return frame.scope.module


@register(LIBRARY, "builtins.slice")
def slice_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return slice(*args) if 0 < len(args) <= 3 else Unknown(origin.Computed("slice"))


@register(LIBRARY, "builtins.super")
def super_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if len(args) == 2 and isinstance(args[0], ClassV):
        return SuperV(args[0], args[1])
    return Unknown(origin.Name("super"))


@register(LIBRARY, "builtins.object")
def object_(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return Instance(which, {}, site)


@register(LIBRARY, "builtins.dir")
def dir_(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if args and isinstance(args[0], External):
        return External(args[0].name + ".__dir__")
    return Unknown(origin.Computed("dir"))
