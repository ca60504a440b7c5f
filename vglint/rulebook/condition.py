"""The condition language: one infix expression over facts and parameters, checked at load, evaluated in three values.

    condition = comparison | condition and condition | condition or condition | not condition | flag
    term      = number | "text" | name | term + - * / ** term | helper(term, …) | text in ("a", "b")

A fact that is not known makes its comparison unknown; `False and unknown` is False, `True or unknown` is True.
Numbers are floats: no expression takes long, and one that leaves their range is unknown.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property

from msgspec import Struct, field

from vglint.analysis.facts.spec import FactType, FactValue
from vglint.rulebook.compiled import Lookup, Run, compiled, conjunction, negation
from vglint.rulebook.required import joined, wanted_texts
from vglint.rulebook.typed import ConditionError, type_of
from vglint.value import Unknown

__all__ = ["Condition", "ConditionError", "Lookup", "all_of", "evaluate", "parse", "parse_flag"]

LONGEST = 4000
"""Characters of a condition."""


class Condition(Struct, frozen=True, tag=True, tag_field="kind", dict=True):
    """A checked expression, which is data; `names` are the facts and parameters that it reads, in order of first use, `parts` the conditions that must
    all hold where it is a conjunction, and else itself."""

    text: str
    type: FactType
    names: tuple[str, ...]
    inner: tuple[Condition, ...] = ()
    wanted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each name that must be one of some texts, those: where it is another, the condition is false."""
    is_negation: bool = False
    """It holds where the one in `inner` does not."""

    @cached_property
    def run(self) -> Run:
        """The expression as a function of the facts, made when it is first asked for."""
        if self.is_negation:
            return negation(self.inner[0].run)
        return conjunction(self.inner) if self.inner else compiled(_tree(self.text))

    def __str__(self) -> str:
        return self.text

    @property
    def parts(self) -> tuple[Condition, ...]:
        """The conditions that must all hold; the condition itself where it is no conjunction."""
        return (
            tuple(part for each in self.inner for part in each.parts)
            if self.inner and not self.is_negation
            else (self,)
        )


def parse(text: str, types: Mapping[str, FactType]) -> Condition:
    """Returns the checked expression; raises ConditionError on syntax, an unknown name, operands that do not fit, or a constant that is out
    of range."""
    if len(text) > LONGEST:
        raise ConditionError(f"is longer than {LONGEST} characters")
    try:
        return _condition(_tree(text), types, text)
    except (SyntaxError, ValueError) as error:
        raise ConditionError(f"not an expression: {error.args[0]}: {text!r}") from None
    except (RecursionError, MemoryError):
        raise ConditionError("is nested too deeply") from None


def parse_flag(text: str, types: Mapping[str, FactType]) -> Condition:
    """Returns the checked condition; raises ConditionError also where the expression is not true or false."""
    condition = parse(text, types)
    if condition.type != "flag":
        raise ConditionError(f"a condition must be true or false, this is a {condition.type}: {text!r}")
    return condition


def all_of(when: Sequence[Condition], unless: Sequence[Condition] = ()) -> Condition:
    """Returns the condition that holds where all of `when` hold and none of `unless` does; not known where one of `unless` is not."""
    inner = (*when, *(_not(condition) for condition in unless))
    if len(inner) == 1:
        return inner[0]
    names = tuple(dict.fromkeys(name for condition in inner for name in condition.names))
    text = " and ".join(f"({condition})" for condition in inner)
    wanted = joined(condition.wanted for condition in inner)
    return Condition(text, "flag", names, inner, wanted)


def evaluate(condition: Condition, lookup: Lookup) -> FactValue | Unknown:
    """Returns the expression's value; Unknown where it rests on a fact that is not known."""
    return condition.run(lookup)


def _tree(text: str) -> ast.expr:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(" ".join(text.split()), mode="eval").body


def _condition(tree: ast.expr, types: Mapping[str, FactType], text: str) -> Condition:
    names: list[str] = []
    kind = type_of(tree, types, names)
    inner: tuple[Condition, ...] = ()
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        inner = tuple(_condition(value, types, ast.unparse(value)) for value in tree.values)
    return Condition(text, kind, tuple(dict.fromkeys(names)), inner, wanted_texts(tree))


def _not(condition: Condition) -> Condition:
    return Condition(f"not ({condition})", "flag", condition.names, (condition,), is_negation=True)
