"""Functions of one number that are written as nested operations: `("mul", (), "x", ("sigmoid", (), "x"))`.

`x` is the number, `g` the gradient that comes back. An operation stands with its config and its operands; only operations that treat every
entry of a tensor alike may stand in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TypeAlias

from vglint.ops.curves import ELEMENTWISE, Curve, curve
from vglint.ops.grid import Grid, number
from vglint.ops.grid_made import EACH_ENTRY
from vglint.ops.grids import grid
from vglint.value import Literal_

Function: TypeAlias = Callable[[float, float], float]
"""f(x, g)."""

POINTWISE = EACH_ENTRY | ELEMENTWISE | frozenset(("setitem", "view_as", "expand_as"))
"""Operations that may stand in an expression."""


class _Cell:
    """Where an expression under way finds its two numbers."""

    __slots__ = ("g", "x")

    def __init__(self) -> None:
        self.x = self.g = 0.0


@lru_cache(maxsize=256)
def function(text: Literal_) -> Function | None:
    """Returns the function that an expression is, None where an operation is not known for numbers."""
    cell = _Cell()
    whole = _grid(text, cell)
    if whole is None or whole.shape:
        return None

    def value(x: float, g: float) -> float:
        cell.x, cell.g = x, g
        return float(whole.at(()))

    try:
        value(0.5, 1.0), value(-0.5, 1.0)
    except (ArithmeticError, ValueError, IndexError, TypeError):
        return None
    return value


def _grid(text: Literal_, cell: _Cell) -> Grid | None:
    if text == "x":
        return Grid((), lambda index: cell.x)
    if text == "g":
        return Grid((), lambda index: cell.g)
    if not isinstance(text, tuple) or len(text) < 2 or not isinstance(text[0], str) or not isinstance(text[1], tuple):
        return None
    config: dict[str, Literal_] = {
        item[0]: item[1] for item in text[1] if isinstance(item, tuple) and isinstance(item[0], str)
    }
    inputs = [_grid(each, cell) for each in text[2:]]
    known = [each for each in inputs if each is not None]
    if len(known) < len(inputs):
        return None
    return _operation(text[0], config, known)


def _operation(op: str, config: Mapping[str, Literal_], inputs: list[Grid]) -> Grid | None:
    if op in ("view_as", "expand_as"):
        return inputs[0]
    if op == "setitem":
        written = number(config.get("value"))
        if written is None or len(inputs) != 2:
            return None
        source, mask, put = inputs[0], inputs[1], written
        return Grid((), lambda index: put if mask.at(index) else source.at(index))
    found = grid(op, config.get, inputs)
    if found is not None or len(inputs) != 1:
        return found
    shape = curve(op, config.get)
    if shape is None:
        return None
    source = inputs[0]
    return Grid((), lambda index: shape.value(source.at(index)))


def curves(forward: Literal_, backward: Literal_) -> tuple[Curve, Curve | None] | None:
    """Returns y(x) with its own slope, and s(x) where the gradient that goes back is s(x)·g and s is not that slope.

    None where an expression is not known, or where what goes back is not proportional to g.
    """
    ahead, behind = function(forward), function(backward)
    if ahead is None or behind is None:
        return None
    bends = tuple(sorted({0.0, *(sign * each for each in _numbers((forward, backward)) for sign in (1.0, -1.0))}))
    key = str(forward)

    def value(x: float) -> float:
        return ahead(x, 1.0)

    def sent(x: float) -> float:
        return behind(x, 1.0)

    def slope(x: float) -> float:
        return (value(x + _STEP) - value(x - _STEP)) / (2.0 * _STEP)

    places = [0.137 + 0.37 * i for i in range(-12, 13)]
    try:
        if any(abs(behind(x, -2.0) + 2.0 * sent(x)) > 1e-9 * (1.0 + abs(sent(x))) for x in places):
            return None
        exact = all(abs(sent(x) - slope(x)) < 1e-4 * (1.0 + abs(sent(x))) for x in places)
    except (ArithmeticError, ValueError, IndexError, TypeError):
        return None
    if exact:
        return Curve(("own", key), value, sent, bends, None, False), None
    flat = Curve(("own", key), value, slope, bends, None, False)
    return flat, Curve(("own", str(backward)), sent, lambda x: 0.0, bends, None, False)


_STEP = 1e-5


def _numbers(text: Literal_) -> Iterator[float]:
    """Yields the numbers of an expression at which a function may bend."""
    if isinstance(text, tuple):
        for item in text:
            yield from _numbers(item)
    elif isinstance(text, (int, float)) and not isinstance(text, bool) and 0.0 < abs(text) <= 20.0:
        yield abs(float(text))
