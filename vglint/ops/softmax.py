"""Moments of a softmax over independent Gaussians, exact to a per cent.

    p = softmax(x), x_i ~ N(0, s²), T of them:   1/Zᵏ = ∫ tᵏ⁻¹ e^(−tZ) dt / (k−1)!   makes every moment one integral, as in
    E Σ p² = T ∫ t E[e^(2x) e^(−t e^x)] E[e^(−t e^x)]^(T−1) dt

A table in ln s² and ln T, filled where it is used, makes a second use cheap; nothing is computed at import.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple


class Softness(NamedTuple):
    """`own` = E Σ p²: 1/T for a flat softmax, 1 for one that picks; `jacobian` = E Σ p²(1 − 2p + Σp²), the squared slope of a row."""

    own: float
    jacobian: float


def softness(variance: float, count: float) -> Softness:
    """Returns the moments of a softmax over `count` Gaussians of that variance; interpolated between places of a grid."""
    count = max(count, 1.0)
    if count < 1.5:
        return Softness(1.0, 0.0)
    if variance < 0.01:
        peak = math.exp(max(variance, 0.0))
        own = peak / (count - 1.0 + peak)
        return Softness(own, own * (1.0 - own))
    if variance > _LARGE:
        # The largest wins; how often two are close falls with 1/s.
        found, near = softness(_LARGE, count), math.sqrt(_LARGE / variance)
        return Softness(1.0 - (1.0 - found.own) * near, found.jacobian * near)
    u = (math.log(variance) - _LOW) / _STEP
    w = math.log(min(count, 1e6) / 2.0) / math.log(2.0) if count > 2.0 else 0.0
    i, j = int(u), int(w)
    a, b = u - i, w - j
    corners = (
        (_at(i, j), (1 - a) * (1 - b)),
        (_at(i + 1, j), a * (1 - b)),
        (_at(i, j + 1), (1 - a) * b),
        (_at(i + 1, j + 1), a * b),
    )
    own = math.exp(sum(weight * math.log(found.own) for found, weight in corners))
    jacobian = math.exp(sum(weight * math.log(found.jacobian) for found, weight in corners))
    return Softness(min(max(own, 1.0 / count), 1.0), jacobian)


_LARGE = 100.0
_LOW = math.log(0.01)
_STEP = 0.5
_SPAN, _INNER, _OUTER = 6.0, 40, 56


@lru_cache(maxsize=4096)
def _at(i: int, j: int) -> Softness:
    """Returns the moments at variance 0.01·e^(i/2) and 2^(j+1) entries."""
    sigma, count = math.sqrt(math.exp(_LOW + i * _STEP)), 2.0 ** (j + 1)
    inner, outer = _INNER + int(10 * sigma), _OUTER + int(6 * sigma)
    places = [-_SPAN + 2 * _SPAN * (k + 0.5) / inner for k in range(inner)]
    weights = [math.exp(-0.5 * z * z) for z in places]
    total = sum(weights)
    entries = [(math.exp(sigma * z), weight / total) for z, weight in zip(places, weights, strict=True)]
    low, high = -math.log(count) - _SPAN * sigma - 4.0, _SPAN * sigma + 3.0
    step = (high - low) / outer
    second = third = fourth = pairs = 0.0
    exp = math.exp
    for k in range(outer):
        t = math.exp(low + (k + 0.5) * step)
        m0 = m2 = m3 = m4 = 0.0
        for size, weight in entries:
            power = t * size
            if power > 600.0:
                break
            term = weight * exp(-power)
            m0 += term
            m2 += term * power**2
            m3 += term * power**3
            m4 += term * power**4
        if m0 <= 0.0:
            break
        alone = m0 ** (count - 1.0)
        second += m2 * alone
        third += m3 * alone / 2
        fourth += m4 * alone / 6
        pairs += m2**2 * m0 ** (count - 2.0) / 6
    own = count * step * second
    square = count * step * (fourth + (count - 1.0) * pairs)
    return Softness(own, max(own - 2 * count * step * third + square, 1e-12))
