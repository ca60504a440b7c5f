"""Arithmetic of abstract values."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from vglint import origin
from vglint.interp.machine.core import Frame, Run, call, opaque
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.machine.questions import OPERATE
from vglint.interp.nodes.operations import emit_operator
from vglint.interp.protocols.comparison import DUNDER, counts_turns, truth, turn_of
from vglint.interp.protocols.symbols import NATIVE, short, symbolic
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import ArrayV, Instance, MethodV, OpaqueV, Site, TurnNumber, Value, is_tensor
from vglint.regex import regex
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
    first, second = (right, left) if _is_tensor_like(right) else (left, right)
    if symbol in _COUNTING and counts_turns(run) and not _is_tensor_like(first):
        number = _of_turns(symbol, left, right)
        if number is not None:
            return number
    # A tensor answers first, on whichever side it stands.
    for side in (first, second):
        handler = OPERATE.get(type(side))
        made = MISSING if handler is None else handler(run, symbol, left, right, frame, site)
        if made is not MISSING:
            return _of_none(run, symbol, left, right, made) if type(made) is Unknown else made
    return _of_none(run, symbol, left, right, _symbolic_binary(symbol, left, right))


def _of_none(run: Run, symbol: str, left: Value, right: Value, made: Value) -> Value:
    """Returns what arithmetic of None gives while a model is built: the program would raise, so whoever builds it gives a number instead."""
    if (left is None or right is None) and has_to_be_given(run):
        others = [each for each in (left, right) if each is not None]
        if all(symbolic(each) is not None for each in others):
            return Unknown(origin.Computed(f"{short(left)} {symbol} {short(right)}"))
    return made


def has_to_be_given(run: Run) -> bool:
    """Whether None cannot stand where more is asked of it than None-ness: a model is built, and nothing catches what that raises."""
    return run.context.setup and not run.context.trying


def in_place(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    """Performs `left += right` by the method that an object's class has for it; MISSING where it has none."""
    name = DUNDER.get(symbol)
    own = find_in_mro(left.cls, f"__i{name}__") if type(left) is Instance and name is not None else None
    return MISSING if own is None else call(run, MethodV(own[0], left), [right], {}, frame, site)


def _is_tensor_like(value: Value) -> bool:
    return is_tensor(value) or isinstance(value, OpaqueV)


def unary(run: Run, symbol: str, value: Value, frame: Frame, site: Site) -> Value:
    if symbol == "not":
        known = truth(run, value, frame, site)
        turn = turn_of(value) if known is None else None
        if turn is not None:
            return Unknown(turn)
        return opaque(run, origin.Computed("not …"), [value], site) if known is None else not known
    if _is_tensor_like(value):
        name = {"-": "neg", "~": "bitwise_not"}.get(symbol)
        return value if name is None else emit_operator(run, name, [value], site)
    if symbol == "-" and isinstance(value, ArrayV):
        return binary(run, "*", value, -1, frame, site)
    if type(value) is Instance and (own := find_in_mro(value.cls, _UNARY.get(symbol, ""))) is not None:
        return call(run, MethodV(own[0], value), [], {}, frame, site)
    if symbol == "-" and isinstance(value, (int, float, complex)):
        return -value
    if symbol == "+" and isinstance(value, (int, float)):
        return value
    if symbol == "~" and isinstance(value, int):
        return ~value
    number = symbolic(value)
    if symbol == "-" and number is not None:
        return times(number, -1)
    return value if isinstance(value, Unknown) else Unknown(origin.Call(f"{symbol}{type(value).__name__}"))


_UNARY = {"-": "__neg__", "+": "__pos__", "~": "__invert__"}


def _of_turns(symbol: str, left: Value, right: Value) -> Value:
    """Returns what training code counts, and what is left of it when it is divided; None for other arithmetic."""
    if isinstance(left, bool) or isinstance(right, bool):
        return None
    if isinstance(left, int) and isinstance(right, int):
        if symbol == "%":
            return TurnNumber.of(left % right, int(right)) if right > 1 else None
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
_WIDE = regex(r"%[^a-zA-Z%]*(\d{5}|\*)")
"""A format that asks for a long text."""


def native_binary(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    """Performs an operator of values of Python's own, unless the result would be huge."""
    if isinstance(left, NATIVE) and isinstance(right, NATIVE):
        return _native_binary(symbol, left, right)
    return MISSING


def symbolic_operands(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    """Performs an operator of numbers of which one is symbolic."""
    if symbolic(left) is None or symbolic(right) is None:
        return MISSING
    return _symbolic_binary(symbol, left, right)


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
            Unknown(origin.Call(f"{short(left)} {symbol} {short(right)}")),
        )
    if any(isinstance(number, float) and not math.isfinite(number) for number in (first, second)):
        return Unknown(origin.Computed(f"{short(left)} {symbol} {short(right)}"))
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
    return Unknown(origin.Computed(f"({short(left)} {symbol} {short(right)})"))
