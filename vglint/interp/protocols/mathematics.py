"""Functions of `math` on plain and symbolic numbers."""

from __future__ import annotations

import math

from vglint import origin
from vglint.interp.protocols.symbols import symbolic
from vglint.interp.values.objects import Value
from vglint.value import Unknown


def call_math(name: str, args: list[Value]) -> Value:
    """Computes a function of `math` on plain numbers."""
    function = getattr(math, name, None)
    if function is None or not args or not all(isinstance(arg, (int, float)) for arg in args):
        return _symbolic_math(name, args)
    if any(isinstance(arg, int) and arg.bit_length() > _BITS for arg in args) or (
        name in _GROWING and any(isinstance(arg, (int, float)) and arg > _MOST for arg in args)
    ):
        return Unknown(origin.Budget("large number"))
    try:
        made: Value = function(*args)
        return made
    except (ValueError, TypeError, OverflowError):
        return Unknown(origin.Call(f"math.{name}"))


_BITS = 4_096
_MOST = 500
_GROWING = frozenset({"factorial", "comb", "perm", "lcm"})
"""Functions of whole numbers whose result, and whose time, grow much faster than their arguments."""


def _symbolic_math(name: str, args: list[Value]) -> Value:
    number = symbolic(args[0]) if len(args) == 1 else None
    if number is not None:
        if name in ("floor", "ceil", "trunc", "fabs"):
            return number
        return Unknown(origin.Computed(f"math.{name}({number})"))
    return next((arg for arg in args if isinstance(arg, Unknown)), Unknown(origin.Computed(f"math.{name}")))
