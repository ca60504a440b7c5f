"""Symbolic numbers compared: symbols stand for sizes and counts, which are positive."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from vglint import origin
from vglint.interp.values.objects import Value
from vglint.regex import regex
from vglint.value import Expr, Unknown, plus, times

NATIVE = (int, float, str, bytes, tuple, bool, type(None), range, complex)
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def symbolic(value: Value) -> int | float | Expr | None:
    """Returns a value as a number: an argument that is not known becomes a symbol; None where it is no finite number."""
    if isinstance(value, (int, float, Expr)):
        return value if not isinstance(value, float) or math.isfinite(value) else None
    if isinstance(value, Unknown) and isinstance(value.origin, origin.FROM_ARGUMENTS):
        return Expr.symbol(value.text)
    return None


def positive(number: Expr) -> bool:
    """Whether a number is known to be greater than 0."""
    return all(factor > 0 for _, factor in number.terms)


def symbolic_compare(symbol: str, left: Value, right: Value) -> bool | None:
    """Compares two numbers of which one is symbolic; None where that is not decided."""
    first, second = symbolic(left), symbolic(right)
    for number, other, sign in ((left, right, 1), (right, left, -1)):
        if isinstance(other, Expr) and isinstance(number, float) and math.isinf(number):
            return bool(RELATIONS[symbol](sign * number, 0))
    if first is None or second is None or not (isinstance(left, Expr) or isinstance(right, Expr)):
        return None
    difference = plus(first, times(second, -1))
    if isinstance(difference, Expr):
        if positive(difference):
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


def made_of(value: Value) -> frozenset[str] | None:
    """Returns the symbols that a number is made of; None of what is no number."""
    number = None if isinstance(value, bool) else symbolic(value)
    if isinstance(number, Expr):
        return frozenset(name for powers, _ in number.terms for name, _ in powers)
    return None if number is None else frozenset()


_SIZE = regex(r"\.(-?\d+|[BCDHWLT])$")


def _is_size(number: Expr) -> bool:
    """Whether a symbol is one size of a tensor: batches, sequences and maps are taken to be longer than 2."""
    if len(number.terms) != 1 or number.terms[0][1] < 1:
        return False
    powers = number.terms[0][0]
    return all(power == 1 and _SIZE.search(name) is not None for name, power in powers)


def short(value: Value) -> str:
    """Returns a value in a few characters, for people."""
    if isinstance(value, Unknown):
        return value.text
    if isinstance(value, tuple):
        text = f"({', '.join(map(short, value))}{',' if len(value) == 1 else ''})"
    else:
        text = str(value) if isinstance(value, (*NATIVE, Expr)) else type(value).__name__
    return text if len(text) < 40 else text[:37] + "…"
