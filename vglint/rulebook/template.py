"""Message templates: text with expressions of the condition language in braces, `{count(saturating)}`, `{ratio:.0f}`."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vglint.analysis.facts.spec import FactType, FactValue
from vglint.rulebook.condition import Condition, ConditionError, evaluate, parse
from vglint.value import Unknown

HEADLINE = 100
"""Characters that a finding's message may have."""
_SHORTEST = 12
"""Characters that a shortened value keeps."""
_SAMPLES: Mapping[FactType, FactValue] = {"number": 1.5, "text": "x", "flag": True}


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template: literal text, then an expression with its format, and so on."""

    text: str
    parts: tuple[tuple[str, Condition | None, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The facts and parameters that the text shows."""
        return tuple(dict.fromkeys(name for _, hole, _ in self.parts if hole is not None for name in hole.names))


def parse_template(text: str, types: Mapping[str, FactType]) -> Template:
    """Returns the checked template; raises ConditionError on a broken brace, an unknown name or a format that does not fit."""
    parts: list[tuple[str, Condition | None, str]] = []
    try:
        pieces = list(string.Formatter().parse(" ".join(text.split())))
    except ValueError as error:
        raise ConditionError(f"{error}: {text!r}") from None
    for before, field, spec, conversion in pieces:
        if conversion:
            raise ConditionError(f"'!{conversion}' is not part of the template language")
        if field is None:
            parts.append((before, None, ""))
            continue
        hole = parse(field, types)
        _try_format(hole, spec or "")
        parts.append((before, hole, spec or ""))
    return Template(text, tuple(parts))


def render(template: Template, lookup: Callable[[str], FactValue | Unknown], longest: int | None = None) -> str:
    """Returns the text with every expression's value filled in; `?` where one is not known.

    Where it would be longer than `longest`, the longest values lose their middle: `encoder…out_proj`.
    """
    literal = [before for before, _, _ in template.parts]
    values = ["" if hole is None else _text(evaluate(hole, lookup), spec) for _, hole, spec in template.parts]
    if longest is not None:
        values = _shortened(values, longest - sum(map(len, literal)))
    return "".join(before + value for before, value in zip(literal, values, strict=True))


def _shortened(values: list[str], room: int) -> list[str]:
    """Returns values that together are no longer than `room`, the longest ones shortened; none below twelve characters."""
    allowed = max((len(value) for value in values), default=0)
    while allowed > _SHORTEST and sum(min(len(value), allowed) for value in values) > room:
        allowed -= 1
    return [value if len(value) <= allowed else _without_middle(value, allowed) for value in values]


def _without_middle(value: str, length: int) -> str:
    before = (length - 1) // 3
    return f"{value[:before]}…{value[len(value) - (length - 1 - before) :]}"


def _try_format(hole: Condition, spec: str) -> None:
    if hole.type not in _SAMPLES:
        raise ConditionError(f"{hole.text!r} is a list ({hole.type}): show count(…), first(…) or join(…) of it")
    try:
        format(_SAMPLES[hole.type], spec)
    except ValueError as error:
        raise ConditionError(f"format {spec!r} does not fit {hole.text!r}, a {hole.type}: {error}") from None


def _text(value: FactValue | Unknown, spec: str) -> str:
    if isinstance(value, Unknown):
        return "?"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return format(float(value), spec) if spec else f"{value:g}"
    return format(str(value), spec)
