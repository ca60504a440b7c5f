"""Functions of `math` on plain and symbolic numbers."""

from __future__ import annotations

import math

from vglint import origin
from vglint.interp.protocols.comparison import symbolic
from vglint.interp.values.objects import Value
from vglint.value import Unknown


def call_math(name: str, args: list[Value]) -> Value:
    """Computes a function of `math` on plain numbers."""
    function = getattr(math, name, None)
    if function is None or not args or not all(isinstance(arg, (int, float)) for arg in args):
        return _symbolic_math(name, args)
    try:
        return function(*args)
    except (ValueError, TypeError, OverflowError):
        return Unknown(origin.Call(f"math.{name}"))


def _symbolic_math(name: str, args: list[Value]) -> Value:
    number = symbolic(args[0]) if len(args) == 1 else None
    if number is not None:
        if name in ("floor", "ceil", "trunc", "fabs"):
            return number
        return Unknown(origin.Computed(f"math.{name}({number})"))
    return next((arg for arg in args if isinstance(arg, Unknown)), Unknown(origin.Computed(f"math.{name}")))
