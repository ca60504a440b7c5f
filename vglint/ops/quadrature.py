"""Moments of a curve under a Gaussian, or under the largest of several Gaussians.

    one-point   E[φ], E[φ²], E[φ'²], E[φ'⁴]            x ~ N(mu, v)
    two-point   E[φ(x)φ(y)] = Σ aₖ² cᵏ                  corr(x, y) = c, aₖ the Hermite coefficients of φ(mu + √v z)

Integration is Gauss-Legendre on panels that are split at the curve's bends, so that kinks and saturated units are exact to 1e-6.
A table in ln v, filled where it is used, makes a second use of a curve cheap; nothing is computed at import.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from vglint.ops.curves import Curve

TERMS = 14
"""Hermite coefficients kept one by one; what is left is one more term of the degree that makes E[φ'²] exact."""


class Moments(NamedTuple):
    """What a curve makes of x ~ N(mu, v).

    `mean` = E[φ], `square` = E[φ²], `slope2` = E[φ'²], `slope4` = E[φ'⁴]; `powers[k]` = aₖ² for k ≥ 1;
    `rest` = Var[φ] − Σ aₖ², carried as one term of degree `degree`. `variance` is v.
    """

    mean: float
    square: float
    slope2: float
    slope4: float
    powers: tuple[float, ...]
    rest: float
    degree: float
    variance: float

    def distance(self, d: float) -> float:
        """Returns E[φ²] − E[φ(x)φ(y)] for E[(x−y)²]/2 = d, exact for d far below v."""
        v = self.variance
        if d <= 0.0 or v <= 0.0:
            return 0.0
        if d < 1e-9 * v:
            return d * self.slope2
        log_c = math.log1p(-min(d / v, 1.0 - 1e-15))
        far = sum(a * -math.expm1((k + 1) * log_c) for k, a in enumerate(self.powers))
        return far - self.rest * math.expm1(self.degree * log_c)

    def kernel(self, d: float) -> float:
        """Returns E[φ'(x)φ'(y)] for the same pair: what a gradient's covariance is multiplied by."""
        v = self.variance
        if d < 1e-9 * v or v <= 0.0:
            return self.slope2
        c = 1.0 - min(d / v, 1.0)
        total, power = 0.0, 1.0
        for k, a in enumerate(self.powers):
            total += (k + 1) * a * power
            power *= c
        tail = self.rest * self.degree * c ** (self.degree - 1.0) if c > 0 else 0.0
        return (total + tail) / v


def gaussian_moments(curve: Curve, mu: float, v: float) -> Moments:
    """Returns the moments of a curve at x ~ N(mu, v): in closed form for two rays, else from the table (mu = 0) or by quadrature."""
    if v <= 0.0:
        value, slope = curve.value(mu), curve.slope(mu)
        return Moments(value, value * value, slope**2, slope**4, (0.0,), 0.0, 1.0, 0.0)
    if mu * mu <= 1e-12 * v:
        if curve.linear is not None:
            return _rays(curve.linear, v)
        if curve.key in (("sin",), ("cos",)):
            return _wave(curve.key == ("sin",), v)
        if v < _SMALL:
            return _near_zero(curve, v)
        return _interpolated(curve, v)
    return _off_centre(curve, _rounded(mu), _rounded(v))


@lru_cache(maxsize=4096)
def maximum_moments(curve: Curve, mu: float, v: float, d: float, count: float) -> tuple[float, float, float]:
    """Returns E[φ], E[φ²], E[φ'²] at the largest of `count` Gaussians N(mu, v) that differ pairwise by d = E[(x−y)²]/2."""
    shared, own = math.sqrt(max(v - d, 0.0)), math.sqrt(max(d, 0.0))
    totals = [0.0, 0.0, 0.0]
    for u, weight_u in _GAUSS:
        for z, weight_z in _largest(count):
            x, weight = mu + shared * u + own * z, weight_u * weight_z
            value, slope = curve.value(x), curve.slope(x)
            totals[0] += weight * value
            totals[1] += weight * value * value
            totals[2] += weight * slope * slope
    return totals[0], totals[1], totals[2]


@lru_cache(maxsize=4096)
def pull(curve: Curve, v: float) -> tuple[float, float]:
    """Returns E[x φ φ'] / v and E[φ² φ'²] at x ~ N(0, v): what becomes of a gradient φ(x), along x and in all."""
    sigma = math.sqrt(v)
    along = square = 0.0
    for z, weight in _GAUSS:
        value, slope = curve.value(sigma * z), curve.slope(sigma * z)
        along += weight * sigma * z * value * slope
        square += weight * (value * slope) ** 2
    return along / v, square


def _rays(linear: tuple[float, float], v: float) -> Moments:
    left, right = linear
    even, odd = (right - left) / 2, (right + left) / 2
    base = _absolute()
    square = v * (left * left + right * right) / 2
    powers = tuple((odd * odd * (k == 0) + even * even * a) * v for k, a in enumerate(base))
    mean = even * math.sqrt(2 * v / math.pi)
    slope2, slope4 = (left**2 + right**2) / 2, (left**4 + right**4) / 2
    return _finished(mean, square, slope2, slope4, powers, v)


@lru_cache(maxsize=1)
def _absolute() -> tuple[float, ...]:
    """Hermite coefficients of |z|, squared: a₂ₙ² = 2/π ((2n−3)!!)² / (2n)!."""
    powers = [0.0] * TERMS
    for k in range(2, TERMS + 1, 2):
        double = math.prod(range(k - 3, 0, -2)) if k > 3 else 1
        powers[k - 1] = 2 / math.pi * double * double / math.factorial(k)
    return tuple(powers)


def _wave(odd: bool, v: float) -> Moments:
    """E[sin²] = (1 − e^−2v)/2, aₖ² = e^−v vᵏ/k! for odd k; even k for the cosine."""
    fade, double = math.exp(-min(v, 700.0)), math.exp(-min(2 * v, 700.0))
    sign = 1.0 if odd else -1.0
    powers = tuple(fade * v**k / math.factorial(k) * (k % 2 == odd) for k in range(1, TERMS + 1))
    slope4 = 3 / 8 + sign * double / 2 + math.exp(-min(8 * v, 700.0)) / 8
    return _finished(
        0.0 if odd else math.sqrt(fade), (1 - sign * double) / 2, (1 + sign * double) / 2, slope4, powers, v
    )


def _near_zero(curve: Curve, v: float) -> Moments:
    """The curve is two rays and a constant at this scale."""
    at, step = curve.value(0.0), 1e-7
    if abs(curve.slope(-step)) + abs(curve.slope(step)) < 1e-5:
        return _integrated(curve, 0.0, v)
    found = _rays((curve.slope(-step), curve.slope(step)), v)
    square = at * at + 2 * at * found.mean + found.square
    return found._replace(mean=at + found.mean, square=square)


def _finished(mean: float, square: float, slope2: float, slope4: float, powers: tuple[float, ...], v: float) -> Moments:
    rest = square - mean * mean - sum(powers)
    slope_rest = v * slope2 - sum((k + 1) * a for k, a in enumerate(powers))
    if rest <= 1e-12 * square or slope_rest <= 0:
        return Moments(mean, square, slope2, slope4, powers, 0.0, 1.0, v)
    return Moments(mean, square, slope2, slope4, powers, rest, max(slope_rest / rest, TERMS + 1.0), v)


_SMALL = math.exp(-16.0)
_LARGE = 64.0
_STEP = 0.5
"""The table's grid in ln v; four points of it make one value (error below 1e-4)."""


_memo: dict[tuple[tuple[str, ...], int], Moments] = {}


def _interpolated(curve: Curve, v: float) -> Moments:
    # Values of v that agree to 3 parts in 10,000 share one result: that of the middle, whichever of them was asked for first.
    place = round(min(math.log(v), _LARGE) * 2000)
    found = _memo.get((curve.key, place))
    if found is None:
        if len(_memo) > 20_000:
            _memo.clear()
        found = _memo[curve.key, place] = _between(curve, place / 2000)
    return found


def _between(curve: Curve, log_v: float) -> Moments:
    v = math.exp(log_v)
    position = log_v / _STEP
    low = math.floor(position)
    t = position - low
    w0, w1 = -t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2
    w2, w3 = -(t + 1) * t * (t - 2) / 2, (t + 1) * t * (t - 1) / 6
    rows = zip(*(_row(curve, low + step) for step in (-1, 0, 1, 2)), strict=True)
    mean, log_variance, log_slope2, log_slope4, *shares = [w0 * a + w1 * b + w2 * c + w3 * d for a, b, c, d in rows]
    variance = math.exp(log_variance)
    powers = tuple([share * variance if share > 0.0 else 0.0 for share in shares])
    return _finished(mean, mean * mean + variance, math.exp(log_slope2), math.exp(log_slope4), powers, v)


_rows: dict[tuple[tuple[str, ...], int], tuple[float, ...]] = {}


def _row(curve: Curve, k: int) -> tuple[float, ...]:
    """Returns (mean, ln Var φ, ln E[φ'²], ln E[φ'⁴], shares of the Hermite powers in Var φ) at ln v = k·step."""
    key = (curve.key, k)
    row = _rows.get(key)
    if row is None:
        found = _integrated(curve, 0.0, math.exp(k * _STEP))
        variance = max(found.square - found.mean**2, 1e-300)
        logs = (math.log(max(x, 1e-300)) for x in (variance, found.slope2, found.slope4))
        row = _rows[key] = (found.mean, *logs, *(a / variance for a in found.powers))
    return row


_off: dict[tuple[tuple[str, ...], float, float], Moments] = {}


def _off_centre(curve: Curve, mu: float, v: float) -> Moments:
    key = (curve.key, mu, v)
    found = _off.get(key)
    if found is None:
        if len(_off) > 20_000:
            _off.clear()
        found = _off[key] = _integrated(curve, mu, v)
    return found


def _rounded(x: float) -> float:
    """Three digits and a half: what an integral may be shared for."""
    if x == 0.0:
        return 0.0
    digits = 3 - math.floor(math.log10(abs(x)))
    return round(x * 2, digits) / 2


def _integrated(curve: Curve, mu: float, v: float) -> Moments:
    sigma = math.sqrt(v)
    value, slope = curve.value, curve.slope
    mean = square = slope2 = slope4 = 0.0
    coefficients = [0.0] * TERMS
    for z, weight in _nodes(curve, mu, sigma):
        x = mu + sigma * z
        y, dy = value(x), slope(x)
        first = weight * y
        dy2 = dy * dy
        mean += first
        square += first * y
        slope2 += weight * dy2
        slope4 += weight * dy2 * dy2
        # Normalised Hermite functions: h₀ = 1, h₁ = z, h_{k+1} = (z h_k − √k h_{k−1}) / √(k+1).
        before, now = 1.0, z
        coefficients[0] += first * now
        for k, (root, inverse) in enumerate(_ROOTS, 1):
            before, now = now, (z * now - root * before) * inverse
            coefficients[k] += first * now
    return _finished(mean, square, slope2, slope4, tuple(a * a for a in coefficients), v)


_ROOTS = tuple((math.sqrt(k), 1 / math.sqrt(k + 1)) for k in range(1, TERMS))

_LEGENDRE = (
    (-0.9602898564975363, 0.10122853629037626),
    (-0.7966664774136267, 0.22238103445337448),
    (-0.525532409916329, 0.31370664587788727),
    (-0.1834346424956498, 0.36268378337836199),
    (0.1834346424956498, 0.36268378337836199),
    (0.525532409916329, 0.31370664587788727),
    (0.7966664774136267, 0.22238103445337448),
    (0.9602898564975363, 0.10122853629037626),
)
_REACH = 8.5


def _nodes(curve: Curve, mu: float, sigma: float) -> list[tuple[float, float]]:
    """Returns points in units of sigma and their Gaussian weights, on panels between bends and around the origin of the curve."""
    cuts = {-_REACH, -5.0, -3.0, -1.5, 0.0, 1.5, 3.0, 5.0, _REACH}
    near = [*curve.bends, 0.0] if curve.linear is None else [0.0]
    if curve.linear is None and sigma > 0.5:
        near += [-16.0, -8.0, -4.0, -2.0, -1.0, 1.0, 2.0, 4.0, 8.0, 16.0]
    cuts.update(z for z in ((x - mu) / sigma for x in near) if -_REACH < z < _REACH)
    ordered = sorted(cuts)
    points = []
    for low, high in pairwise(ordered):
        half, middle = (high - low) / 2, (high + low) / 2
        if half < 1e-9:
            continue
        for node, weight in _LEGENDRE:
            z = middle + half * node
            points.append((z, weight * half * math.exp(-0.5 * z * z) / _ROOT_TAU))
    return points


_ROOT_TAU = math.sqrt(2 * math.pi)


def _standard(steps: int) -> tuple[tuple[float, float], ...]:
    width = 2 * 4.5 / steps
    points = [-4.5 + (i + 0.5) * width for i in range(steps)]
    total = sum(math.exp(-0.5 * z * z) for z in points)
    return tuple((z, math.exp(-0.5 * z * z) / total) for z in points)


_GAUSS = _standard(18)


@lru_cache(maxsize=64)
def _largest(count: float) -> tuple[tuple[float, float], ...]:
    """Returns points and weights of the largest of `count` standard normals: density n·pdf·cdfⁿ⁻¹."""
    points = [-4.0 + (i + 0.5) * 0.3 for i in range(32)]
    density = [
        math.exp(-0.5 * z * z + (count - 1) * math.log(max(0.5 * math.erfc(-z / math.sqrt(2)), 1e-300))) for z in points
    ]
    total = sum(density)
    return tuple((z, weight / total) for z, weight in zip(points, density, strict=True))
