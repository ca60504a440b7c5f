"""The closed list of functions that a condition may call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct

from vglint import origin
from vglint.analysis.facts.spec import FactType, FactValue
from vglint.finding import Place
from vglint.number import compared, counted, factor, plain
from vglint.value import Unknown

Argument: TypeAlias = FactType | Literal["..."]


class Function(Struct, frozen=True):
    """One function: what it means, which types it takes and gives ("..." = any number of the first), and how to run it."""

    doc: str
    signatures: tuple[tuple[tuple[Argument, ...], FactType], ...]
    run: Callable[..., FactValue | Unknown]


def _count(items: tuple[object, ...]) -> int:
    return len(items)


def _share(part: tuple[Place, ...], whole: tuple[Place, ...]) -> float:
    return len(part) / len(whole) if whole else 0.0


def _every(part: tuple[Place, ...], whole: tuple[Place, ...]) -> bool:
    return len(part) == len(whole) > 0


def _label(places: tuple[Place | str, ...], position: int) -> str | Unknown:
    if not places:
        return Unknown(origin.Branches("an empty list has no first and no last"))
    item = places[position]
    return item if isinstance(item, str) else item.message


def _log10(number: float) -> float | Unknown:
    return math.log10(number) if number > 0 else Unknown(origin.Call(f"log10({number:g})"))


def _many(number: float, noun: str) -> str:
    return f"{number:g} {noun if number == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


_ONE_NUMBER: tuple[tuple[tuple[Argument, ...], FactType], ...] = ((("number",), "number"),)
_NUMBERS: tuple[tuple[tuple[Argument, ...], FactType], ...] = ((("number", "..."), "number"),)

_ANY_TYPE: tuple[FactType, ...] = ("flag", "number", "text", "texts", "places")

FUNCTIONS: dict[str, Function] = {
    "known": Function(
        "whether a fact is known: the only function of an unknown that is not unknown",
        tuple(((kind,), "flag") for kind in _ANY_TYPE),
        lambda _value: True,
    ),
    "count": Function("how many", ((("places",), "number"), (("texts",), "number")), _count),
    "share": Function("count of the first over count of the second", ((("places", "places"), "number"),), _share),
    "any": Function("whether there is one", ((("places",), "flag"), (("texts",), "flag")), bool),
    "all": Function("whether the first are all of the second", ((("places", "places"), "flag"),), _every),
    "first": Function(
        "the first one's name", ((("places",), "text"), (("texts",), "text")), lambda places: _label(places, 0)
    ),
    "last": Function(
        "the last one's name", ((("places",), "text"), (("texts",), "text")), lambda places: _label(places, -1)
    ),
    "abs": Function("absolute value", _ONE_NUMBER, abs),
    "log10": Function("decimal logarithm", _ONE_NUMBER, _log10),
    "round": Function("nearest whole number", _ONE_NUMBER, round),
    "min": Function("smallest", _NUMBERS, min),
    "max": Function("largest", _NUMBERS, max),
    "compared": Function(
        "how one number compares with another, from the decimal logarithm of their quotient: `about 1/3,000,000 of`, `about 40 times`",
        ((("number",), "text"),),
        compared,
    ),
    "factor": Function(
        "10 to the power of a decimal logarithm, as people write it: `1/3,000,000`, `0.12`, `40`",
        ((("number",), "text"),),
        factor,
    ),
    "plain": Function(
        "a number with two digits, as people write it: `0.12`, `66,000`, `3e12`", ((("number",), "text"),), plain
    ),
    "many": Function('number and noun in the right form: many(3, "layer")', ((("number", "text"), "text"),), _many),
    "join": Function(
        "names after one another, those that repeat counted: `act ×8, out`",
        ((("texts",), "text"), (("places",), "text")),
        lambda items: counted([item if isinstance(item, str) else item.message for item in items]),
    ),
}
