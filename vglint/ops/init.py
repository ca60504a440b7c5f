"""Mean and variance of a parameter's entries for every initialiser of torch.nn.init.

    spread(init, shape) -> Spread | None

Formulas are those of torch.nn.init (2.13) and the papers it names; each is compared with real tensors in the tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from vglint.graph import Init
from vglint.shape import Dim, Shape
from vglint.value import Expr, Unknown, divided, times

Size = int | float | Expr


class Spread(NamedTuple):
    """How a parameter's entries are distributed: mean, and variance `var / over`.

    `over` is a size, possibly symbolic, so that fan_in · variance cancels for a width that is not known. `form` is `iid`;
    `orthogonal`: rows or columns orthonormal up to `sqrt(var)`, `over` the longer side; `identity`: eye_ or dirac_ times `sqrt(var)`.
    """

    mean: float
    var: float
    over: Size = 1
    form: str = "iid"

    def scaled(self, factor: float) -> Spread:
        if factor == 1.0:
            return self
        return Spread(self.mean * factor, self.var * factor * factor, self.over, self.form)

    def variance(self) -> float | None:
        """Returns the variance of one entry where it is a number."""
        return self.var / self.over if isinstance(self.over, (int, float)) else None


def spread(init: Init, shape: Shape | None) -> Spread | None:
    """Returns the distribution of a parameter's entries, None where the scheme or an argument is not known, or differs from part to part."""
    rule = _RULES.get(init.scheme)
    if rule is None or init.blocks < 1 or init.parts:
        return None
    if shape is not None and init.blocks > 1 and shape:
        first = divided(shape[0], init.blocks) if shape[0] is not None else None
        shape = (first if isinstance(first, (int, Expr)) else None, *shape[1:])
    found = rule(_Args(init), shape)
    return None if found is None else found.scaled(init.scale)


def fans(shape: Shape | None) -> tuple[Dim, Dim]:
    """Returns torch's fan_in and fan_out: size(1) and size(0), each times the kernel."""
    if shape is None or len(shape) < 2:
        return None, None
    field: Dim = 1
    for dim in shape[2:]:
        field = _times(field, dim)
    return _times(shape[1], field), _times(shape[0], field)


def default_bias(fan_in: Size) -> Spread:
    """Returns U(±1/√fan_in), the bias of torch's Linear and convolutions."""
    return Spread(0.0, 1 / 3, fan_in)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float | None:
    """Returns torch.nn.init.calculate_gain; None where torch raises."""
    match nonlinearity:
        case "tanh":
            return 5 / 3
        case "relu":
            return math.sqrt(2)
        case "leaky_relu":
            slope = 0.01 if param is None else param
            return math.sqrt(2 / (1 + slope**2)) if abs(slope) < _STEEPEST else None
        case "selu":
            return 0.75
        case _:
            return 1.0 if nonlinearity in _LINEAR else None


_STEEPEST = 1e154
"""Slopes above it have no square that is a float."""
_LINEAR = {
    "linear", "sigmoid", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
}  # fmt: skip


class _Args:
    """The arguments of one initialiser; `missing` becomes true once one was asked for and is not a number."""

    def __init__(self, init: Init) -> None:
        self.values = dict(init.args)
        self.missing = False

    def number(self, name: str, default: float) -> float:
        if name not in self.values:
            return default
        value = self.values[name]
        if isinstance(value, (int, float)):
            return float(value)
        self.missing = True
        return default

    def text(self, name: str, default: str) -> str:
        value = self.values.get(name, default)
        if isinstance(value, str):
            return value
        self.missing = isinstance(value, (Unknown, Expr)) or self.missing
        return default


def _normal(args: _Args, shape: Shape | None) -> Spread | None:
    mean, std = args.number("mean", 0.0), args.number("std", 1.0)
    return None if args.missing else Spread(mean, std * std)


def _trunc_normal(args: _Args, shape: Shape | None) -> Spread | None:
    """The bounds are absolute; variance of a normal cut at α = (a − mean)/std and β = (b − mean)/std."""
    mean, std = args.number("mean", 0.0), args.number("std", 1.0)
    low, high = args.number("a", -2.0), args.number("b", 2.0)
    if args.missing or std < 0:
        return None
    if std == 0:
        return Spread(mean, 0.0)
    alpha, beta = (low - mean) / std, (high - mean) / std
    mass = _cdf(beta) - _cdf(alpha)
    if mass <= 0:
        return None
    shift = (_pdf(alpha) - _pdf(beta)) / mass
    shrink = 1 + (_edge(alpha) - _edge(beta)) / mass - shift * shift
    return Spread(mean + std * shift, std * std * shrink)


def _uniform(args: _Args, shape: Shape | None) -> Spread | None:
    low, high = args.number("a", 0.0), args.number("b", 1.0)
    return None if args.missing else Spread((low + high) / 2, (high - low) ** 2 / 12)


def _constant(args: _Args, shape: Shape | None) -> Spread | None:
    value = args.number("val", 0.0)
    return None if args.missing or "val" not in args.values else Spread(value, 0.0)


def _xavier(args: _Args, shape: Shape | None) -> Spread | None:
    """Var = gain² · 2 / (fan_in + fan_out), uniform or normal."""
    gain = args.number("gain", 1.0)
    fan_in, fan_out = fans(shape)
    if args.missing or fan_in is None or fan_out is None:
        return None
    if fan_in == fan_out:
        return Spread(0.0, gain * gain, fan_in)
    if isinstance(fan_in, int) and isinstance(fan_out, int):
        return Spread(0.0, 2 * gain * gain / (fan_in + fan_out)) if fan_in + fan_out else None
    # One monomial each (4d and d): the sum is one too.
    ratio = divided(fan_out, fan_in)
    if isinstance(ratio, (int, float)):
        return Spread(0.0, 2 * gain * gain / (1 + ratio), fan_in)
    return None


def _kaiming(args: _Args, shape: Shape | None) -> Spread | None:
    """Var = gain² / fan, uniform or normal; the nonlinearity is leaky_relu with slope a unless named."""
    gain = calculate_gain(args.text("nonlinearity", "leaky_relu"), args.number("a", 0.0))
    mode = args.text("mode", "fan_in")
    if args.missing or gain is None or mode not in ("fan_in", "fan_out"):
        return None
    fan_in, fan_out = fans(shape)
    fan = fan_in if mode == "fan_in" else fan_out
    if fan is None:
        # A layer whose width is not known still has Var · fan_in = gain²: the propagation takes its own fan.
        return None
    return Spread(0.0, gain * gain, fan) if fan != 0 else None


def _orthogonal(args: _Args, shape: Shape | None) -> Spread | None:
    """The matrix (size(0), everything else) has orthonormal rows or columns: Var = gain² / longer side."""
    gain = args.number("gain", 1.0)
    if args.missing or shape is None or len(shape) < 2:
        return None
    rows, columns = shape[0], fans(shape)[0]
    if rows is None or columns is None:
        return None
    ratio = divided(rows, columns)
    if not isinstance(ratio, (int, float)):
        return None
    return Spread(0.0, gain * gain, rows if ratio >= 1 else columns, "orthogonal")


def _sparse(args: _Args, shape: Shape | None) -> Spread | None:
    """Each column loses ⌈sparsity · rows⌉ of its entries; the others are N(0, std²)."""
    sparsity, std = args.number("sparsity", 0.0), args.number("std", 0.01)
    if args.missing or shape is None or not isinstance(shape[0], int) or shape[0] == 0:
        return None
    return Spread(0.0, std * std * (1 - math.ceil(sparsity * shape[0]) / shape[0]))


def _identity(args: _Args, shape: Shape | None) -> Spread | None:
    return Spread(0.0, 1.0, 1, "identity")


def _values(value: float) -> Callable[[_Args, Shape | None], Spread | None]:
    return lambda args, shape: Spread(value, 0.0)


_RULES: dict[str, Callable[[_Args, Shape | None], Spread | None]] = {
    "normal": _normal,
    "computed": _normal,
    "trunc_normal": _trunc_normal,
    "uniform": _uniform,
    "constant": _constant,
    "zeros": _values(0.0),
    "ones": _values(1.0),
    "xavier_uniform": _xavier,
    "xavier_normal": _xavier,
    "kaiming_uniform": _kaiming,
    "kaiming_normal": _kaiming,
    "orthogonal": _orthogonal,
    "sparse": _sparse,
    "eye": _identity,
    "dirac": _identity,
}


def _times(left: Dim, right: Dim) -> Dim:
    if left is None or right is None:
        return None
    found = times(left, right)
    return found if isinstance(found, (int, Expr)) else None


def _cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _pdf(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _edge(x: float) -> float:
    return x * _pdf(x) if math.isfinite(x) else 0.0


def quotient_of(above: Size | None, below: Size) -> float | None:
    """Returns above / below where symbols cancel."""
    if above is None:
        return None
    found = divided(above, below) if not isinstance(above, float) else None
    if isinstance(above, float) and isinstance(below, (int, float)):
        return above / below
    return float(found) if isinstance(found, (int, float)) else None


CONSTANTS = frozenset({"zeros", "ones", "constant", "fill", "full"})
"""Initialisers that fill with one number."""


def constant_of(init: Init) -> object:
    """Returns the number that an initialiser of `CONSTANTS` fills with; None where it is not known."""
    given = dict(init.args)
    if init.scheme in ("zeros", "ones"):
        return float(init.scheme == "ones")
    return next((given[name] for name in ("val", "value", "fill_value") if name in given), None)
