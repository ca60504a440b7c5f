"""What is known of a Python value without running it: a constant, a symbolic integer, or why it is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NoReturn, TypeAlias

from msgspec import Struct

from vglint.origin import Origin, Why, text, why
from vglint.span import Span


class Unknown(Struct, frozen=True):
    """A value that cannot be known, and why; contagious and silent."""

    origin: Origin
    span: Span | None = None

    @property
    def why(self) -> Why:
        """The kind of its origin, for people."""
        return why(self.origin)

    @property
    def text(self) -> str:
        """What is not known, for people."""
        return text(self.origin)

    def __str__(self) -> str:
        return f"?({self.why}: {self.text})"


Monomial: TypeAlias = tuple[tuple[str, int], ...]


class Expr(Struct, frozen=True):
    """A symbolic number: a polynomial in named symbols (integer, possibly negative, powers), in canonical order.

    `hidden // heads` is the monomial `hidden * heads**-1`: integer division of symbols is taken to be exact, as the
    program that runs requires.
    """

    terms: tuple[tuple[Monomial, Fraction], ...]

    @staticmethod
    def symbol(name: str) -> Expr:
        return Expr(((((name, 1),), Fraction(1)),))

    def symbols(self) -> frozenset[str]:
        return frozenset(name for powers, _ in self.terms for name, _ in powers)

    def __str__(self) -> str:
        ordered = sorted(self.terms, key=lambda term: (not term[0], term[1] < 0))
        first, *rest = (_term_text(powers, factor) for powers, factor in ordered)
        return first + "".join(f" - {text[1:]}" if text.startswith("-") else f" + {text}" for text in rest)


def assert_never(value: NoReturn) -> NoReturn:
    """Stands where a match over a closed union has no case left; `typing` has it from Python 3.11 on."""
    raise AssertionError(f"a kind of value that no case expects: {type(value).__name__}")


Number: TypeAlias = int | Expr
Literal_: TypeAlias = "bool | int | float | str | Expr | tuple[Literal_, ...] | Unknown | None"


def normal(terms: Mapping[Monomial, Fraction]) -> int | float | Expr:
    """Returns the canonical form of a sum of monomials: a plain number where no symbol is left."""
    kept = tuple(sorted((powers, factor) for powers, factor in terms.items() if factor))
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        factor = kept[0][1]
        return int(factor) if factor.denominator == 1 else float(factor)
    return Expr(kept)


def plus(left: int | float | Expr, right: int | float | Expr) -> int | float | Expr:
    if type(left) is int and type(right) is int:
        return left + right
    return _plus(left, right)


@lru_cache(maxsize=4096)
def _plus(left: int | float | Expr, right: int | float | Expr) -> int | float | Expr:
    total: dict[Monomial, Fraction] = dict(_terms(left))
    for powers, factor in _terms(right):
        total[powers] = total.get(powers, Fraction(0)) + factor
    return normal(total)


def times(left: int | float | Expr, right: int | float | Expr) -> int | float | Expr:
    if type(left) is int and type(right) is int:
        return left * right
    return _times(left, right)


@lru_cache(maxsize=4096)
def _times(left: int | float | Expr, right: int | float | Expr) -> int | float | Expr:
    total: dict[Monomial, Fraction] = {}
    for powers_left, factor_left in _terms(left):
        for powers_right, factor_right in _terms(right):
            powers = _merge(powers_left, powers_right, 1)
            total[powers] = total.get(powers, Fraction(0)) + factor_left * factor_right
    return normal(total)


def product(sizes: Iterable[object]) -> int | float | Expr | None:
    """Returns the product of sizes, None where one of them is not known."""
    total: int | float | Expr = 1
    for size in sizes:
        if not isinstance(size, (int, Expr)):
            return None
        total = times(total, size)
    return total


def divided(left: int | float | Expr, right: int | float | Expr) -> int | float | Expr | None:
    """Returns left / right where right is one monomial (exact), else None."""
    if type(left) is int and type(right) is int and right and left % right == 0:
        return left // right
    divisor = _terms(right)
    if len(divisor) != 1:
        return 1 if left == right else None
    powers_right, factor_right = divisor[0]
    total: dict[Monomial, Fraction] = {}
    for powers_left, factor_left in _terms(left):
        total[_merge(powers_left, powers_right, -1)] = factor_left / factor_right
    return normal(total)


def _terms(number: int | float | Expr) -> tuple[tuple[Monomial, Fraction], ...]:
    if isinstance(number, Expr):
        return number.terms
    return (((), Fraction(number)),) if number else ()


def _merge(left: Monomial, right: Monomial, sign: int) -> Monomial:
    powers = dict(left)
    for name, power in right:
        powers[name] = powers.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in powers.items() if power))


def _term_text(powers: Monomial, factor: Fraction) -> str:
    above = [name if power == 1 else f"{name}**{power}" for name, power in powers if power > 0]
    below = [name if power == -1 else f"{name}**{-power}" for name, power in powers if power < 0]
    if factor.numerator != 1 or not above:
        above.insert(0, str(factor.numerator))
    if factor.denominator != 1:
        below.append(str(factor.denominator))
    text = "*".join(above) + "".join(f"//{name}" for name in below)
    return "-" + text.removeprefix("-1*") if text.startswith("-1*") else text
