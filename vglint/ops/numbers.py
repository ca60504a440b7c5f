"""What ops make of plain numbers: of each entry, of pairs, of a row."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

OF_ONE: Mapping[str, Callable[[Any], Any]] = {
    "round": round,
    "floor": math.floor,
    "ceil": math.ceil,
    "log": math.log,
    "log2": math.log2,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "abs": abs,
    "neg": operator.neg,
    "sin": math.sin,
    "cos": math.cos,
    "square": lambda number: number * number,
    "to_integer": int,
    "to": lambda number: number,
}
OF_TWO: Mapping[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "floor_divide": operator.floordiv,
    "pow": operator.pow,
    "maximum": max,
    "minimum": min,
}
OF_ROW: Mapping[str, Callable[[Sequence[Any]], list[Any]]] = {
    "diff": lambda numbers: [after - before for before, after in itertools.pairwise(numbers)],
    "cumsum": lambda numbers: list(itertools.accumulate(numbers)),
}
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
LOGIC: Mapping[str, Callable[[bool, bool], bool]] = {
    "logical_and": operator.and_,
    "bitwise_and": operator.and_,
    "logical_or": operator.or_,
    "bitwise_or": operator.or_,
    "logical_xor": operator.xor,
    "bitwise_xor": operator.xor,
}
FILLED: Mapping[str, int] = {"zeros": 0, "zeros_like": 0, "ones": 1, "ones_like": 1}
"""What each entry is of a tensor that is made so."""
OF_FINITE: Mapping[str, bool] = {"isfinite": True, "isnan": False, "isinf": False}
"""What each entry is of a test of finite numbers."""
