"""Python's built-in functions."""

from __future__ import annotations

import math
from typing import Any

from vglint.interp import arithmetic
from vglint.interp.arithmetic import symbolic, truth
from vglint.interp.core import LIBRARY, Frame, Run, call, get_attribute, opaque, register
from vglint.interp.iteration import items_of
from vglint.interp.modules import find_in_mro, is_module_class
from vglint.interp.objects import (
    BuiltinV,
    ClassV,
    DictV,
    External,
    FunctionV,
    Instance,
    IteratorV,
    ListV,
    MethodV,
    ModuleV,
    OpaqueV,
    ParamV,
    PartialV,
    SetV,
    ShapeV,
    Site,
    TensorV,
    Value,
    is_tensor,
    is_unknown,
)
from vglint.value import Expr, Unknown, times



def builtin(*names: str) -> Any:
    return register(LIBRARY, *("builtins." + name for name in names))


@builtin("len")
def length(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    value = args[0] if args else None
    match value:
        case str() | tuple() | range() | bytes():
            return len(value)
        case ListV():
            return len(value.items) if value.count is None else value.count
        case SetV():
            return len(value.items)
        case DictV():
            return len(value.items) if value.complete else Unknown("argument", "len of a dict")
        case ModuleV():
            method = find_in_mro(value.cls, "__len__")
            if method is not None:
                return call(run, MethodV(method[0], value), [], {}, frame, site)
            counts = [item for name, item in value.extra.items() if name.startswith("count:")]
            if counts:
                return counts[0] if len(value.modules) == 1 else Unknown("loop bound", "number of modules")
            return len(value.modules) or len(value.parameters)
        case ShapeV():
            return Unknown("argument", "rank")
        case Instance():
            method_ = get_attribute(run, value, "__len__", frame)
            if not is_unknown(method_):
                return call(run, method_, [], {}, frame, site)
            return Unknown("argument", f"len({value.cls.name})")
        case _ if is_tensor(value):
            from vglint.interp.tensors import size_at

            return size_at(run, value, 0)
        case IteratorV():
            return len(value.items) if value.items is not None else value.count or Unknown("argument", "len")
        case Unknown():
            return Unknown(value.why, f"len({value.text})")
        case _:
            return Unknown("argument", "len")


@builtin("range")
def range_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if args and all(isinstance(arg, int) for arg in args):
        try:
            return range(*args)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            return Unknown("unmodelled call", "range")
    numbers = [symbolic(arg) for arg in args]
    if len(numbers) == 1 and isinstance(numbers[0], Expr):
        return IteratorV(None, Unknown("loop bound", "index"), numbers[0])
    if len(numbers) >= 2 and all(isinstance(number, (int, Expr)) for number in numbers):
        from vglint.value import plus

        count = plus(numbers[1], times(numbers[0], -1))  # type: ignore[arg-type]
        if isinstance(count, Expr) and len(numbers) == 2:
            return IteratorV(None, Unknown("loop bound", "index"), count)
    text = next((arg.text for arg in args if isinstance(arg, Unknown)), "range")
    return IteratorV(None, Unknown("loop bound", "index"), Unknown("loop bound", text))


@builtin("enumerate")
def enumerate_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    start = args[1] if len(args) > 1 else keywords.get("start", 0)
    found = items_of(run, args[0], frame, site) if args else None
    if found is None:
        return Unknown("argument", "enumerate")
    if found.items is None:
        return IteratorV(None, (Unknown("loop bound", "index"), found.item), found.count)
    base = start if isinstance(start, int) else 0
    return IteratorV([(base + position, item) for position, item in enumerate(found.items)])


@builtin("zip")
def zip_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = [items_of(run, arg, frame, site) for arg in args]
    known = [each.items for each in found if each.items is not None]
    if not found:
        return IteratorV([])
    if not known:
        return IteratorV(None, tuple(each.item for each in found), next((each.count for each in found if each.count is not None), None))
    size = min(len(items) for items in known)
    return IteratorV([tuple(each.items[position] if each.items is not None else each.item for each in found) for position in range(size)])


@builtin("reversed")
def reversed_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[0], frame, site)
    return IteratorV(found.items[::-1]) if found.items is not None else IteratorV(None, found.item, found.count)


@builtin("list", "tuple", "set", "frozenset", "sorted")
def listed(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    kind = which.name.rpartition(".")[2]
    if not args:
        return () if kind == "tuple" else SetV([]) if "set" in kind else ListV([])
    if kind == "tuple" and isinstance(args[0], ShapeV):
        return args[0]
    found = items_of(run, args[0], frame, site)
    if found.items is None:
        return ListV([found.item], found.count if found.count is not None else Unknown("loop bound", "list of unknown length"))
    if kind == "tuple":
        return tuple(found.items)
    if "set" in kind:
        unique: list[Value] = []
        for item in found.items:
            if not any(arithmetic.equal(item, other) is True for other in unique):
                unique.append(item)
        return SetV(unique)
    if kind == "sorted":
        return _sorted(run, found.items, keywords, frame, site)
    return ListV(found.items)


def _sorted(run: Run, items: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    key = keywords.get("key")
    keys = [call(run, key, [item], {}, frame, site) for item in items] if key is not None else items
    try:
        order = sorted(range(len(items)), key=lambda position: keys[position], reverse=keywords.get("reverse") is True)  # type: ignore[arg-type,return-value]
    except TypeError:
        return ListV(items)
    return ListV([items[position] for position in order])


@builtin("dict")
def dict_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    made = DictV({})
    if args:
        source = args[0]
        if isinstance(source, DictV):
            made = DictV(dict(source.items), None, source.complete)
        else:
            found = items_of(run, source, frame, site)
            made.complete = found.items is not None
            for pair in found.items or []:
                if isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], (str, int)):
                    made.items[pair[0]] = pair[1]
    made.complete = made.complete and "**" not in keywords
    made.items.update({key: value for key, value in keywords.items() if key != "**"})
    return made


@builtin("sum")
def sum_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[0], frame, site)
    if found.items is None:
        return opaque(run, "loop bound", "sum of unknown length", [found.item], site)
    total: Value = args[1] if len(args) > 1 else keywords.get("start", 0)
    items = found.items
    if items and total == 0 and is_tensor(items[0]):
        # Python adds 0 first; torch returns the same tensor's values.
        total = arithmetic.binary(run, "+", items[0], 0, frame, site)
        items = items[1:]
    for item in items:
        total = arithmetic.binary(run, "+", total, item, frame, site)
    return total


@builtin("map")
def map_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = [items_of(run, arg, frame, site) for arg in args[1:]]
    known = [each.items for each in found if each.items is not None]
    if not known:
        return IteratorV(None, call(run, args[0], [each.item for each in found], {}, frame, site), found[0].count if found else None)
    size = min(len(items) for items in known)
    results = []
    for position in range(size):
        results.append(call(run, args[0], [each.items[position] if each.items is not None else each.item for each in found], {}, frame, site))
    return IteratorV(results)


@builtin("filter")
def filter_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[1], frame, site)
    if found.items is None:
        return IteratorV(None, found.item, found.count)
    kept = []
    for item in found.items:
        keep = truth(run, item if args[0] is None else call(run, args[0], [item], {}, frame, site), frame, site)
        if keep is not False:
            kept.append(item)
    return IteratorV(kept)


@builtin("iter")
def iter_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if isinstance(args[0], IteratorV):
        return args[0]
    found = items_of(run, args[0], frame, site)
    return IteratorV(found.items, found.item, found.count)


@builtin("next")
def next_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    source = args[0]
    if isinstance(source, IteratorV):
        if source.items is None:
            return source.item
        if source.position < len(source.items):
            source.position += 1
            return source.items[source.position - 1]
        return args[1] if len(args) > 1 else Unknown("argument", "next of an empty iterator")
    return items_of(run, source, frame, site).item


@builtin("any", "all")
def quantified(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    is_any = which.name.endswith("any")
    found = items_of(run, args[0], frame, site)
    if found.items is None:
        return Unknown("argument", which.name)
    answers = [truth(run, item, frame, site) for item in found.items]
    if is_any in answers:
        return is_any
    return Unknown("argument", which.name) if None in answers else not is_any


@builtin("min", "max")
def extreme(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    items = args
    if len(args) == 1:
        found = items_of(run, args[0], frame, site)
        if found.items is None:
            return Unknown("argument", which.name)
        items = found.items
    pick = min if which.name.endswith("min") else max
    if items and all(isinstance(item, (int, float)) for item in items) and "key" not in keywords:
        return pick(items)  # type: ignore[type-var,arg-type]
    if not items:
        return keywords.get("default", Unknown("argument", which.name))
    if all(isinstance(item, (int, float, Expr)) for item in items):
        text = f"{which.name.rpartition('.')[2]}({', '.join(str(item) for item in items)})"
        return Expr.symbol(text)
    return next((item for item in items if isinstance(item, Unknown)), opaque(run, "argument", which.name, list(items), site))


@builtin("int", "float", "str", "bool", "abs", "round", "pow", "divmod", "ord", "chr", "hash", "repr", "format", "hex", "bin")
def scalar(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    kind = which.name.rpartition(".")[2]
    if not args:
        return {"int": 0, "float": 0.0, "str": "", "bool": False}.get(kind)
    value = args[0]
    if kind == "bool":
        known = truth(run, value, frame, site)
        return Unknown("argument", "bool") if known is None else known
    if is_tensor(value):
        if isinstance(value, TensorV) and value.values is not None and len(value.values) == 1:
            value = value.values[0]
        elif kind in ("abs", "round"):
            from vglint.interp.tensors import call_method

            return call_method(run, value, kind, [], {}, frame, site)
        else:
            return Unknown("argument", f"{kind} of a tensor")
    if isinstance(value, Expr):
        return value if kind in ("int", "float", "abs", "round") else Unknown("argument", kind)
    if isinstance(value, Unknown):
        number = symbolic(value)
        return number if kind in ("int", "float") and number is not None else Unknown(value.why, f"{kind}({value.text})")
    if kind == "str" and isinstance(value, (External, ClassV)):
        return Unknown("argument", "text")
    functions = {"int": int, "float": float, "str": str, "abs": abs, "round": round, "pow": pow, "divmod": divmod, "ord": ord, "chr": chr, "repr": repr, "hex": hex, "bin": bin, "format": format}
    if kind in functions and all(isinstance(arg, (int, float, str, bool)) for arg in [value, *args[1:]]):
        try:
            if kind == "pow" and isinstance(args[1], int) and args[1] > 64:
                return Unknown("budget", "large power")
            return functions[kind](value, *args[1:])  # type: ignore[operator]
        except (ValueError, TypeError, OverflowError, ZeroDivisionError):
            return Unknown("unmodelled call", kind)
    return Unknown("argument", kind)


@builtin("isinstance", "issubclass")
def isinstance_(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if len(args) != 2:
        return Unknown("argument", "isinstance")
    if which.name.endswith("issubclass"):
        if isinstance(args[0], ClassV):
            wanted = args[1] if isinstance(args[1], tuple) else (args[1],)
            return any(base is each or base == each for base in args[0].mro for each in wanted)
        return Unknown("argument", "issubclass")
    known = is_instance(run, args[0], args[1])
    return opaque(run, "argument", "isinstance", [args[0]], site) if known is None else known


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float,),
    "str": (str,),
    "bool": (bool,),
    "bytes": (bytes,),
    "tuple": (tuple,),
    "list": (ListV,),
    "dict": (DictV,),
    "set": (SetV,),
    "frozenset": (SetV,),
    "range": (range,),
    "slice": (slice,),
    "complex": (complex,),
}
_ABSTRACT: dict[str, tuple[type, ...]] = {
    "collections.abc.Iterable": (tuple, ListV, DictV, SetV, str, range, IteratorV),
    "typing.Iterable": (tuple, ListV, DictV, SetV, str, range, IteratorV),
    "collections.Iterable": (tuple, ListV, DictV, SetV, str, range, IteratorV),
    "collections.abc.Sequence": (tuple, ListV, str, range),
    "typing.Sequence": (tuple, ListV, str, range),
    "collections.abc.Mapping": (DictV,),
    "typing.Mapping": (DictV,),
    "collections.OrderedDict": (DictV,),
    "typing.List": (ListV,),
    "typing.Tuple": (tuple,),
    "typing.Dict": (DictV,),
    "numbers.Number": (int, float),
    "numbers.Integral": (int,),
    "numbers.Real": (int, float),
    "types.FunctionType": (FunctionV,),
    "typing.Callable": (FunctionV, MethodV, BuiltinV, PartialV, ClassV),
    "collections.abc.Callable": (FunctionV, MethodV, BuiltinV, PartialV, ClassV),
    "functools.partial": (PartialV,),
    "numpy.ndarray": (),
}


def is_instance(run: Run, value: Value, cls: Value) -> bool | None:
    """Three-valued isinstance."""
    if isinstance(cls, tuple):
        answers = [is_instance(run, value, each) for each in cls]
        return True if True in answers else None if None in answers else False
    if isinstance(cls, Unknown) or isinstance(value, (Unknown, OpaqueV)):
        return None
    if isinstance(value, Instance):
        classes = value.cls.mro if isinstance(value.cls, ClassV) else (value.cls,)
        if any(each is cls or isinstance(each, External) and each == cls for each in classes):
            return True
        return _library_subclass(classes, cls)
    if isinstance(cls, ClassV):
        return False
    if not isinstance(cls, External):
        return None
    name = cls.name
    if name in ("torch.Tensor", "torch.FloatTensor", "torch.LongTensor"):
        return is_tensor(value)
    if name == "torch.nn.Parameter" or name.endswith(".Parameter"):
        return isinstance(value, ParamV) and not value.buffer
    if name in ("torch.Size",):
        return isinstance(value, (ShapeV, tuple))
    if name.startswith("builtins."):
        kinds = _PYTHON_TYPES.get(name[9:])
        if name == "builtins.int" and isinstance(value, Expr):
            return True
        if kinds is not None:
            return isinstance(value, kinds)
        if name == "builtins.type":
            return isinstance(value, (ClassV, External))
        return False
    if name in _ABSTRACT:
        return isinstance(value, _ABSTRACT[name])
    return False


def _library_subclass(classes: tuple[Value, ...], cls: Value) -> bool | None:
    """torch's own class hierarchy, as far as tests ask for it."""
    if not isinstance(cls, External):
        return False
    names = [each.name for each in classes if isinstance(each, External)]
    wanted = cls.name
    if wanted.rpartition(".")[2] == "Module" and wanted.startswith("torch."):
        return any(is_module_class(each) for each in classes)
    for name in names:
        short, family = name.rpartition(".")[2], wanted.rpartition(".")[2]
        if family in _FAMILIES and short in _FAMILIES[family]:
            return True
    if wanted.startswith("builtins."):
        return wanted.rpartition(".")[2] in {name.rpartition(".")[2] for name in names}
    return False


_CONVS = {"Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "LazyConv2d"}
_FAMILIES: dict[str, set[str]] = {
    "_ConvNd": _CONVS,
    "_ConvTransposeNd": {name for name in _CONVS if "Transpose" in name},
    "_BatchNorm": {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"},
    "_NormBase": {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"},
    "_InstanceNorm": {"InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"},
    "_DropoutNd": {"Dropout", "Dropout2d", "Dropout3d"},
    "RNNBase": {"LSTM", "GRU", "RNN"},
    "RNNCellBase": {"LSTMCell", "GRUCell", "RNNCell"},
    "ReLU": {"ReLU6x"},
}


@builtin("getattr", "hasattr", "setattr", "delattr")
def attribute_access(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    kind = which.name.rpartition(".")[2]
    if len(args) < 2 or not isinstance(args[1], str):
        if kind == "getattr" and args and isinstance(args[0], ModuleV) and len(args) > 1 and isinstance(args[1], Unknown):
            return Unknown("argument", f"getattr by {args[1].text}")
        return Unknown("argument", kind)
    if kind == "setattr":
        from vglint.interp.modules import set_attribute

        set_attribute(run, args[0], args[1], args[2] if len(args) > 2 else None, frame, site)
        return None
    if kind == "delattr":
        return None
    if isinstance(args[0], External) and kind == "hasattr":
        return _library_has(args[0].name, args[1])
    found = get_attribute(run, args[0], args[1], frame)
    missing = isinstance(found, Unknown) and found.why == "unresolved name" and found.text.startswith((".", "super")) or isinstance(args[0], (int, str, float, type(None))) and isinstance(found, Unknown)
    if kind == "hasattr":
        if missing:
            return False
        if isinstance(found, Unknown) and isinstance(args[0], Unknown):
            return Unknown("argument", f"hasattr {args[1]}")
        return True
    return args[2] if missing and len(args) > 2 else found


def _library_has(name: str, attribute: str) -> Value:
    from vglint import ops

    if ops.find(f"{name}.{attribute}") is not None or f"{name}.{attribute}" in LIBRARY:
        return True
    return Unknown("argument", f"hasattr({name}, {attribute})")


@builtin("type")
def type_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    value = args[0] if args else None
    if isinstance(value, Instance):
        return value.cls
    if is_tensor(value):
        return External("torch.Tensor")
    for name, kinds in (("bool", (bool,)), ("int", (int, Expr)), ("float", (float,)), ("str", (str,)), ("list", (ListV,)), ("tuple", (tuple,)), ("dict", (DictV,)), ("set", (SetV,))):
        if isinstance(value, kinds):
            return External("builtins." + name)
    return value if isinstance(value, Unknown) else Unknown("argument", "type")


@builtin("callable")
def callable_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    value = args[0] if args else None
    if is_unknown(value):
        return Unknown("argument", "callable")
    return isinstance(value, (FunctionV, MethodV, BuiltinV, PartialV, ClassV, External, ModuleV))


@builtin("print", "id", "vars", "dir", "input", "open", "exit", "quit", "help", "globals", "locals", "eval", "exec", "compile")
def silent(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if which.name == "builtins.print":
        return None
    return opaque(run, "unmodelled call", which.name[9:] + "()", [], site)


@builtin("slice")
def slice_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return slice(*args) if 0 < len(args) <= 3 else Unknown("argument", "slice")


@builtin("super")
def super_(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    from vglint.interp.objects import SuperV

    if len(args) == 2 and isinstance(args[0], ClassV):
        return SuperV(args[0], args[1])
    return Unknown("unresolved name", "super")


@builtin("object")
def object_(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return Instance(which, {}, site)


@register(LIBRARY, "math.prod")
def product(run: Run, _: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[0], frame, site) if args else None
    if found is None or found.items is None:
        return Unknown("argument", "prod")
    total: Value = 1
    for item in found.items:
        total = arithmetic.binary(run, "*", total, item, frame, site)
    return total


def call_math(name: str, args: list[Value]) -> Value:
    """Computes a function of `math` on plain numbers."""
    function = getattr(math, name, None)
    if function is None or not args or not all(isinstance(arg, (int, float)) for arg in args):
        return _symbolic_math(name, args)
    try:
        return function(*args)
    except (ValueError, TypeError, OverflowError):
        return Unknown("unmodelled call", f"math.{name}")


def _symbolic_math(name: str, args: list[Value]) -> Value:
    number = symbolic(args[0]) if len(args) == 1 else None
    if number is not None:
        if name in ("floor", "ceil", "trunc", "fabs"):
            return number
        return Unknown("argument", f"math.{name}({number})")
    return next((arg for arg in args if isinstance(arg, Unknown)), Unknown("argument", f"math.{name}"))


