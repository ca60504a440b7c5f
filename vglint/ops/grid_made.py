"""Grids that are made and computed: numbers in a row, constants, functions of entries, sums."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from vglint.ops.curves import Get, sigmoid
from vglint.ops.grid import Grid, Maker, common, number, sizes_of, stretched


def _arange(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    start, end, step = number(get("start")), number(get("end")), number(get("step"))
    if end is None and get("end") is None:
        start, end = 0.0, start
    step = 1.0 if step is None else step
    if start is None or end is None or step == 0.0:
        return None
    begin, by = start, step
    return Grid((max(math.ceil((end - start) / step), 0),), lambda index: begin + by * index[0])


def _linspace(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    start, end, steps = number(get("start")), number(get("end")), get("steps")
    if start is None or end is None or not isinstance(steps, int):
        return None
    begin, by = start, (end - start) / max(steps - 1, 1)
    return Grid((steps,), lambda index: begin + by * index[0])


def _logspace(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    powers = _linspace(get, inputs)
    base = number(get("base")) or 10.0
    return None if powers is None else Grid(powers.shape, lambda index: base ** powers.at(index))


def _filled(value: float) -> Maker:
    def make(get: Get, inputs: Sequence[Grid]) -> Grid | None:
        shape = inputs[0].shape if inputs else sizes_of(get("size"))
        return None if shape is None else Grid(shape, lambda index: value)

    return make


def _full(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    value = number(get("fill_value"))
    return None if value is None else _filled(value)(get, inputs)


def _eye(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    rows, columns = get("n"), get("m")
    columns = rows if columns is None else columns
    if not isinstance(rows, int) or not isinstance(columns, int):
        return None
    return Grid((rows, columns), lambda index: float(index[0] == index[1]))


def _tensor(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    """Numbers that are written out."""
    data = get("data") if get("data") is not None else get("s")
    shape, first = [], data
    while isinstance(first, tuple):
        shape.append(len(first))
        if not first:
            return None
        first = first[0]

    def at(index: tuple[int, ...]) -> float:
        item = data
        for place in index:
            if not isinstance(item, tuple):
                raise ValueError("numbers of unequal depth")
            item = item[place]
        if not isinstance(item, (int, float)):
            raise ValueError("no number")
        return float(item)

    return Grid(tuple(shape), at) if isinstance(first, (int, float)) else None


def _same(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    return inputs[0] if inputs else None


def _one(function: Callable[[float], float]) -> Maker:
    def make(get: Get, inputs: Sequence[Grid]) -> Grid | None:
        if len(inputs) != 1:
            return None
        source = inputs[0]
        return Grid(source.shape, lambda index: function(source.at(index)))

    return make


def _two(function: Callable[[float, float], float]) -> Maker:
    def make(get: Get, inputs: Sequence[Grid]) -> Grid | None:
        if len(inputs) == 2:
            left, right = inputs
        else:
            before = next((x for name in ("self", "input") if (x := number(get(name))) is not None), None)
            after = next((x for name in ("other", "exponent") if (x := number(get(name))) is not None), None)
            if len(inputs) != 1 or (before is None) == (after is None):
                return None
            lone = before if before is not None else after
            assert lone is not None
            fixed = lone
            known = Grid((), lambda index: fixed)
            left, right = (known, inputs[0]) if before is not None else (inputs[0], known)
        if get("alpha") not in (None, 1):
            return None
        shape = common(left.shape, right.shape)
        one, other = stretched(left, shape), stretched(right, shape)
        return Grid(shape, lambda index: function(one.at(index), other.at(index)))

    return make


def _clamp(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    low, high = get("min"), get("max")
    floor = -math.inf if low is None else number(low)
    top = math.inf if high is None else number(high)
    if floor is None or top is None:
        return None
    least, most = floor, top
    return _one(lambda x: min(max(x, least), most))(get, inputs)


def _where(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    numbers = [number(get("input")), number(get("other"))]
    rest = list(inputs[1:])
    arms = [
        Grid((), lambda index, value=value: value) if value is not None else rest.pop(0)  # type: ignore[misc]
        for value in numbers
    ]
    shape = common(common(inputs[0].shape, arms[0].shape), arms[1].shape)
    test, yes, no = (stretched(each, shape) for each in (inputs[0], *arms))
    return Grid(shape, lambda index: yes.at(index) if test.at(index) else no.at(index))


def _outer(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    left, right = inputs
    return Grid((*left.shape, *right.shape), lambda index: left.at(index[:1]) * right.at(index[1:]))


def _einsum(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    """Products in which no letter vanishes."""
    equation = get("equation")
    if not isinstance(equation, str) or "->" not in equation or "." in equation:
        return None
    given, _, result = equation.replace(" ", "").partition("->")
    letters = given.split(",")
    if set("".join(letters)) != set(result) or len(letters) != len(inputs):
        return None
    sizes = {
        letter: size
        for word, each in zip(letters, inputs, strict=True)
        for letter, size in zip(word, each.shape, strict=True)
    }

    def at(index: tuple[int, ...]) -> float:
        place = dict(zip(result, index, strict=True))
        return math.prod(
            each.at(tuple(place[letter] for letter in word)) for word, each in zip(letters, inputs, strict=True)
        )

    return Grid(tuple(sizes[letter] for letter in result), at)


def _triangle(upper: bool) -> Maker:
    def make(get: Get, inputs: Sequence[Grid]) -> Grid | None:
        source, diagonal = inputs[0], get("diagonal") or 0
        if not isinstance(diagonal, int):
            return None
        shift = diagonal
        return Grid(
            source.shape,
            lambda index: (
                source.at(index)
                if (index[-1] - index[-2] >= shift if upper else index[-1] - index[-2] <= shift)
                else 0.0
            ),
        )

    return make


def _summed(mean: bool) -> Maker:
    def make(get: Get, inputs: Sequence[Grid]) -> Grid | None:
        """A sum or mean of few entries."""
        source, dim = inputs[0], get("dim")
        rank = len(source.shape)
        dims = tuple(range(rank)) if dim is None else sizes_of(dim)
        if dims is None:
            return None
        gone = sorted({one % rank for one in dims}) if rank else []
        count = math.prod(source.shape[i] for i in gone)
        kept = [i for i in range(rank) if i not in gone]
        if count > _MOST:
            return None
        memo: dict[tuple[int, ...], float] = {}
        keep = get("keepdim") is True

        def at(index: tuple[int, ...]) -> float:
            own = tuple(index[i] for i in kept) if keep else index
            if own not in memo:
                total = 0.0
                for inner in itertools.product(*(range(source.shape[i]) for i in gone)):
                    spot = dict(zip(kept, own, strict=True)) | dict(zip(gone, inner, strict=True))
                    total += source.at(tuple(spot[i] for i in range(rank)))
                memo[own] = total / count if mean else total
            return memo[own]

        shape = tuple(1 if i in gone else size for i, size in enumerate(source.shape) if keep or i not in gone)
        return Grid(shape, at)

    return make


def _round(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    decimals = get("decimals")
    return _one(lambda x: round(x, decimals if isinstance(decimals, int) else 0))(get, inputs)


_MOST = 4096
"""Entries that a sum may have."""

_ONES: Mapping[str, Callable[[float], float]] = {
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "exp": lambda x: math.exp(min(x, 700.0)), "log": math.log, "log2": math.log2,
    "log10": math.log10, "log1p": math.log1p, "expm1": math.expm1, "sqrt": math.sqrt, "rsqrt": lambda x: 1.0 / math.sqrt(x),
    "reciprocal": lambda x: 1.0 / x, "neg": lambda x: -x, "abs": abs, "square": lambda x: x * x, "floor": math.floor, "ceil": math.ceil,
    "sigmoid": sigmoid, "tanh": math.tanh, "sign": lambda x: (x > 0) - (x < 0), "to_integer": int,
    "relu": lambda x: max(x, 0.0), "logical_not": lambda x: float(not x), "bitwise_not": lambda x: float(not x),
}  # fmt: skip
_TWOS: Mapping[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "rsub": lambda a, b: b - a, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "true_divide": lambda a, b: a / b, "floor_divide": lambda a, b: a // b, "pow": lambda a, b: a**b, "remainder": lambda a, b: a % b,
    "maximum": max, "minimum": min, "lt": lambda a, b: float(a < b), "gt": lambda a, b: float(a > b), "le": lambda a, b: float(a <= b),
    "ge": lambda a, b: float(a >= b), "eq": lambda a, b: float(a == b), "ne": lambda a, b: float(a != b),
}  # fmt: skip
MADE: Mapping[str, Maker] = {
    "arange": _arange, "linspace": _linspace, "logspace": _logspace, "eye": _eye, "tensor": _tensor,
    "zeros": _filled(0.0), "zeros_like": _filled(0.0), "new_zeros": _filled(0.0), "ones": _filled(1.0), "ones_like": _filled(1.0),
    "full": _full, "full_like": _full, "round": _round, "clamp": _clamp, "where": _where, "outer": _outer, "einsum": _einsum,
    "tril": _triangle(False), "triu": _triangle(True), "sum": _summed(False), "mean": _summed(True),
    **{op: _one(function) for op, function in _ONES.items()},
    **{op: _two(function) for op, function in _TWOS.items()},
    **dict.fromkeys("to float double half bfloat16 clone contiguous detach cpu cuda type_as identity requires_grad long int bool".split(), _same),
}  # fmt: skip
"""By op."""
EACH_ENTRY = frozenset((*_ONES, *_TWOS, "clamp", "round", "where", "zeros_like", "ones_like", "full_like")) | frozenset(
    "to float double half bfloat16 clone contiguous detach cpu cuda type_as identity requires_grad long int bool".split()
)
"""Ops that treat every entry of a tensor alike."""
