"""What a fact is: a named, typed, documented quantity of one subject, the only thing that a rule can see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, TypeVar

from msgspec import Struct

from vglint import origin
from vglint.finding import Place
from vglint.rule import Subject
from vglint.value import Unknown

FactType: TypeAlias = Literal["flag", "number", "text", "texts", "places"]
FactValue: TypeAlias = "bool | int | float | str | tuple[str, ...] | tuple[Place, ...]"


class FactSpec(Struct, frozen=True):
    """One fact; `unit` is empty for what has none, `compute` takes the subject's own view."""

    name: str
    subject: Subject
    type: FactType
    unit: str
    doc: str
    compute: Callable[[Any], FactValue | Unknown]


FACTS: dict[str, FactSpec] = {}
"""Every fact by `subject.name`."""

Compute = TypeVar("Compute", bound=Callable[[Any], "FactValue | Unknown"])


def fact(subject: Subject, kind: FactType, unit: str = "") -> Callable[[Compute], Compute]:
    """Registers a function of a subject's view as the fact of its name, documented by its docstring."""

    def register(compute: Compute) -> Compute:
        name = compute.__name__
        if f"{subject}.{name}" in FACTS:
            raise ValueError(f"{subject} has two facts named {name}")
        doc = " ".join((compute.__doc__ or "").split())
        if not doc:
            raise ValueError(f"{subject} fact {name} says nothing about itself")
        FACTS[f"{subject}.{name}"] = FactSpec(name, subject, kind, unit, doc, compute)
        return compute

    return register


def types_of(subject: Subject) -> dict[str, FactType]:
    """Returns the type of each fact of a subject, by name."""
    return {spec.name: spec.type for spec in FACTS.values() if spec.subject == subject}


def unknown(text: str) -> Unknown:
    """Returns the unknown of a fact that the graph does not settle."""
    return Unknown(origin.Call(text))
