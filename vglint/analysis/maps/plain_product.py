"""A product of two signals whose sum runs over the channels of one and the positions of the other: linear attention's `q @ (kᵀ v)`.

o_i = Σ_d a_id b_d     E[o²] = n·q_a·q_b + n(n−1)·r_a·c_b,   c_b = q_b − ds_b what two rows of b have in common
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vglint.analysis.state import AbstainError, Back, Grad, State, Step
from vglint.analysis.use import Use


class Sizes(NamedTuple):
    """Terms of the sum, rows of the left side, channels of the right side that are left."""

    terms: float
    rows: float
    outside: float


def over_rows(use: Use, left: State, right: State, outside: float) -> Step | None:
    """Returns the map of a matrix product over the rows of the right side, None where its rows are no positions or a size is not known."""
    shape = use.shape(0)
    number = shape[-1] if shape else None
    if left.axes is None or right.axes is None or not isinstance(number, int):
        return None
    if left.axes[-2:] != "sc" or right.axes[-2:] != "sc":
        return None
    rows = float(shape[-2]) if shape and isinstance(shape[-2], int) else left.places or use.length
    return weighed_rows(use, left, right, Sizes(float(number), rows, outside), left.axes)


def over_letters(use: Use, letters: tuple[str, str], result: str) -> Step | None:
    """The same of an einsum of two operands over one letter."""
    one, other = use.state(0), use.state(1)
    gone = [letter for letter in letters[0] if letter in letters[1] and letter not in result]
    if len(gone) != 1 or any(
        each.axes is None or len(each.axes) != len(name) for each, name in zip((one, other), letters, strict=True)
    ):
        return None
    meant = [dict(zip(name, each.axes or "", strict=True)) for each, name in zip((one, other), letters, strict=True)]
    known = [size_by_letter(use, position, name) for position, name in enumerate(letters)]
    if meant[0][gone[0]] == meant[1][gone[0]] == "s":
        return over_positions(use, letters, result, (known[0], known[1]), gone[0])
    for left in (0, 1):
        right = 1 - left
        if meant[left][gone[0]] == "c" and meant[right][gone[0]] == "s":
            rows, outside = (
                _left(known[side], set(letters[side]) & set(result) - set(letters[1 - side])) for side in (left, right)
            )
            terms = known[left].get(gone[0])
            if rows is None or outside is None or terms is None:
                return None
            axes = "".join({**meant[right], **meant[left]}[letter] for letter in result)
            step = weighed_rows(use, (one, other)[left], (one, other)[right], Sizes(terms, rows, outside), axes)
            return step if step is None or left == 0 else turned(*step)
    return None


def turned(state: State | None, back: Back | None) -> Step:
    """Returns a map with its two inputs exchanged."""
    return state, None if back is None else lambda grad: [*back(grad)][::-1]


def over_positions(
    use: Use, letters: tuple[str, str], result: str, known: tuple[dict[str, float], dict[str, float]], gone: str
) -> Step | None:
    """Returns the map of `kᵀ v`, a sum over the positions that two signals share. The side whose channels have more in common gives the rows."""
    rows = 0 if shared(use.state(0)) >= shared(use.state(1)) else 1
    one, other = use.state(rows), use.state(1 - rows)
    own = [set(letters[side]) & set(result) - set(letters[1 - side]) for side in (rows, 1 - rows)]
    high, wide, n = _left(known[rows], own[0]), _left(known[1 - rows], own[1]), known[0].get(gone)
    if one.scale or other.scale or high is None or wide is None or n is None:
        return None
    pairs, both = n * (n - 1), min(one.r, one.q - one.ds)
    common_one, common = max(one.q - one.ds, 0.0), max(other.q - other.ds, 0.0)
    q = n * one.q * other.q + pairs * common_one * common
    alike = n * one.r * other.q + pairs * both * common
    apart = n * (one.q * other.q - (one.q - one.db) * (other.q - other.db)) + pairs * common_one * min(common, other.db)
    axes = "".join("s" if letter in own[0] else "c" if letter in own[1] else "b" for letter in result)
    out = State(
        q, n * one.mu * other.mu, min(apart, q), max(q - alike, 0.0), n * one.q * other.r + pairs * common_one * other.r,
        channels=int(wide), axes=axes, places=high, parts=((use.index, 1.0),),
    )  # fmt: skip

    def back(grad: Grad) -> Sequence[Grad]:
        mine = Grad(wide * other.q * grad.g, wide * common * grad.g, scale=grad.scale, lv=grad.lv, rho=grad.rho)
        together = high * (high - 1) * max(grad.gs, 0.0)
        sent = Grad(
            high * one.q * grad.g + one.r * together,
            high * common_one * grad.g + both * together,
            scale=grad.scale,
            lv=grad.lv,
            rho=grad.rho,
        )
        return [mine, sent] if rows == 0 else [sent, mine]

    return out, back


def shared(state: State) -> float:
    """Returns the share of a signal's second moment that its channels have in common."""
    return state.r / state.q if state.q > 0 else 0.0


def size_by_letter(use: Use, position: int, letters: str) -> dict[str, float]:
    shape = use.shape(position)
    if shape is None or len(shape) != len(letters):
        return {}
    return {letter: float(dim) for letter, dim in zip(letters, shape, strict=True) if isinstance(dim, int)}


def _left(known: dict[str, float], letters: set[str]) -> float | None:
    size = 1.0
    for letter in letters:
        if letter not in known:
            return None
        size *= known[letter]
    return size


def weighed_rows(use: Use, left: State, right: State, sizes: Sizes, axes: str) -> Step | None:
    if left.scale or right.scale:
        return None
    n, rows, outside = sizes
    common, pairs = max(right.q - right.ds, 0.0), n * (n - 1)
    q = max(n * left.q * right.q + pairs * left.r * common, 0.0)
    weighed = 2 * left.r > left.q  # rows that are shares of one: what the other's have in common does not differ
    apart = n * (left.q * right.q - (left.q - left.db) * (right.q - right.db)) + pairs * left.r * min(right.db, common)
    out = State(
        q,
        n * left.mu * right.mu,
        min(apart, q),
        min(n * left.ds * (right.ds if weighed else right.q), q),
        n * left.q * right.r,
        channels=right.channels,
        axes=axes,
        places=left.places,
        parts=((use.index, 1.0),),
    )

    def back(grad: Grad) -> Sequence[Grad]:
        mine = grad.times(outside * right.q)._replace(gr=outside * common * grad.g)
        together = rows * (rows - 1) * max(grad.gs, 0.0)
        other = Grad(
            rows * left.q * grad.g + max(left.q - left.ds, 0.0) * together,
            left.r * (rows * grad.g + together),
            scale=grad.scale,
            lv=grad.lv,
            rho=grad.rho,
        )
        return [mine, other]

    return out, back


def averaged_axes(letters: tuple[str, str], value: State, position: int, result: str) -> str | None:
    """Returns what the dimensions of an average are: those of the value that are left, and a position for each set of weights."""
    name = letters[position]
    if value.axes is None or len(value.axes) != len(name):
        return None
    meant = dict(zip(name, value.axes, strict=True))
    return "".join(meant.get(letter, "s") for letter in result)


def weighed_axes(letters: str, state: State | None, result: str) -> str | None:
    """Returns what the dimensions are of a signal that is multiplied with weights: its own that are left, and channels that the weights make."""
    if state is None or state.axes is None or len(state.axes) != len(letters):
        return None
    meant = dict(zip(letters, state.axes, strict=True))
    return "".join(meant.get(letter, "c") for letter in result)


def scaled_by(use: Use, step: Step, factor: State) -> Step:
    """Returns a map whose result is multiplied, entry by entry, by something that hardly varies."""
    out, back = step
    if out is None or back is None or factor.scale or out.scale or factor.mu**2 < _STEADY * factor.q:
        raise AbstainError("a factor is not known")
    gain = factor.q
    made = out._replace(
        q=out.q * gain,
        mu=out.mu * factor.mu,
        db=out.db * gain,
        ds=out.ds * gain,
        r=out.r * gain,
        law=None,
        parts=((use.index, 1.0),),
    )
    return made, lambda grad: [*back(grad.times(gain)), Grad(0.0)]


_STEADY = 0.85
"""Share of the mean in the second moment from which on a positive signal counts as a number."""


def inverse_of(use: Use, number: float) -> Step:
    """Returns the map of a number divided by a positive signal that hardly varies, such as the sum that normalises linear attention."""
    state = use.state()
    if state.scale or state.mu <= 0 or state.q - state.mu**2 > (1 - _STEADY) * state.q:
        raise AbstainError("division by a signal")
    value, slope = number / state.mu, (number / state.mu**2) ** 2
    out = state._replace(
        q=value * value + (state.q - state.mu**2) * slope, mu=value, db=state.db * slope, ds=state.ds * slope,
        r=value * value, law=None, scores=None, parts=((use.index, 1.0),),
    )  # fmt: skip
    return out, lambda grad: [grad.times(slope)]
