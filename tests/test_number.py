"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from vglint.number import compared, counted, factor, plain


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.12345, "0.12"),
        (0.000123, "0.00012"),
        (6e-8, "6e-8"),
        (2.5, "2.5"),
        (99.7, "100"),
        (1600.3, "1,600"),
        (8192, "8,192"),
        (65536, "66,000"),
        (1234567, "1,200,000"),
        (1e38, "1e38"),
        (-0.5, "-0.5"),
        (math.inf, "infinity"),
        (math.nan, "not a number"),
    ],
)
def test_plain(value: float, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(
    ("decades", "text", "number"),
    [
        (-6.461, "about 1/3,000,000 of", "1/3,000,000"),
        (-3.2, "about 1/1,600 of", "1/1,600"),
        (-0.92, "about 0.12 times", "0.12"),
        (0.0, "about as large as", "1"),
        (0.5, "about 3.2 times", "3.2"),
        (6.5, "about 3,000,000 times", "3,000,000"),
        (12.3, "about 2e12 times", "2e12"),
        (-350.0, "about 1e-350 of", "1e-350"),
        (-math.inf, "0 times", "0"),
    ],
)
def test_compared(decades: float, text: str, number: str) -> None:
    assert compared(decades) == text
    assert factor(decades) == number


def test_counted() -> None:
    assert counted(["act", "act", "out", "act"]) == "act ×3, out"
    assert counted(["a", "b", "c", "d"], most=2) == "a, b and 2 more"
    assert counted(["a", "b", "c"], most=2) == "a, b, c", "one more is no shorter"
    assert counted([]) == ""
