"""Comparison, membership and truth of abstract values, in three values."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from vglint import ops, origin
from vglint.interp.machine import registries
from vglint.interp.machine.core import COMPARE, CONTAINS, Frame, Run, call, get_attribute, opaque
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.machine.names import member
from vglint.interp.nodes.constants import truth_of
from vglint.interp.nodes.operations import emit_operator
from vglint.interp.protocols.repeats import is_repeated
from vglint.interp.values.classes import is_container
from vglint.interp.values.objects import (
    ArrayV,
    ClassV,
    DeviceV,
    DictV,
    DtypeV,
    External,
    FunctionV,
    Instance,
    ListV,
    ModuleV,
    Namespace,
    OpaqueV,
    ParamV,
    ParamView,
    SetV,
    ShapeV,
    Site,
    TensorV,
    TurnNumber,
    Value,
    is_tensor,
    is_unknown,
)
from vglint.value import Expr, Unknown, plus, times

GPU = External("torch.cuda.is_available()")
"""Whether there is a GPU. Code is followed as if there were none, but of names of devices and dtypes that hang on it neither is chosen."""
NATIVE = (int, float, str, bytes, tuple, bool, type(None), range, complex)
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
DUNDER = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "**": "pow",
    "@": "matmul",
    "&": "and",
    "|": "or",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
    "==": "eq",
    "!=": "ne",
}


def compare(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value:
    """Returns a bool, a tensor, or an unknown."""
    for side, other in ((left, right), (right, left)):
        if isinstance(side, TurnNumber) and counts_turns(run):
            run.graph.asked_turn = True
            if run.context.any_turn:
                return Unknown(_turn(side, other))
    if symbol in ("is", "is not"):
        same = identical(left, right)
        if same is None:
            return opaque(run, origin.Computed(f"{_short(left)} {symbol} {_short(right)}"), [left, right], site)
        return same if symbol == "is" else not same
    if symbol in ("in", "not in"):
        inside = contains(run, right, left, frame, site)
        if inside is None:
            return opaque(run, origin.Computed(f"{_short(left)} {symbol} {_short(right)}"), [left, right], site)
        return inside if symbol == "in" else not inside
    if run.context.refusing and (isinstance(left, Expr) or isinstance(right, Expr)):
        return opaque(run, origin.Computed(f"{_short(left)} {symbol} {_short(right)}"), [left, right], site)
    if is_tensor(left) or is_tensor(right):
        if symbol in ("==", "!=") and (
            left is None or right is None or isinstance(left, str) or isinstance(right, str)
        ):
            return symbol == "!="
        return _tensor_binary(run, symbol, left, right, site)
    if (handler := COMPARE.get(type(left)) or COMPARE.get(type(right))) is not None:
        return handler(run, symbol, left, right, frame, site)
    if isinstance(left, NATIVE) and isinstance(right, NATIVE):
        if symbol in ("==", "!="):
            same = equal(left, right)
            return (
                opaque(run, origin.Computed(f"{_short(left)} {symbol} {_short(right)}"), [left, right], site)
                if same is None
                else (same == (symbol == "=="))
            )
        try:
            return bool(RELATIONS[symbol](left, right))
        except TypeError:
            return Unknown(origin.Computed(f"{_short(left)} {symbol} {_short(right)}"))
    if symbol in ("==", "!="):
        if _is_rare_dtype(left, right) or _is_rare_dtype(right, left):
            return symbol == "!="
        if (
            isinstance(left, Instance)
            and not isinstance(left, ModuleV)
            and isinstance(left.cls, ClassV)
            and not left.cls.frozen_kind
        ):
            result = _dunder(run, symbol, left, right, frame, site)
            if result is not MISSING:
                return result
        same = equal(left, right)
        if same is not None:
            return same if symbol == "==" else not same
    elif isinstance(left, SetV) and isinstance(right, SetV):
        return Unknown(origin.Computed("set comparison"))
    else:
        ordered = _symbolic_compare(symbol, left, right)
        if ordered is not None:
            return ordered
    return opaque(run, origin.Computed(f"{_short(left)} {symbol} {_short(right)}"), [left, right], site)


def counts_turns(run: Run) -> bool:
    """Whether a number may count the turns of a training loop: it is training code's own, not a model's."""
    return run.context.training_code and not run.context.setup and not run.context.modules_running


def turn_of(value: Value) -> origin.Turn | None:
    """Returns which turns a condition holds in; None where the turn does not decide it."""
    if isinstance(value, TurnNumber):
        return origin.Turn(value.every)
    if isinstance(value, Unknown) and isinstance(value.origin, origin.Turn):
        return value.origin
    return None


def _turn(number: TurnNumber, other: Value) -> origin.Turn:
    """Returns which turns a comparison of a turn's number holds in. A count that starts anew is compared with where it does so."""
    if number.every == 0 and isinstance(other, int) and 1 < other <= _PERIOD:
        return origin.Turn(int(other))
    return origin.Turn(number.every)


_PERIOD = 1024
"""The largest number of turns after which a count is taken to start anew."""
_RARE = frozenset("float16 bfloat16 float64 complex64 complex128 float8_e4m3fn float8_e5m2 int8 uint8 quint8".split())


def _is_rare_dtype(one: Value, other: Value) -> bool:
    return (
        isinstance(one, Unknown)
        and isinstance(one.origin, origin.Dtype)
        and isinstance(other, DtypeV)
        and other.name in _RARE
    )


def truth(run: Run, value: Value, frame: Frame, site: Site) -> bool | None:
    """Returns the truth of a value, None where it is not known."""
    if isinstance(value, TurnNumber) and counts_turns(run):
        run.graph.asked_turn = True
        if run.context.any_turn:
            return None
    if isinstance(value, NATIVE):
        return bool(value)
    match value:
        case ListV():
            return True if value.items and value.count is None else (None if value.count is not None else False)
        case SetV():
            return bool(value.items)
        case ArrayV():
            return truth(run, value.items[0], frame, site) if len(value.items) == 1 else None
        case DictV():
            return True if value.items else (False if value.complete else None)
        case Expr():
            return True if _positive(value) else None
        case ModuleV():
            if is_container(value):
                return bool(value.modules) or None
            return True
        case Instance():
            length = _length_method(run, value, frame, site)
            return length
        case External():
            return value != GPU
        case FunctionV() | ClassV():
            return True
        case TensorV():
            return truth_of(value)
        case Unknown() | OpaqueV() | ParamV() | ParamView():
            return None
        case _:
            return True


_HALF = tuple(map(DtypeV, ("float16", "bfloat16", "float64", "complex64")))


def identical(left: Value, right: Value) -> bool | None:
    """Whether two values are the same object; None where that is not known."""
    if left is right:
        return _itself(left)
    for one, other in ((left, right), (right, left)):
        if one is None:
            if isinstance(other, Unknown):
                # A required argument is given: None would not have been left out.
                return False if isinstance(other.origin, origin.Argument) and other.origin.name else None
            return None if isinstance(other, OpaqueV) else other is None
    if isinstance(left, bool) or isinstance(right, bool):
        if is_unknown(left) or is_unknown(right):
            return None
        return left is right
    if isinstance(left, (int, str, float)) and isinstance(right, (int, str, float)):
        return type(left) is type(right) and left == right
    if isinstance(left, FROZEN) and isinstance(right, FROZEN):
        return left == right
    if is_unknown(left) or is_unknown(right):
        return None
    return False


FROZEN = (External, DtypeV, DeviceV)
"""Kinds that are known by a name, and equal where that is."""


def _same_device(one: DeviceV, other: DeviceV) -> bool:
    """Code is followed as on a machine without a GPU."""
    return (one.name or "cpu") == (other.name or "cpu")


def _itself(value: Value) -> bool | None:
    """Whether two mentions of one value are the same: an attribute of an unknown is that unknown, and two of them need not be."""
    return None if isinstance(value, Unknown) and not isinstance(value.origin, origin.FROM_ARGUMENTS) else True


def equal(left: Value, right: Value) -> bool | None:
    """Three-valued `==`; pairs of lists that meet again are not compared again."""
    return _equal(left, right, {})


def _equal(left: Value, right: Value, known: dict[tuple[int, int], bool | None]) -> bool | None:
    if left is right:
        return _itself(left)
    if any(isinstance(side, ListV) and (side.count is not None or is_repeated(side.items)) for side in (left, right)):
        return None
    for side, other in ((left, right), (right, left)):
        if isinstance(side, Unknown) and isinstance(side.origin, origin.Dtype) and other in _HALF:
            return False  # a plain run computes in float32
    if (isinstance(left, tuple) and isinstance(right, tuple)) or (isinstance(left, ListV) and isinstance(right, ListV)):
        ours, theirs = items_in(left), items_in(right)
        if len(ours) != len(theirs):
            return False
        pair = id(left), id(right)
        if pair not in known:
            known[pair] = None  # a list within itself
            answers = [_equal(a, b, known) for a, b in zip(ours, theirs, strict=False)]
            is_known = False in answers or None not in answers
            known[pair] = False not in answers if is_known else None
        return known[pair]
    if is_unknown(left) or is_unknown(right):
        return None
    if isinstance(left, ShapeV) or isinstance(right, ShapeV):
        return True if left == right else None
    if isinstance(left, Expr) or isinstance(right, Expr):
        return _symbolic_compare("==", left, right)
    if isinstance(left, NATIVE) and isinstance(right, NATIVE):
        return bool(left == right)
    if isinstance(left, FROZEN) and isinstance(right, FROZEN):
        return left == right or (isinstance(left, DeviceV) and isinstance(right, DeviceV) and _same_device(left, right))
    if type(left) is type(right) and isinstance(left, (DictV, SetV)):
        return None
    return False


def contains(run: Run, holder: Value, item: Value, frame: Frame, site: Site) -> bool | None:
    """Three-valued `item in holder`."""
    if isinstance(holder, str) and isinstance(item, str):
        return item in holder
    if isinstance(holder, range) and isinstance(item, int):
        return item in holder
    if isinstance(holder, External) and holder.name.endswith(".__dir__") and isinstance(item, str):
        return ops.find(holder.name.removesuffix("__dir__") + item) is not None
    if isinstance(holder, DictV):
        if is_unknown(item):
            return None
        try:
            found = item in holder.items
        except TypeError:
            return None
        if not found and isinstance(item, str):
            found = registries.filled(run, holder, item, frame.scope.module)
        return True if found else (False if holder.complete else None)
    if isinstance(holder, ClassV) and holder.frozen_kind == "enum" and isinstance(item, (str, int)):
        return CONTAINS[ClassV](run, holder, item)
    if isinstance(holder, Namespace) and isinstance(item, str):
        return member(run, holder, item) is not MISSING
    if isinstance(holder, ModuleV):
        return item in holder.modules if isinstance(item, str) else None
    if isinstance(holder, (tuple, ListV, SetV, ArrayV)):
        if isinstance(holder, ListV) and (holder.count is not None or is_repeated(holder.items)):
            return None
        answers = [equal(item, each) for each in items_in(holder)]
        if any(answer is True for answer in answers):
            return True
        return None if any(answer is None for answer in answers) else False
    if isinstance(holder, Instance):
        if isinstance(holder.cls, ClassV) and holder.cls.fields is not None and isinstance(item, str):
            return holder.attrs.get(item) is not None
        method = get_attribute(run, holder, "__contains__", frame)
        if not is_unknown(method):
            return truth(run, call(run, method, [item], {}, frame, site), frame, site)
    return None


def items_in(value: Value) -> list[Value]:
    """Returns the entries of a tuple, list or set."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, (ListV, SetV, ArrayV)):
        return value.items
    return []


def symbolic(value: Value) -> int | float | Expr | None:
    """Returns a value as a number: an argument that is not known becomes a symbol; None where it is no finite number."""
    if isinstance(value, (int, float, Expr)):
        return value if not isinstance(value, float) or math.isfinite(value) else None
    if isinstance(value, Unknown) and isinstance(value.origin, origin.FROM_ARGUMENTS):
        return Expr.symbol(value.text)
    return None


def _tensor_binary(run: Run, symbol: str, left: Value, right: Value, site: Site) -> Value:
    if (isinstance(left, OpaqueV) and not is_tensor(right)) or (isinstance(right, OpaqueV) and not is_tensor(left)):
        source = left if isinstance(left, OpaqueV) else right
        assert isinstance(source, OpaqueV)
        return OpaqueV(source.why, source.deps if source.node is None else (source.node,), None, site)
    name = ops.operator(symbol)
    if name is None:
        return opaque(run, origin.Call(f"tensor {symbol}"), [left, right], site)
    return emit_operator(run, name, [left, right], site)


def _dunder(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    name = DUNDER.get(symbol)
    for holder, other, method_name in ((left, right, f"__{name}__"), (right, left, f"__r{name}__")):
        if isinstance(holder, Instance) and name is not None and isinstance(holder.cls, ClassV):
            method = get_attribute(run, holder, method_name, frame)
            if not is_unknown(method):
                return call(run, method, [other], {}, frame, site)
    return MISSING


def _length_method(run: Run, value: Instance, frame: Frame, site: Site) -> bool | None:
    if not isinstance(value.cls, ClassV) or value.cls.frozen_kind:
        return True
    for name in ("__bool__", "__len__"):
        method = get_attribute(run, value, name, frame)
        if not is_unknown(method):
            return truth(run, call(run, method, [], {}, frame, site), frame, site)
    return True


def _positive(number: Expr) -> bool:
    # Symbols stand for sizes and counts, which are positive.
    return all(factor > 0 for _, factor in number.terms)


def _symbolic_compare(symbol: str, left: Value, right: Value) -> bool | None:
    first, second = symbolic(left), symbolic(right)
    for number, other, sign in ((left, right, 1), (right, left, -1)):
        if isinstance(other, Expr) and isinstance(number, float) and math.isinf(number):
            return bool(RELATIONS[symbol](sign * number, 0))
    if first is None or second is None or not (isinstance(left, Expr) or isinstance(right, Expr)):
        return None
    difference = plus(first, times(second, -1))
    if isinstance(difference, Expr):
        if _positive(difference):
            difference = 1
        elif all(factor < 0 for _, factor in difference.terms):
            difference = -1
        elif second in (1, 2) and isinstance(first, Expr) and _is_size(first):
            difference = 1
        elif first in (1, 2) and isinstance(second, Expr) and _is_size(second):
            difference = -1
        else:
            return None
        if (
            not (isinstance(first, Expr) and isinstance(second, Expr))
            and second not in (0, 1, 2)
            and first not in (0, 1, 2)
        ):
            return None
    return bool(RELATIONS[symbol](difference, 0))


_SIZE = re.compile(r"\.(-?\d+|[BCDHWLT])$")


def _is_size(number: Expr) -> bool:
    """Whether a symbol is one size of a tensor: batches, sequences and maps are taken to be longer than 2."""
    if len(number.terms) != 1 or number.terms[0][1] < 1:
        return False
    powers = number.terms[0][0]
    return all(power == 1 and _SIZE.search(name) is not None for name, power in powers)


def _short(value: Value) -> str:
    if isinstance(value, Unknown):
        return value.text
    text = str(value) if isinstance(value, (*NATIVE, Expr)) else type(value).__name__
    return text if len(text) < 40 else text[:37] + "…"
