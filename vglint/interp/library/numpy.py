"""`numpy` on plain numbers, lists and arrays: what sizes, paddings and schedules are computed with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from vglint import origin
from vglint.interp.kinds.arrays import LIMIT, array, binary, entries, shape
from vglint.interp.machine.calls import Call, library, method, package
from vglint.interp.machine.core import CONSTANTS, opaque
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.protocols.asking import listed
from vglint.interp.protocols.mathematics import call_math
from vglint.interp.values.inside import bulk
from vglint.interp.values.objects import ArrayV, External, Instance, ListV, OpaqueV, TensorV, Value, is_tensor
from vglint.value import Expr, Unknown

CONSTANTS.update({"numpy.pi": math.pi, "numpy.inf": math.inf, "numpy.newaxis": None})
_SYMBOLS = {
    "power": "**",
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "floor_divide": "//",
    "mod": "%",
}
_TORCH = {"rint": "round", "sum": "sum", "mean": "mean", "max": "amax", "amax": "amax", "min": "amin", "amin": "amin"}
"""What torch calls the same; an array that was a tensor is followed as one."""
_ENTRYWISE = "sqrt log log2 ceil floor exp abs log10 cos sin round rint".split()


def _of(*names: str) -> list[str]:
    return [f"numpy.{name}" for name in names]


_COMPUTING = ("numpy.fft.", "numpy.linalg.")
"""Packages whose functions make arrays of arrays."""


@package("numpy")
def unmodelled(call: Call) -> Value | Missing:
    return _opaque(call) if call.name.count(".") == 1 or call.name.startswith(_COMPUTING) else MISSING


def _opaque(call: Call) -> Value:
    return opaque(call.run, origin.Call(f"{call.name}()"), call.args, call.site)


@library("numpy.random.seed")
def seed(call: Call) -> Value:
    return None


@library("numpy.random.rand", "numpy.random.randn", takes="*sizes")
def drawn(call: Call) -> Value:
    """Data that a program draws: the tensor that is made of it has its sizes."""
    if call.last == "rand" and not call.rest and not call.run.context.training_code:
        return Unknown(origin.Drawn())
    return _data(call, call.last, call.rest)


@library("numpy.random.random", "numpy.random.standard_normal", "numpy.random.random_sample", takes="size=None")
@library("numpy.random.normal", takes="loc=0.0, scale=1.0, size=None")
@library("numpy.random.uniform", takes="low=0.0, high=1.0, size=None")
def drawn_of_size(call: Call) -> Value:
    sizes = call["size"]
    if call.last in ("random", "random_sample") and sizes is None and not call.run.context.training_code:
        return Unknown(origin.Drawn())
    found: tuple[Value, ...] = () if sizes is None else (sizes,)
    if isinstance(sizes, (tuple, ListV)):
        found = sizes if isinstance(sizes, tuple) else tuple(sizes.items)
    return _data(call, "randn" if call.last.endswith("normal") else "rand", found)


@library("numpy.random.randint", "numpy.random.integers", takes="low, high=None, size=None, *rest, **options")
def drawn_integers(call: Call) -> Value:
    sizes, context = call["size"], call.run.context
    if isinstance(sizes, int):
        sizes = (sizes,)
    if not isinstance(sizes, (tuple, ListV)) or not context.training_code or context.modules_running:
        return _opaque(call)
    low, high = (0, call["low"]) if call["high"] is None else (call["low"], call["high"])
    return call.invoke(External("torch.randint"), low, high, sizes)


def _data(call: Call, op: str, sizes: Sequence[Value]) -> Value:
    context = call.run.context
    if not sizes or not context.training_code or context.modules_running:
        return _opaque(call)
    return call.invoke(External(f"torch.{op}"), *sizes)


@library("numpy.random.default_rng", "numpy.random.RandomState", takes="seed=None")
def generator(call: Call) -> Value:
    """Draws as the functions of `numpy.random` do."""

    def draw(call: Call) -> Value:
        return call.invoke(External(f"numpy.random.{call.last}"), *call.args, **call.keywords)

    return Instance(External(call.name), {name: method(name, "*sizes, **options", draw) for name in _DRAWN}, call.site)


_DRAWN = ("normal", "uniform", "random", "standard_normal", "rand", "randn", "random_sample", "integers", "randint")


@library(*_of("int32", "int64", "float32", "float64", "intp", "float16", "bool_"), takes="value, *rest")
def scalar(call: Call) -> Value:
    return call["value"]


_SINGLE = {"eps": 2.0**-23, "max": 3.4028234663852886e38, "min": -3.4028234663852886e38, "tiny": 2.0**-126}
_DOUBLE = {"eps": 2.0**-52, "max": 1.7976931348623157e308, "min": -1.7976931348623157e308, "tiny": 2.0**-1022}


@library("numpy.finfo", takes="dtype")
def limits(call: Call) -> Value:
    single = isinstance(call["dtype"], External) and call["dtype"].name == "numpy.float32"
    double = call["dtype"] == External("builtins.float") or call["dtype"] == External("numpy.float64")
    if not single and not double:
        return _opaque(call)
    found: dict[str, Value] = {**(_SINGLE if single else _DOUBLE)}
    return Instance(External(call.name), found, call.site)


@library(*_of("array", "asarray", "ascontiguousarray", "stack", "copy"), takes="a, *rest, **options")
def made(call: Call) -> Value:
    data = call["a"]
    if call.run.context.setup and call.last == "array" and bulk(data, LIMIT) > LIMIT:
        return call.invoke(External("torch.tensor"), data)
    return array(data)


@library("numpy.atleast_1d", takes="a")
def atleast_1d(call: Call) -> Value:
    value = array(call["a"])
    return value if isinstance(value, (ArrayV, Expr)) else ArrayV([value])


@library(*_of(*_SYMBOLS), takes="a, b")
def operation(call: Call) -> Value:
    return binary(call.run, _SYMBOLS[call.last], call["a"], call["b"], call.frame, call.site)


@library(*_of(*_ENTRYWISE), takes="a, decimals=None")
def entrywise(call: Call) -> Value:
    if isinstance(call["a"], TensorV):
        return call.invoke(External(f"torch.{_TORCH.get(call.last, call.last)}"), call["a"])
    held = any(is_tensor(each) or isinstance(each, OpaqueV) for each in call.args)
    return _opaque(call) if held else _each(call, array(call["a"]))


def _each(call: Call, value: Value) -> Value:
    if isinstance(value, ArrayV):
        return ArrayV([_each(call, item) for item in value.items])
    if call.last in ("round", "rint"):
        return call.invoke(External("builtins.round"), value, *call.args[1:])
    return call_math({"abs": "fabs"}.get(call.last, call.last), [value])


@library(*_of("zeros", "ones"), takes="shape, *rest, **options")
def filled(call: Call) -> Value:
    sizes = call["shape"]
    if call.run.context.setup and isinstance(sizes, tuple) and len(sizes) > 1:
        # A table that a constructor fills.
        return call.invoke(External(f"torch.{call.last}"), *sizes)
    return _filled(call, call["shape"], float(call.last == "ones"))


@library("numpy.full", takes="shape, fill_value, *rest, **options")
def full(call: Call) -> Value:
    return _filled(call, call["shape"], call["fill_value"])


@library(*_of("zeros_like", "ones_like"), takes="a, *rest, **options")
def filled_like(call: Call) -> Value:
    return _filled(call, shape(array(call["a"])), float(call.last == "ones_like"))


def _filled(call: Call, sizes: Value, value: Value) -> Value:
    if isinstance(sizes, ListV):
        sizes = tuple(sizes.items)
    sizes = sizes if isinstance(sizes, tuple) else (sizes,)
    known = [size for size in sizes if isinstance(size, int) and size >= 0]
    if len(known) < len(sizes) or math.prod(known) > LIMIT:
        return Unknown(origin.Computed(f"{call.name}()"))
    for size in reversed(known):
        value = ArrayV([value] * size)
    return value


@library(*_of("eye", "identity"), takes="n, m=None, *rest, **options")
def identity(call: Call) -> Value:
    rows = call["n"]
    columns = rows if call["m"] is None else call["m"]
    if not (isinstance(rows, int) and isinstance(columns, int)) or not 0 <= rows * columns <= LIMIT:
        return Unknown(origin.Computed("numpy.eye()"))
    return ArrayV([ArrayV([float(row == column) for column in range(columns)]) for row in range(rows)])


@library("numpy.linspace", takes="start, stop, num=50, *rest, **options")
def linspace(call: Call) -> Value:
    start, end, steps = call["start"], call["stop"], call["num"]
    if not (isinstance(start, (int, float)) and isinstance(end, (int, float)) and isinstance(steps, int)):
        return Unknown(origin.Computed("numpy.linspace()"))
    return ArrayV([start + (end - start) * place / max(1, steps - 1) for place in range(min(steps, LIMIT))])


@library("numpy.arange", takes="start, stop?, step?, *rest, **options")
def arange(call: Call) -> Value:
    whole = [arg for arg in call.args if isinstance(arg, int)]
    if not whole or len(whole) < len(call.args) or (len(whole) == 3 and whole[2] == 0):
        return _opaque(call)
    return ArrayV(list(range(*whole[:3])[:LIMIT]))


@library("numpy.concatenate", takes="arrays, *rest, **options")
def concatenate(call: Call) -> Value:
    found = listed(call, call["arrays"])
    parts = [array(part) for part in found or ()]
    joined = [item for part in parts if isinstance(part, ArrayV) for item in part.items]
    return ArrayV(joined) if found is not None and all(isinstance(part, ArrayV) for part in parts) else _opaque(call)


# ---- what is made of all entries


def _plain(call: Call) -> bool:
    """Whether a function is asked about all entries."""
    return len(call.args) == 1 and call.keywords.get("axis") is None


@library("numpy.prod", takes="a, *rest, **options")
def product(call: Call) -> Value:
    if not _plain(call):
        return _opaque(call)
    value = array(call["a"])
    flat: Value = ListV(entries(value)) if isinstance(value, (ArrayV, int, float)) else value
    return call.invoke(External("math.prod"), flat)


@library(*_of("any", "all"), takes="a, *rest, **options")
def quantified(call: Call) -> Value:
    flat = ListV(entries(array(call["a"])))
    return call.invoke(External(f"builtins.{call.last}"), flat) if _plain(call) else _opaque(call)


@library(*_of(*"sum cumsum max min mean amax amin argmax argmin unique".split()), takes="a, *rest, **options")
def reduced(call: Call) -> Value:
    if isinstance(call["a"], TensorV) and call.last in _TORCH:
        given = {"dim": call.args[1] if len(call.args) > 1 else call.keywords.get("axis")}
        if "keepdims" in call.keywords:
            given["keepdim"] = call.keywords["keepdims"]
        return call.invoke(External(f"torch.{_TORCH[call.last]}"), call["a"], **given)
    found = listed(call, call["a"]) if _plain(call) else None
    flat = [entry for item in found or [] for entry in entries(array(item))]
    if not flat or not all(isinstance(item, (int, float)) for item in flat):
        return _opaque(call)
    numbers: list[Any] = flat
    made_of: dict[str, Callable[[], Value]] = {
        "cumsum": lambda: ArrayV(list(itertools.accumulate(numbers))),
        "unique": lambda: ArrayV(sorted(set(numbers))),
        "mean": lambda: sum(numbers) / len(numbers),
        "sum": lambda: sum(numbers),
        "argmax": lambda: numbers.index(max(numbers)),
        "argmin": lambda: numbers.index(min(numbers)),
    }
    if call.last in made_of:
        return made_of[call.last]()
    extreme: Value = max(numbers) if call.last.endswith("max") else min(numbers)
    return extreme
