"""Weights that a parametrisation of the program's own makes: a parameter times numbers that are made of its norms, such as a bound of them.

The norm of n independent entries is nearly √(n·E[w²]), so that such a weight is the parameter times one number.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from vglint.ops import has
from vglint.ops.grid import Grid
from vglint.ops.grids import grid
from vglint.ops.init import Spread
from vglint.shape import Shape
from vglint.value import Literal_


class Made(NamedTuple):
    """`factor` times the parameter, or a number."""

    factor: float | None
    number: float | None = None


def scaled_by(expression: Literal_, shape: Shape, spread: Spread) -> float | None:
    """Returns what a parametrisation multiplies a parameter by, None where that is not known."""
    variance = spread.variance()
    sizes = tuple(size for size in shape if isinstance(size, int))
    if variance is None or len(sizes) < len(shape):
        return None
    found = _made(expression, sizes, spread.mean**2 + variance)
    return found.factor if found is not None else None


def _made(text: Literal_, sizes: tuple[int, ...], square: float) -> Made | None:
    if text == "x":
        return Made(1.0)
    if not isinstance(text, tuple) or len(text) < 3 or not isinstance(text[0], str) or not isinstance(text[1], tuple):
        return None
    config: dict[str, Literal_] = {
        item[0]: item[1] for item in text[1] if isinstance(item, tuple) and isinstance(item[0], str)
    }
    op = text[0]
    inputs = [_made(each, sizes, square) for each in text[2:]]
    known = [each for each in inputs if each is not None]
    if len(known) < len(inputs):
        return None
    one = known[0]
    if one.factor is not None and len(known) == 1:
        return _of_parameter(op, config, one.factor, sizes, square)
    if has(op, "scales") and len(known) == 2:
        return _product(op, one, known[1])
    numbers = [each.number for each in known if each.number is not None]
    if len(numbers) < len(known):
        return None
    found = grid(op, config.get, [_alone(value) for value in numbers])
    return Made(None, float(found.at(()))) if found is not None and not found.shape else None


def _alone(value: float) -> Grid:
    return Grid((), lambda index: value)


def _of_parameter(
    op: str, config: dict[str, Literal_], factor: float, sizes: tuple[int, ...], square: float
) -> Made | None:
    if config.get("p", 2) not in (2, 2.0, "fro") or config.get("ord", 2) not in (2, 2.0):
        return None
    other = config.get("other")
    if has(op, "scales") and isinstance(other, (int, float)) and other:
        return Made(factor * other if op == "mul" else factor / other)
    dims = config.get("dim")
    dims = dims if isinstance(dims, tuple) else (dims,)
    over = [dim % len(sizes) for dim in dims if isinstance(dim, int) and -len(sizes) <= dim < len(sizes)]
    if len(over) < len(dims):
        return None
    if has(op, "statistic") and has(op, "roots") and op != "std":
        return Made(None, abs(factor) * math.sqrt(math.prod(sizes[dim] for dim in over) * square))
    bound = config.get("maxnorm")
    if op != "renorm" or len(over) != 1 or not isinstance(bound, (int, float)):
        return None
    norm = abs(factor) * math.sqrt(math.prod(sizes) / sizes[over[0]] * square)
    return Made(factor * min(1.0, bound / norm) if norm > 0 else factor)


def _product(op: str, one: Made, other: Made) -> Made | None:
    if op == "mul":
        one, other = (one, other) if one.number is None else (other, one)
    if other.number is None or (op == "div" and other.number == 0.0):
        return None
    value = other.number if op == "mul" else 1.0 / other.number
    return Made(one.factor * value) if one.factor is not None else Made(None, (one.number or 0.0) * value)
