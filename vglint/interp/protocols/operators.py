"""Arithmetic, comparison and truth of abstract values."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from vglint import origin
from vglint.interp.machine.core import OPERATE, Frame, Run, opaque
from vglint.interp.machine.journal import MISSING
from vglint.interp.nodes.operations import emit_operator
from vglint.interp.protocols.comparison import (
    NATIVE,
    _dunder,
    _short,
    _tensor_binary,
    counts_turns,
    equal,
    symbolic,
    truth,
    turn_of,
)
from vglint.interp.protocols.repeats import UNKNOWN_LENGTH, is_repeated, stretches
from vglint.interp.values.objects import (
    ArrayV,
    DictV,
    Instance,
    ListV,
    ModuleV,
    OpaqueV,
    SetV,
    Site,
    TurnNumber,
    Value,
    is_tensor,
)
from vglint.value import Expr, Unknown, divided, plus, times

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "@": operator.matmul,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}


def binary(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value:
    """Returns `left symbol right`."""
    if is_tensor(left) or is_tensor(right) or isinstance(left, OpaqueV) or isinstance(right, OpaqueV):
        return _tensor_binary(run, symbol, left, right, site)
    if symbol in _COUNTING and counts_turns(run):
        number = _of_turns(symbol, left, right)
        if number is not None:
            return number
    if isinstance(left, NATIVE) and isinstance(right, NATIVE):
        return _native_binary(symbol, left, right)
    if (operate := OPERATE.get(type(left)) or OPERATE.get(type(right))) is not None and not _is_object(left, right):
        return operate(run, symbol, left, right, frame, site)
    if symbol in ("+", "*") and (isinstance(left, ListV) or isinstance(right, ListV)):
        run.budget.tick(sum(len(side.items) for side in (left, right) if isinstance(side, ListV)) // 8)
        return _list_binary(symbol, left, right)
    if symbol == "*" and isinstance(right, tuple) and isinstance(left, (Expr, Unknown)):
        left, right = right, left
    if symbol == "*" and isinstance(left, tuple) and len(left) == 1 and isinstance(right, (Expr, Unknown)):
        return ListV([left[0]], right)
    if isinstance(left, DictV) and isinstance(right, DictV) and symbol == "|":
        return DictV({**left.items, **right.items}, left.default, left.complete and right.complete)
    if isinstance(left, SetV) and isinstance(right, SetV):
        return _set_binary(symbol, left, right)
    if isinstance(left, (Instance, ModuleV)) or isinstance(right, (Instance, ModuleV)):
        result = _dunder(run, symbol, left, right, frame, site)
        if result is not MISSING:
            return result
        if isinstance(left, ModuleV) and isinstance(right, ModuleV):
            return OPERATE[ModuleV](run, symbol, left, right, frame, site)
    return _symbolic_binary(symbol, left, right)


def _is_object(left: Value, right: Value) -> bool:
    """Whether a class may define the operator."""
    return isinstance(left, Instance) or isinstance(right, Instance)


def unary(run: Run, symbol: str, value: Value, frame: Frame, site: Site) -> Value:
    if symbol == "not":
        known = truth(run, value, frame, site)
        turn = turn_of(value) if known is None else None
        if turn is not None:
            return Unknown(turn)
        return opaque(run, origin.Computed("not …"), [value], site) if known is None else not known
    if is_tensor(value) or isinstance(value, OpaqueV):
        name = {"-": "neg", "~": "bitwise_not"}.get(symbol)
        return value if name is None else emit_operator(run, name, [value], site)
    if symbol == "-" and isinstance(value, ArrayV):
        return binary(run, "*", value, -1, frame, site)
    if symbol == "-" and isinstance(value, (int, float)):
        return -value
    if symbol == "+" and isinstance(value, (int, float)):
        return value
    if symbol == "~" and isinstance(value, int):
        return ~value
    number = symbolic(value)
    if symbol == "-" and number is not None:
        return times(number, -1)
    return value if isinstance(value, Unknown) else Unknown(origin.Call(f"{symbol}{type(value).__name__}"))


def _of_turns(symbol: str, left: Value, right: Value) -> Value:
    """Returns what training code counts, and what is left of it when it is divided; None for other arithmetic."""
    if isinstance(left, bool) or isinstance(right, bool):
        return None
    if isinstance(left, int) and isinstance(right, int):
        if symbol == "%":
            return TurnNumber.of(left % right, int(right)) if right > 0 else None
        counted = next((side for side in (left, right) if isinstance(side, TurnNumber)), None)
        if counted is None:
            return None
        return TurnNumber.of(left + right if symbol == "+" else left - right, counted.every)
    if (
        symbol == "%"
        and isinstance(left, Unknown)
        and isinstance(left.origin, (*origin.FROM_ARGUMENTS, origin.Length, origin.Turn, origin.Branches))
    ):
        return Unknown(origin.Turn(int(right) if isinstance(right, int) else 0))
    return None


_COUNTING = frozenset("+-%")
_BITS = 4_096
_LENGTH = 100_000
_WIDE = re.compile(r"%[^a-zA-Z%]*(\d{5}|\*)")
"""A format that asks for a long text."""


def _native_binary(symbol: str, left: Any, right: Any) -> Value:
    try:
        if symbol == "**" and isinstance(right, int) and abs(right) > 64:
            return Unknown(origin.Budget("large power"))
        if symbol in ("*", "**") and isinstance(left, int) and left.bit_length() > _BITS:
            return Unknown(origin.Budget("large number"))
        if symbol == "+" and isinstance(left, (str, tuple, bytes)) and len(left) > _LENGTH:
            return Unknown(origin.Budget("long text" if isinstance(left, str) else "long tuple"))
        if (
            symbol in ("*", "<<")
            and isinstance(right, int)
            and isinstance(left, (str, tuple, bytes))
            and right * len(left) > 10_000
        ):
            return Unknown(origin.Budget("long repetition"))
        if (
            symbol == "*"
            and isinstance(left, int)
            and isinstance(right, (str, tuple, bytes))
            and left * len(right) > 10_000
        ):
            return Unknown(origin.Budget("long repetition"))
        if symbol == "<<" and isinstance(right, int) and right > 256:
            return Unknown(origin.Budget("large shift"))
        if symbol == "%" and isinstance(left, str):
            if _WIDE.search(left):
                return Unknown(origin.Budget("long text"))
            return left % right if not _holds_abstract(right) else Unknown(origin.Computed("formatted text"))
        result: Value = BINARY[symbol](left, right)
        return result
    except ZeroDivisionError:
        return Unknown(origin.Call("division by zero"))
    except (TypeError, ValueError, OverflowError):
        return Unknown(origin.Call(f"{type(left).__name__} {symbol} {type(right).__name__}"))


def _holds_abstract(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(_holds_abstract(item) for item in value)
    return not isinstance(value, (str, int, float, bool, type(None)))


def _symbolic_binary(symbol: str, left: Value, right: Value) -> Value:
    first, second = symbolic(left), symbolic(right)
    if first is None or second is None:
        return next(
            (value for value in (left, right) if isinstance(value, Unknown)),
            Unknown(origin.Call(f"{_short(left)} {symbol} {_short(right)}")),
        )
    if any(isinstance(number, float) and not math.isfinite(number) for number in (first, second)):
        return Unknown(origin.Computed(f"{_short(left)} {symbol} {_short(right)}"))
    if symbol == "+":
        return plus(first, second)
    if symbol == "-":
        return plus(first, times(second, -1))
    if symbol == "*":
        return times(first, second)
    if symbol in ("/", "//"):
        quotient = divided(first, second) if second != 0 else None
        if quotient is not None:
            return quotient
    if symbol == "**" and isinstance(second, int) and 0 < second <= 4:
        power: int | float | Expr = 1
        for _ in range(second):
            power = times(power, first)
        return power
    if symbol == "%" and isinstance(first, Expr) and isinstance(second, (int, Expr)):
        return Unknown(origin.Computed(f"{first} % {second}"))
    return Unknown(origin.Computed(f"({_short(left)} {symbol} {_short(right)})"))


def _list_binary(symbol: str, left: Value, right: Value) -> Value:
    if symbol == "*":
        items, times_ = (left, right) if isinstance(left, ListV) else (right, left)
        assert isinstance(items, ListV)
        if isinstance(times_, int):
            if len(items.items) * times_ > 10_000:
                return Unknown(origin.Budget("long repetition"))
            if times_ > 1 and items.count is not None:
                return UNKNOWN_LENGTH
            return ListV(items.items * times_, items.count)
        if len(items.items) == 1 and items.count is None and not is_repeated(items.items):
            return ListV(list(items.items), times_)
        return Unknown(origin.Length("list of unknown length"))
    if isinstance(left, ListV) and isinstance(right, ListV):
        first, second = stretches(left), stretches(right)
        if first is None or second is None:
            return left if not right.items else right if not left.items else UNKNOWN_LENGTH
        return ListV(first + second)
    return Unknown(origin.Computed("list concatenation"))


def _set_binary(symbol: str, left: SetV, right: SetV) -> Value:
    def inside(items: list[Value], item: Value) -> bool:
        return any(equal(item, other) is True for other in items)

    if symbol == "-":
        return SetV([item for item in left.items if not inside(right.items, item)])
    if symbol == "&":
        return SetV([item for item in left.items if inside(right.items, item)])
    if symbol == "|":
        return SetV(left.items + [item for item in right.items if not inside(left.items, item)])
    return Unknown(origin.Call(f"set {symbol} set"))
