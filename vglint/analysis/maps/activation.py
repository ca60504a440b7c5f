"""Elementwise functions: x → φ(x), one at a time or composed (`x * torch.sigmoid(x)` is SiLU).

q' = E[φ²],  g ← g·E[φ'²];  pairs by Hermite expansion       (Poole et al. 2016, Schoenholz et al. 2017)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from vglint.analysis.maps import maps
from vglint.analysis.maps.concat import totalled
from vglint.analysis.state import IDENTITY, AbstainError, Grad, Law, Piece, State, Step, law_of
from vglint.analysis.streams import Mixture, by_centre, gaussian_points, mixture_points, through_mixture
from vglint.analysis.use import Use
from vglint.ops import has
from vglint.ops.curves import ELEMENTWISE, Curve, composed, curve, rays
from vglint.ops.quadrature import gaussian_moments, maximum_moments, pull


@maps(*sorted(ELEMENTWISE))
def activation(use: Use) -> Step:
    found = curve(use.node.op, use.get)
    if found is None:
        return steady_power(use)
    return through(use, found)


def steady_power(use: Use) -> Step:
    """A power that has no Gaussian moments, of a tensor that hardly varies: its value at the mean."""
    exponent, state = use.get("exponent"), use.inputs[0] if use.inputs else None
    if use.node.op != "pow" or len(use.inputs) != 1 or not isinstance(exponent, (int, float)):
        raise AbstainError(f"arguments of {use.node.op} are not known")
    if state is None or state.scale or state.mu <= 0 or state.q - state.mu**2 > 0.1 * state.mu**2:
        raise AbstainError("a power of a signal")
    value, gain = state.mu**exponent, (exponent * state.mu ** (exponent - 1.0)) ** 2
    own = (state.q - state.mu**2) * gain
    out = state._replace(
        q=value * value + own, mu=value, db=state.db * gain, ds=state.ds * gain, r=value * value, law=None,
        parts=((use.index, 1.0),),
    )  # fmt: skip
    return out, lambda grad: [grad.times(gain)]


@maps("prelu")
def prelu(use: Use) -> Step:
    """Leaky ReLU whose slope is a parameter: its mean square counts."""
    parameter = use.parameter("weight")
    spread = use.spread_of(parameter, parameter.shape) if parameter is not None else None
    if spread is None:
        given = use.inputs[1] if len(use.inputs) > 1 else None
        spread = given.spread if given is not None else None
    variance = spread.variance() if spread is not None else None
    if spread is None or variance is None:
        raise AbstainError("the slope is not known")
    return through(use, rays((spread.mean**2 + variance) ** 0.5, 1.0))


@maps("glu")
def glu(use: Use) -> Step:
    """a·σ(b) of the two halves: half of the input's channels get E[σ²]·g, the others q·E[σ'²]·g."""
    state = use.state()
    if state.scale:
        raise AbstainError("a width is not known")
    law = law_of(state, use.node.inputs[0])
    gate = curve("sigmoid", lambda name: None)
    assert gate is not None
    if law.among != 1.0:
        raise AbstainError("gate of a pooled signal")
    found = gaussian_moments(composed(law.curve, gate), law.mu, law.v)
    q, s = state.q, found.square
    between, across = found.distance(law.db), found.distance(law.ds)
    out = State(
        q * s,
        state.mu * found.mean,
        q * between + state.db * s - state.db * between,
        q * across + state.ds * s - state.ds * across,
        state.r * found.mean**2,
        channels=None,
        axes=state.axes,
        places=state.places,
        parts=((use.index, 1.0),),
    )
    gain = (s + q * found.slope2) / 2

    def back(grad: Grad) -> Sequence[Grad]:
        pair = (s - between + (q - state.db) * found.kernel(law.db)) / 2
        place = (s - across + (q - state.ds) * found.kernel(law.ds)) / 2
        return [
            grad._replace(g=grad.g * gain, gs=grad.gs * place, gb=grad.gb * pair, gx=grad.gx * min(pair, place), gr=0.0)
        ]

    return out, back


def through(use: Use, then: Curve, position: int = 0) -> Step:
    """Returns the map of one more curve applied to an input's law."""
    state = use.state(position)
    if len(state.parts_of()) > 1 and state.law is None and not state.scale:
        return part_by_part(use, state, then, position)
    law = law_of(state, use.node.inputs[position])
    found, after = evaluated(state, law, composed(law.curve, then), use.index)
    back = slope_back(law, after, use, state, then)
    count = len(use.inputs)
    if count == 1:
        return found, lambda grad: [back(grad)]
    return found, lambda grad: [back(grad) if i == position else Grad(0.0) for i in range(count)]


def part_by_part(use: Use, state: State, then: Curve, position: int) -> Step:
    """Returns the map of a curve over a concatenation whose parts have moments of their own."""
    pieces, slopes = [], []
    for piece in state.parts_of():
        moments = gaussian_moments(then, piece.mu, max(piece.q - piece.mu**2, 0.0))
        db, ds = moments.distance(piece.db), moments.distance(piece.ds)
        pieces.append(
            Piece(piece.share, moments.square, moments.mean, min(db, moments.square), min(ds, moments.square))
        )
        slopes.append(moments.slope2)
    law = law_of(state, use.node.inputs[position])
    found, after = evaluated(state, law, composed(law.curve, then), use.index)
    back = slope_back(law, after, use, state)
    out = totalled(found._replace(law=None, pieces=tuple(pieces)))
    mean = sum(piece.share * slope for piece, slope in zip(pieces, slopes, strict=True))
    factors = tuple(slope / mean if mean > 0 else 1.0 for slope in slopes)
    count = len(use.inputs)

    def parted(grad: Grad) -> Grad:
        given = grad.pieces if grad.pieces is not None and len(grad.pieces) == len(factors) else (1.0,) * len(factors)
        both = [one * other for one, other in zip(given, factors, strict=True)]
        whole = sum(piece.share * one for piece, one in zip(pieces, both, strict=True))
        inner = back(grad).times(whole * mean / after.slope2 if after.slope2 > 0 else 1.0)
        return inner._replace(pieces=tuple(one / whole for one in both) if whole > 0 else None)

    return out, lambda grad: [parted(grad) if i == position else Grad(0.0) for i in range(count)]


_LONGEST = 200
"""Words of the key of a curve that is integrated: some forty functions of one another, each of which is evaluated at every point."""


def evaluated(state: State, law: Law, whole: Curve, index: int) -> tuple[State, Law]:
    """Returns the state of whole(z) for the Gaussian z of a law, and the new law."""
    if len(whole.key) > _LONGEST:
        raise AbstainError("functions of functions")
    if state.scale and whole.linear is None:
        raise AbstainError("a width is not known")
    if law.mixture is not None and law.among == 1.0:
        return of_stream(state, law, law.mixture, whole, index)
    moments = gaussian_moments(whole, law.mu, law.v)
    mean, square, slope2, slope4 = moments.mean, moments.square, moments.slope2, moments.slope4
    db, ds = moments.distance(law.db), moments.distance(law.ds)
    spot = law.mu * law.mu + law.v
    apart = spot - law.r
    r = mean * mean if apart >= law.v * (1 - 1e-9) else square - moments.distance(apart)
    kb, ks, kr = moments.kernel(law.db), moments.kernel(law.ds), moments.kernel(apart)
    if law.among != 1.0:
        mean, square, top_slope = maximum_moments(whole, law.mu, law.v, law.ds, law.among)
        part = top_slope / slope2 if slope2 > 0 else 0.0
        # Pairs see the largest as a Gaussian of its own mean and variance: what the window shares stays, what is private to its entries shrinks.
        top, top_square, _ = maximum_moments(IDENTITY, 0.0, 1.0, 1.0, law.among)
        private = law.ds * (top_square - top * top)
        centre, v = law.mu + math.sqrt(max(law.ds, 0.0)) * top, max(law.v - law.ds, 0.0) + private
        pairs = gaussian_moments(whole, centre, v)
        rest = max(square - mean * mean, 0.0) / max(pairs.square - pairs.mean**2, 1e-300)
        between = private * min(law.db / law.ds, 1.0) + max(law.db - law.ds, 0.0) if law.ds > 0 else law.db
        db, ds = rest * pairs.distance(between), rest * pairs.distance(private)
        r = square - rest * pairs.distance(min(apart, law.v) / law.v * v if law.v > 0 else 0.0)
        kb, ks, kr, slope2, slope4 = kb * part, ks * part, kr * part, top_slope, slope4 * part
    after = Law(law.root, law.mu, law.v, law.db, law.ds, law.r, whole, law.among, slope2, slope4, kb, ks, kr)
    kept = None if has(whole.key[0], "flattens") else state.map
    db, ds = min(db, square), min(ds, square)
    scale, width, places = state.scale, state.channels, state.places
    # Neighbours that have a share of z in common have less of the curve in common.
    close = moments.distance(law.ds * (1.0 - state.near)) if state.near > 0.0 and law.among == 1.0 else ds
    near = max(1.0 - close / ds, 0.0) if ds > 0.0 else 0.0
    return State(
        square, mean, db, ds, r, scale, width, state.axes, places, after, ((index, 1.0),), map=kept, near=near
    ), after


def of_stream(state: State, law: Law, mixture: Mixture, whole: Curve, index: int) -> tuple[State, Law]:
    """Returns the state of whole(z) for a z that is no Gaussian; pairs are taken between their two limits, all alike and independent."""
    found = through_mixture(whole, mixture)
    variance = max(found.square - found.mean**2, 0.0)

    def apart(d: float) -> float:
        share = min(d / law.v, 1.0) if law.v > 0 else 0.0
        return share * ((1.0 - share) * found.slope2 * law.v + share * variance)

    def kernel(d: float) -> float:
        share = min(d / law.v, 1.0) if law.v > 0 else 0.0
        return (1.0 - share) * found.slope2 + share * found.slope**2

    spot = law.mu * law.mu + law.v
    db, ds, r = apart(law.db), apart(law.ds), found.square - apart(spot - law.r)
    kb, ks, kr = kernel(law.db), kernel(law.ds), kernel(spot - law.r)
    after = law._replace(curve=whole, slope2=found.slope2, slope4=found.slope4, kb=kb, ks=ks, kr=kr)
    kept = None if has(whole.key[0], "flattens") else state.map
    scale, width, places = state.scale, state.channels, state.places
    return State(
        found.square, found.mean, db, ds, r, scale, width, state.axes, places, after, ((index, 1.0),), map=kept,
        near=state.near,
    ), after  # fmt: skip


def slope_back(law: Law, after: Law, use: Use, state: State, then: Curve | None = None) -> Callable[[Grad], Grad]:
    """Returns the gradient map from the curve `after` back to the curve of `law`, both at the same Gaussian."""

    def share(new: float, old: float) -> float:
        return new / old if old > 0 else 0.0

    gain, pair = share(after.slope2, law.slope2), share(after.kb, law.kb)
    place, channel = share(after.ks, law.ks), share(after.kr, law.kr)
    kappa = share(after.slope4, after.slope2**2)
    excess = 3.0 * (kappa - share(law.slope4, law.slope2**2))
    width = float(state.channels) if isinstance(state.channels, int) else 1e9
    pairs = use.batch * (state.places or 1.0)

    whole = state.law is None and after.mixture is None and after.among == 1.0 and not state.scale
    turn = turning_of(state, then) if then is not None and after.among == 1.0 else 0.0

    def back(grad: Grad) -> Grad:
        along = 0.0
        if grad.along and whole and law.v > 0:
            pulled, square = pull(after.curve, float(f"{law.v:.2g}"))
            along = grad.along * pulled
            weight = grad.along**2 * math.exp(-grad.lv)
            own = weight * gaussian_moments(after.curve, law.mu, law.v).square
            grad = grad._replace(g=max(grad.g - own, 0.0) + (weight * square / gain if gain > 0 else 0.0))
        if grad.units is not None or after.mixture is not None:
            grad = over_points(grad, after)
        rho = grad.rho * (pair / gain) ** 2 if gain > 0 else grad.rho
        lv = grad.lv + excess / width * ((1.0 - grad.rho) / pairs + grad.rho)
        rho += (1.0 - rho) * max(kappa, 1.0) / width
        bend = max(grad.gs, 0.0) * turn if not grad.scale else 0.0
        return Grad(
            grad.g * gain,
            grad.gs * place,
            grad.gb * pair,
            grad.gx * min(pair, place),
            grad.gr * channel,
            grad.scale,
            lv,
            min(rho, 1.0),
            grad.map,
            grad.units,
            along,
            grad.pieces,
            bend=bend,
        )

    return back


def turning_of(state: State, curve: Curve) -> float:
    """Returns (E[φ'(z)(z − μ)]/v)² of a curve of two rays: how much of what it passes back goes with its input."""
    v = state.q - state.mu**2
    if curve.linear is None or v <= 0.0 or state.scale:
        return 0.0
    left, right = curve.linear
    return (right - left) ** 2 * math.exp(-(state.mu**2) / v) / (2.0 * math.pi * v)


def over_points(grad: Grad, after: Law) -> Grad:
    """Returns the gradient scaled by what a stream's units share: those far above zero pass theirs on and had more of it."""
    mixture = after.mixture
    if mixture is None:
        points = gaussian_points(after.curve, after.mu, after.v)
        if grad.units is None or len(grad.units) != len(points.centres):
            return grad._replace(units=None)
        return grad.times(points.back(grad.units))._replace(units=None)
    points = mixture_points(after.curve, mixture)
    units = (
        grad.units
        if grad.units is not None and len(grad.units) == len(points.centres)
        else (1.0,) * len(points.centres)
    )
    return grad.times(points.back(units))._replace(units=by_centre(points, mixture, units))
