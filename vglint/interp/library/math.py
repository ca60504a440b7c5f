"""`math`: functions of plain and symbolic numbers."""

from __future__ import annotations

import math

from vglint import origin
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import CONSTANTS
from vglint.interp.protocols.asking import listed, operate
from vglint.interp.protocols.mathematics import call_math
from vglint.interp.values.objects import Value
from vglint.value import Unknown

CONSTANTS.update({f"math.{name}": getattr(math, name) for name in ("e", "inf", "nan", "pi", "tau")})

_FUNCTIONS = [
    name for name in dir(math) if callable(getattr(math, name)) and not name.startswith("_") and name != "prod"
]


@library(*(f"{home}.{name}" for home in ("math", "cmath") for name in _FUNCTIONS))
def function(call: Call) -> Value:
    return call_math(call.last, call.args)


@library("math.prod", takes="iterable, *, start=1")
def product(call: Call) -> Value:
    found = listed(call, call["iterable"])
    if found is None:
        return Unknown(origin.Computed("prod"))
    total: Value = call["start"]
    for factor in found:
        total = operate(call, "*", total, factor)
    return total
