"""Numbers as people read them: `1/3,000,000`, `400`, `0.12`, never `1e-6.5`; and names that repeat, counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

_LONGEST = 9
"""Decimal digits up to which a number is written out; beyond, it is `3e12`."""


def plain(value: float) -> str:
    """Returns a number with two significant digits: `0.12`, `4.5`, `1,600`, `3e12`; whole numbers below 10,000 as they are."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinity" if value > 0 else "minus infinity"
    if value == 0 or (value == int(value) and abs(value) < 10_000):
        return f"{int(value):,}"
    exponent = math.floor(math.log10(abs(value)))
    if not -4 <= exponent <= _LONGEST:
        return _power(math.log10(abs(value)), value < 0)
    rounded = round(value, 1 - exponent)
    return f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:.{max(1 - exponent, 0)}f}".rstrip("0").rstrip(".")


def compared(decades: float) -> str:
    """Returns how a quantity compares with another, from the decimal logarithm of their quotient.

    The text stands before the other one: `about 1/3,000,000 of`, `about as large as`, `about 40 times`.
    """
    if not math.isfinite(decades):
        return "infinitely many times" if decades > 0 else "0 times"
    if abs(decades) < math.log10(1.05):
        return "about as large as"
    if decades > 0:
        return f"about {_rounded(decades)} times"
    if decades > -1:
        return f"about {plain(10**decades)} times"
    return f"about {_power(decades)} of" if decades < -_LONGEST else f"about 1/{_rounded(-decades)} of"


def factor(decades: float) -> str:
    """Returns 10 to the power of `decades` as a factor: `0.12`, `1/3,000,000`, `40`."""
    if not math.isfinite(decades):
        return "infinity" if decades > 0 else "0"
    if decades > -1:
        return _rounded(decades) if decades > 0 else plain(10**decades)
    return _power(decades) if decades < -_LONGEST else f"1/{_rounded(-decades)}"


def counted(names: Sequence[str], most: int = 0) -> str:
    """Returns names after one another in order of first use, those that repeat counted: `act ×8, out`; after `most`, how many more."""
    counts = Counter(names)
    shown = [name if count == 1 else f"{name} ×{count}" for name, count in counts.items()]
    left = len(shown) - most
    return f"{', '.join(shown[:most])} and {left} more" if most and left > 1 else ", ".join(shown)


def _rounded(decades: float) -> str:
    """Returns 10 to the power of `decades` > 0 with two digits below 10,000, with one above."""
    if decades > _LONGEST:
        return _power(decades)
    value = 10**decades
    digits = math.floor(decades) - (0 if value >= 10_000 else 1)
    rounded = round(value, -digits)
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.1f}".removesuffix(".0")


def _power(decades: float, negative: bool = False) -> str:
    """Returns a number of any size as `3e-12`: one digit and the power of ten."""
    exponent = math.floor(decades)
    digit = round(10 ** (decades - exponent))
    if digit == 10:
        digit, exponent = 1, exponent + 1
    return f"{'-' if negative else ''}{digit}e{exponent}"
