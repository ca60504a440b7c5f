"""Residual streams that an activation cuts in every block, x ← φ(x + F): a unit far above zero stays there for many blocks.

A Gaussian of the same mean and variance forgets this: under ReLU its variance stops growing, while the stream's grows like a reflected
random walk. So the stream's values are kept as a few weighted points; the branch's Gaussian is added to each of them.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct, field

from vglint.ops.curves import Curve

POINTS = 28
"""Points that stand for a distribution."""


class Mixture(Struct, frozen=True, eq=False):
    """A sum of a stream and a Gaussian: centres with weights, and the Gaussian's variance. `memo` keeps what a curve made of it."""

    centres: tuple[float, ...]
    weights: tuple[float, ...]
    own: float
    memo: dict[tuple[str, ...], Points] = field(default_factory=dict)


class Points(NamedTuple):
    """A distribution as points of nearly equal weight, ascending; `place[k]` is the point that quadrature node k fell into, `slope2[k]` the
    weighted squared slope there: which gradient a value gets back depends on the value that it became."""

    centres: tuple[float, ...]
    weights: tuple[float, ...]
    place: tuple[int, ...]
    slope2: tuple[float, ...]

    def back(self, units: tuple[float, ...]) -> float:
        """Returns by how much the gain differs from E[φ'²] for a gradient that varies over the points."""
        total = sum(self.slope2)
        return sum(s * units[j] for s, j in zip(self.slope2, self.place, strict=True)) / total if total > 0 else 1.0


class Passed(NamedTuple):
    """What a curve makes of a mixture: E[φ], E[φ²], E[φ'], E[φ'²], E[φ'⁴]."""

    mean: float
    square: float
    slope: float
    slope2: float
    slope4: float


def through_mixture(curve: Curve, mixture: Mixture) -> Passed:
    """Returns the moments of a curve, in closed form for two rays."""
    if curve.linear is not None:
        return _rays(curve.linear, mixture)
    value, slope = curve.value, curve.slope
    sigma = math.sqrt(mixture.own)
    mean = square = first = slope2 = slope4 = 0.0
    for centre, weight in zip(mixture.centres, mixture.weights, strict=True):
        for z, part in _NODES:
            x, share = centre + sigma * z, weight * part
            y, dy = value(x), slope(x)
            mean += share * y
            square += share * y * y
            first += share * dy
            slope2 += share * dy * dy
            slope4 += share * dy**4
    return Passed(mean, square, first, slope2, slope4)


def _rays(linear: tuple[float, float], mixture: Mixture) -> Passed:
    """E[relu(c + σz)] = cΦ + σφ, E[relu²] = (c² + σ²)Φ + cσφ, at c/σ."""
    left, right = linear
    sigma = math.sqrt(mixture.own)
    mean = square = above = 0.0
    for centre, weight in zip(mixture.centres, mixture.weights, strict=True):
        if sigma > 0:
            t = centre / sigma
            share = 0.5 * math.erfc(-t / math.sqrt(2))
            density = math.exp(-0.5 * t * t) / math.sqrt(2 * math.pi)
        else:
            share, density = float(centre > 0), 0.0
        up = centre * share + sigma * density
        up2 = (centre * centre + mixture.own) * share + centre * sigma * density
        mean += weight * (right * up + left * (centre - up))
        square += weight * (right * right * up2 + left * left * (centre * centre + mixture.own - up2))
        above += weight * share
    below = 1.0 - above
    return Passed(
        mean,
        square,
        right * above + left * below,
        right**2 * above + left**2 * below,
        right**4 * above + left**4 * below,
    )


def gaussian_points(curve: Curve, mu: float, v: float) -> Points:
    """Returns the points of curve(z), z ~ N(mu, v)."""
    sigma = math.sqrt(v)
    nodes = [(mu + sigma * z, weight) for z, weight in _FINE]
    return _fewer(curve, nodes)


def mixture_points(curve: Curve, mixture: Mixture) -> Points:
    """Returns the points of curve(mixture)."""
    found = mixture.memo.get(curve.key)
    if found is None:
        sigma = math.sqrt(mixture.own)
        nodes = [
            (centre + sigma * z, weight * part)
            for centre, weight in zip(mixture.centres, mixture.weights, strict=True)
            for z, part in _NODES
        ]
        found = mixture.memo[curve.key] = _fewer(curve, nodes)
    return found


def by_centre(points: Points, mixture: Mixture, units: tuple[float, ...]) -> tuple[float, ...]:
    """Returns how the gradient varies over a mixture's centres, mean 1, given how it varies over what they became."""
    count = len(_NODES)
    found = []
    for i, weight in enumerate(mixture.weights):
        part = range(i * count, (i + 1) * count)
        found.append(sum(points.slope2[k] * units[points.place[k]] for k in part) / weight)
    mean = sum(value * weight for value, weight in zip(found, mixture.weights, strict=True))
    return tuple(value / mean for value in found) if mean > 0 else (1.0,) * len(found)


def _fewer(curve: Curve, nodes: list[tuple[float, float]]) -> Points:
    """Returns at most `POINTS` points that keep the second moment."""
    values = [curve.value(x) for x, _ in nodes]
    order = sorted(range(len(nodes)), key=values.__getitem__)
    total = sum(weight for _, weight in nodes)
    step = total / POINTS
    centres: list[float] = []
    weights: list[float] = []
    place = [0] * len(nodes)
    mass = first = square = 0.0
    for k in order:
        value, weight = values[k], nodes[k][1]
        place[k] = len(centres)
        square += weight * value * value
        mass += weight
        first += weight * value
        if mass >= step * (1 - 1e-9):
            centres.append(first / mass)
            weights.append(mass / total)
            mass = first = 0.0
    if mass > 0:
        centres.append(first / mass)
        weights.append(mass / total)
    kept = sum(weight * value * value for value, weight in zip(centres, weights, strict=True))
    factor = math.sqrt(square / total / kept) if kept > 0 else 1.0
    slope2 = tuple(weight * curve.slope(x) ** 2 for x, weight in nodes)
    return Points(tuple(value * factor for value in centres), tuple(weights), tuple(place), slope2)


def _grid(reach: float, steps: int) -> tuple[tuple[float, float], ...]:
    edges = [-reach + 2 * reach * i / steps for i in range(steps + 1)]
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    total = sum(math.exp(-0.5 * z * z) for z in middles)
    return tuple((z, math.exp(-0.5 * z * z) / total) for z in middles)


_NODES = _grid(3.3, 11)
_FINE = _grid(4.0, 64)
