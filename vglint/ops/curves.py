"""Every elementwise function of torch as a curve: value, slope, and where it bends.

    curve(op, config) -> Curve | None

A curve is what the moments of an activation are integrated from; `vglint.ops.quadrature` does that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from vglint.value import Literal_

Get = Callable[[str], Literal_]
"""An op's config: `Node.get`, or `dict(config).get`."""

Real = Callable[[float], float]


class Curve(NamedTuple):
    """y = value(x), dy/dx = slope(x).

    `bends` are the places where value or slope jumps or turns quickly: integration is split there. `linear` = (slope left of 0,
    slope right of 0) where the curve is exactly two rays through the origin. `key` names the curve with its arguments.
    `monotone` is True also for a curve that dips a little (GELU): the largest of several inputs then still gives the largest output.
    """

    key: tuple[str, ...]
    value: Real
    slope: Real
    bends: tuple[float, ...] = (0.0,)
    linear: tuple[float, float] | None = None
    monotone: bool = True


def curve(op: str, get: Get) -> Curve | None:
    """Returns the curve of an elementwise op, None where it is not one or an argument is not known."""
    maker = _CURVES.get(op)
    if maker is None:
        return None
    return maker(op, get)


def rays(left: float, right: float) -> Curve:
    """Returns the curve that has slope `left` below zero and `right` above."""
    return Curve(
        ("rays", repr(left), repr(right)),
        lambda x: right * x if x > 0 else left * x,
        lambda x: right if x > 0 else left,
        (0.0,) if left != right else (),
        (left, right),
        left >= 0 <= right,
    )


def affine(scale: float, shift: float) -> Curve:
    """Returns x → scale·x + shift."""
    if shift == 0.0:
        return rays(scale, scale)
    key = ("affine", repr(scale), repr(shift))
    return Curve(key, lambda x: scale * x + shift, lambda x: scale, (), None, scale >= 0)


def composed(first: Curve, then: Curve) -> Curve:
    """Returns then∘first; the bends of `then` are kept where `first` is the identity near them."""
    if first.linear == (1.0, 1.0):
        return then
    if then.linear == (1.0, 1.0):
        return first
    if first.linear is not None and then.linear is not None:
        left, right = first.linear
        at_left = then.linear[0] if left >= 0 else then.linear[1]
        at_right = then.linear[1] if right >= 0 else then.linear[0]
        return rays(left * at_left, right * at_right)
    f, df, g, dg = first.value, first.slope, then.value, then.slope
    return Curve(
        ("of", *then.key, "(", *first.key, ")"),
        lambda x: g(f(x)),
        lambda x: dg(f(x)) * df(x),
        tuple(sorted({*first.bends, *_pulled_back(first, then.bends)})),
        None,
        first.monotone and then.monotone,
    )


def product(left: Curve, right: Curve) -> Curve:
    """Returns x → left(x)·right(x)."""
    f, df, g, dg = left.value, left.slope, right.value, right.slope
    return Curve(
        ("mul", *left.key, ",", *right.key),
        lambda x: f(x) * g(x),
        lambda x: df(x) * g(x) + f(x) * dg(x),
        tuple(sorted({*left.bends, *right.bends})),
        None,
        False,
    )


def total(left: Curve, right: Curve, sign: float = 1.0) -> Curve:
    """Returns x → left(x) + sign·right(x)."""
    if left.linear is not None and right.linear is not None:
        return rays(left.linear[0] + sign * right.linear[0], left.linear[1] + sign * right.linear[1])
    f, df, g, dg = left.value, left.slope, right.value, right.slope
    return Curve(
        ("add", *left.key, repr(sign), *right.key),
        lambda x: f(x) + sign * g(x),
        lambda x: df(x) + sign * dg(x),
        tuple(sorted({*left.bends, *right.bends})),
        None,
        sign > 0 and left.monotone and right.monotone,
    )


def _pulled_back(first: Curve, bends: tuple[float, ...]) -> tuple[float, ...]:
    if first.linear is None and first.key[0] != "affine":
        return ()
    scale, shift = first.slope(1.0), first.value(0.0)
    return tuple((bend - shift) / scale for bend in bends) if scale else ()


def _number(get: Get, name: str, default: float) -> float | None:
    value = get(name)
    if value is None:
        return default
    return float(value) if isinstance(value, (int, float)) else None


def _fixed(
    value: Real, slope: Real, bends: tuple[float, ...] = (0.0,), monotone: bool = True
) -> Callable[[str, Get], Curve]:
    return lambda op, get: Curve((op,), value, slope, bends, None, monotone)


def sigmoid(x: float) -> float:
    """Returns 1/(1+e^−x) without overflow."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x)) if x < 700 else 1.0
    return math.exp(x) / (1.0 + math.exp(x)) if x > -700 else 0.0


def _dsigmoid(x: float) -> float:
    s = sigmoid(x)
    return s * (1.0 - s)


def _dtanh(x: float) -> float:
    if abs(x) > 300:
        return 0.0
    return 1.0 / math.cosh(x) ** 2


def _softplus(x: float) -> float:
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))


def _cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _pdf(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _mish(x: float) -> float:
    return x * math.tanh(_softplus(x))


def _dmish(x: float) -> float:
    t = math.tanh(_softplus(x))
    return t + x * (1 - t * t) * sigmoid(x)


def _relu(op: str, get: Get) -> Curve:
    return rays(0.0, 1.0)


def _leaky_relu(op: str, get: Get) -> Curve | None:
    slope = _number(get, "negative_slope", 0.01)
    return None if slope is None else rays(slope, 1.0)


def _rrelu(op: str, get: Get) -> Curve | None:
    """The random slope of each entry is taken at its mean square, sqrt((l² + lu + u²)/3)."""
    low, high = _number(get, "lower", 1 / 8), _number(get, "upper", 1 / 3)
    if low is None or high is None:
        return None
    return rays(math.sqrt((low * low + low * high + high * high) / 3), 1.0)


def _elu(op: str, get: Get) -> Curve | None:
    alpha = _number(get, "alpha", 1.0)
    if alpha is None or (op == "celu" and alpha == 0):
        return None
    rate = 1.0 / alpha if op == "celu" else 1.0
    return _exponential(op, alpha, rate, 1.0)


def _selu(op: str, get: Get) -> Curve:
    return _exponential("selu", 1.6732632423543772, 1.0, 1.0507009873554805)


def _exponential(op: str, alpha: float, rate: float, scale: float) -> Curve:
    return Curve(
        (op, repr(alpha), repr(scale)),
        lambda x: scale * (x if x > 0 else alpha * math.expm1(rate * x)),
        lambda x: scale * (1.0 if x > 0 else alpha * rate * math.exp(rate * x)),
    )


def _gelu(op: str, get: Get) -> Curve:
    if get("approximate") != "tanh":
        return Curve(("gelu",), lambda x: x * _cdf(x), lambda x: _cdf(x) + x * _pdf(x))
    c = math.sqrt(2 / math.pi)

    def slope(x: float) -> float:
        t = math.tanh(c * (x + 0.044715 * x**3))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)

    key = ("gelu", "tanh")
    return Curve(key, lambda x: 0.5 * x * (1 + math.tanh(c * (x + 0.044715 * x**3))), slope)


def _softplus_of(op: str, get: Get) -> Curve | None:
    beta, threshold = _number(get, "beta", 1.0), _number(get, "threshold", 20.0)
    if beta is None or threshold is None or beta <= 0:
        return None
    key = ("softplus", repr(beta))
    return Curve(key, lambda x: _softplus(beta * x) / beta, lambda x: sigmoid(beta * x))


def _clamp(op: str, get: Get) -> Curve | None:
    names = ("min_val", "max_val") if op == "hardtanh" else ("min", "max")
    bounds = (-1.0, 1.0) if op == "hardtanh" else (-math.inf, math.inf)
    low, high = (_number(get, name, bound) for name, bound in zip(names, bounds, strict=True))
    if low is None or high is None:
        return None
    return _between(op, low, high)


def _between(op: str, low: float, high: float) -> Curve:
    if (low, high) == (0.0, math.inf):
        return rays(0.0, 1.0)
    low = min(low, high)  # torch fills with the upper bound where the lower one is above it
    return Curve(
        (op, repr(low), repr(high)),
        lambda x: min(max(x, low), high),
        lambda x: 1.0 if low < x < high else 0.0,
        tuple(dict.fromkeys(bound for bound in (low, high) if math.isfinite(bound))),
    )


def _shrink(op: str, get: Get) -> Curve | None:
    lambd = _number(get, "lambd", 0.5)
    if lambd is None:
        return None
    cut = lambd if op == "softshrink" else 0.0
    return Curve(
        (op, repr(lambd)),
        lambda x: x - cut if x > lambd else x + cut if x < -lambd else 0.0,
        lambda x: 1.0 if abs(x) > lambd else 0.0,
        (-lambd, lambd),
    )


def _threshold(op: str, get: Get) -> Curve | None:
    at, value = _number(get, "threshold", 0.0), _number(get, "value", 0.0)
    if at is None or value is None:
        return None
    key = (op, repr(at), repr(value))
    return Curve(key, lambda x: x if x > at else value, lambda x: 1.0 if x > at else 0.0, (at,), None, value <= at)


def _power(op: str, get: Get) -> Curve | None:
    # The operator `**` hands its right side on as `other`.
    exponent = _number(get, "exponent" if get("exponent") is not None else "other", math.nan) if op == "pow" else 2.0
    if exponent is None or exponent != exponent or exponent < 1 or exponent != int(exponent):
        return None
    p = int(exponent)
    return Curve((op, str(p)), lambda x: x**p, lambda x: p * x ** (p - 1), (0.0,), None, p % 2 == 1)


_CURVES: dict[str, Callable[[str, Get], Curve | None]] = {
    "relu": _relu,
    "relu6": lambda op, get: _between(op, 0.0, 6.0),
    "leaky_relu": _leaky_relu,
    "rrelu": _rrelu,
    "elu": _elu,
    "celu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "silu": _fixed(lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
    "mish": _fixed(_mish, _dmish),
    "hardswish": _fixed(
        lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
        lambda x: 0.0 if x < -3 else 1.0 if x > 3 else (2 * x + 3) / 6,
        (-3.0, 3.0),
    ),
    "sigmoid": _fixed(sigmoid, _dsigmoid),
    "hardsigmoid": _fixed(lambda x: min(max(x + 3, 0.0), 6.0) / 6, lambda x: 1 / 6 if -3 < x < 3 else 0.0, (-3.0, 3.0)),
    "logsigmoid": _fixed(lambda x: -_softplus(-x), lambda x: sigmoid(-x)),
    "tanh": _fixed(math.tanh, _dtanh),
    "hardtanh": _clamp,
    "clamp": _clamp,
    "softplus": _softplus_of,
    "softsign": _fixed(lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "tanhshrink": _fixed(lambda x: x - math.tanh(x), lambda x: math.tanh(x) ** 2),
    "softshrink": _shrink,
    "hardshrink": _shrink,
    "threshold": _threshold,
    "erf": _fixed(math.erf, lambda x: 2 / math.sqrt(math.pi) * math.exp(-x * x)),
    "atan": _fixed(math.atan, lambda x: 1 / (1 + x * x)),
    "asinh": _fixed(math.asinh, lambda x: 1 / math.sqrt(1 + x * x)),
    "sin": _fixed(math.sin, math.cos, (), False),
    "cos": _fixed(math.cos, lambda x: -math.sin(x), (), False),
    "exp": _fixed(lambda x: math.exp(min(x, 300.0)), lambda x: math.exp(min(x, 300.0)), ()),
    "expm1": _fixed(lambda x: math.expm1(min(x, 300.0)), lambda x: math.exp(min(x, 300.0)), ()),
    "abs": lambda op, get: rays(-1.0, 1.0),
    "neg": lambda op, get: rays(-1.0, -1.0),
    "square": _power,
    "pow": _power,
}

ELEMENTWISE = frozenset(_CURVES)


def at_point(op: str, x: float) -> tuple[float, float]:
    """Returns value and slope at a positive number of an op that has no Gaussian moments: a root, an inverse, a logarithm."""
    return _AT[op](x)


_AT: dict[str, Callable[[float], tuple[float, float]]] = {
    "sqrt": lambda x: (math.sqrt(x), 0.5 / math.sqrt(x)),
    "rsqrt": lambda x: (1.0 / math.sqrt(x), -0.5 * x**-1.5),
    "reciprocal": lambda x: (1.0 / x, -1.0 / (x * x)),
    "log": lambda x: (math.log(x), 1.0 / x),
    "log1p": lambda x: (math.log1p(x), 1.0 / (1.0 + x)),
}
