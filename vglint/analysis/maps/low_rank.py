"""Weights that are products and sums of weights: `W + s·B A` (Hu et al. 2021)."""

from __future__ import annotations

from vglint.analysis.state import ZERO, AbstainError, State, Step
from vglint.analysis.use import Use
from vglint.ops.init import Spread
from vglint.shape import Dim


def product_of_weights(use: Use, left: Spread, right: Spread, inside: Dim) -> Step:
    """Returns the map of a matrix product of two weights: an entry has the variance of one term times the number of terms."""
    one, other = left.variance(), right.variance()
    if left.var == 0.0 == left.mean or right.var == 0.0 == right.mean:
        variance = 0.0
    elif one is None or other is None or not isinstance(inside, int) or left.mean != 0.0 or right.mean != 0.0:
        raise AbstainError("a product of two weights")
    else:
        variance = inside * one * other
    return of_entries(use, variance), lambda grad: [ZERO, ZERO]


def beside_zero(left: State, right: State) -> State | None:
    """Returns the weight to which one that starts at zero is added, None where it is none."""
    if left.spread is None or right.spread is None:
        return None
    return left if right.q == 0.0 else right if left.q == 0.0 else None


def sum_of_weights(use: Use, left: State, right: State, sign: float) -> Spread | None:
    """Returns how the entries of a sum of two independent weights are distributed, None where it is none."""
    if left.spread is None or right.spread is None or left.spread.form != "iid" or right.spread.form != "iid":
        return None
    one, other = left.spread.variance(), right.spread.variance()
    shared = {key for key, _ in left.parts} & {key for key, _ in right.parts}
    if one is None or other is None or shared or use.shape(0) != use.shape(1):
        return None
    return Spread(left.spread.mean + sign * right.spread.mean, one + sign * sign * other)


def of_entries(use: Use, variance: float) -> State:
    """Returns the state of independent entries of mean zero."""
    return State(variance, spread=Spread(0.0, variance), parts=((use.index, 1.0),))
