"""Products of two signals that have nothing to do with each other, and gradients of what broadcasting repeats."""

from __future__ import annotations

from vglint.analysis.state import PLACES, Grad, State, Step, merged
from vglint.analysis.use import Use


def gated(use: Use, left: State, right: State) -> Step:
    """Product of two independent tensors."""

    def apart(name: str) -> float:
        one, other = float(getattr(left, name)), float(getattr(right, name))
        return left.q * other + one * right.q - one * other

    spread = None
    if left.spread is not None and right.q == right.mu**2:
        spread = left.spread.scaled(right.mu)
    elif left.spread is not None and right.spread is not None and left.q == left.mu**2:
        spread = right.spread.scaled(left.mu)
    wide = left if (left.places or 2) >= (right.places or 2) else right
    out = State(
        left.q * right.q,
        left.mu * right.mu,
        apart("db"),
        apart("ds"),
        left.r * right.r,
        merged(left.scale, right.scale),
        wide.channels if wide.channels is not None else left.channels,
        wide.axes or left.axes or right.axes,
        wide.places,
        None,
        ((use.index, 1.0),),
        0.0,
        spread,
        None,
    )
    fold_left, fold_right = folds(use, 0), folds(use, 1)

    def side(grad: Grad, other: State, fold: float) -> Grad:
        inner = Grad(
            grad.g * other.q,
            grad.gs * (other.q - other.ds),
            grad.gb * (other.q - other.db),
            grad.gx * max(other.q - max(other.db, other.ds), 0.0),
            grad.gr * other.r,
            merged(grad.scale, other.scale),
            grad.lv,
            grad.rho,
            grad.map,
        )
        return gathered(inner, fold)

    return out, lambda grad: [side(grad, right, fold_left), side(grad, left, fold_right)]


def folds(use: Use, position: int) -> float:
    """Returns over how many positions one value of this input is spread by broadcasting."""
    state, other = use.inputs[position], use.inputs[1 - position]
    if state is None or other is None or state.places is None or state.places > 1:
        return 1.0
    if other.axes is None or "s" not in other.axes:
        return 1.0
    if state.spread is not None:
        return 1.0
    return float(other.places) if other.places is not None else float(PLACES)


def gathered(grad: Grad, count: float) -> Grad:
    """Returns the gradient of a value that was repeated over `count` positions."""
    if count <= 1.0:
        return grad
    g = count * grad.g + count * (count - 1) * grad.gs
    gb = count * grad.gb + count * (count - 1) * grad.gx
    return grad._replace(g=g, gs=g, gb=gb, gx=gb, gr=grad.gr * count)
