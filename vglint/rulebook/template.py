"""Message templates: text with expressions of the condition language in braces, `{count(saturating)}`, `{ratio:.0f}`."""

from __future__ import annotations

import string
from collections.abc import Mapping

from msgspec import Struct

from vglint.analysis.facts.spec import FactType, FactValue
from vglint.nearest import nearest
from vglint.regex import regex
from vglint.rulebook.condition import Condition, ConditionError, Lookup, evaluate, parse
from vglint.value import Unknown

HEADLINE = 100
"""Characters that a finding's message may have."""
_LONGEST = 3000
"""Characters that a template may have."""
_SHORTEST = 12
"""Characters that a shortened value keeps."""
_FORMAT = regex(r"[<>^]?[-+]?\d{0,2}(\.\d{1,2})?[efgs%]?")
_SAMPLES: Mapping[FactType, FactValue] = {"number": 1.5, "text": "x", "flag": True}


class Template(Struct, frozen=True):
    """A checked template: literal text, then an expression with its format or one of several texts, and so on."""

    text: str
    parts: tuple[tuple[str, Condition | Texts | None, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The facts and parameters that the text may show or ask for."""
        return tuple(dict.fromkeys(name for _, hole, _ in self.parts if hole is not None for name in hole.names))


class Texts(Struct, frozen=True, tag=True, tag_field="kind"):
    """Templates of which the first whose condition holds is said; the last has none."""

    options: tuple[tuple[Condition | None, Template], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The facts and parameters that the texts may show or ask for."""
        return tuple(
            name
            for condition, template in self.options
            for name in (*(condition.names if condition is not None else ()), *template.names)
        )

    def said(self, lookup: Lookup) -> tuple[Template, tuple[str, ...]]:
        """Returns the text that is said, and the facts that decide it."""
        asked: list[str] = []
        for condition, template in self.options:
            if condition is None or evaluate(condition, lookup) is True:
                return template, (*asked, *(condition.names if condition is not None else ()))
            asked += condition.names
        raise AssertionError("the last text has no condition")


def parse_template(text: str, types: Mapping[str, FactType], texts: Mapping[str, Texts] | None = None) -> Template:
    """Returns the checked template; raises ConditionError on a broken brace, an unknown name or a format that does not fit. A text stands
    alone in its braces: `{texts.NAME}`."""
    if len(text) > _LONGEST:
        raise ConditionError(f"has more than {_LONGEST} characters")
    parts: list[tuple[str, Condition | Texts | None, str]] = []
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
        if field.startswith("texts."):
            name = field.removeprefix("texts.")
            if name not in (texts or {}) or spec:
                raise ConditionError(
                    f"unknown name {field!r}{nearest(name, texts or {})}" if not spec else f"{field!r} has no format"
                )
            parts.append((before, (texts or {})[name], ""))
            continue
        hole = parse(field, types)
        _try_format(hole, spec or "")
        parts.append((before, hole, spec or ""))
    return Template(text, tuple(parts))


def render(template: Template, lookup: Lookup, longest: int | None = None) -> str:
    """Returns the text with every expression's value filled in; `?` where one is not known.

    Where it would be longer than `longest`, the longest values lose their middle: `encoder…out_proj`.
    """
    parts = said(template, lookup)[0]
    literal = [before for before, _, _ in parts]
    values = ["" if hole is None else _text(evaluate(hole, lookup), spec) for _, hole, spec in parts]
    if longest is not None:
        values = _shortened(values, longest - sum(map(len, literal)))
    return "".join(before + value for before, value in zip(literal, values, strict=True))


def said(template: Template, lookup: Lookup) -> tuple[list[tuple[str, Condition | None, str]], tuple[str, ...]]:
    """Returns a template's parts with the texts that are said in place, and the facts that they show and that decide them."""
    parts: list[tuple[str, Condition | None, str]] = []
    names: dict[str, None] = {}
    for before, hole, spec in template.parts:
        if isinstance(hole, Texts):
            chosen, asked = hole.said(lookup)
            inner, shown = said(chosen, lookup)
            parts += [(before, None, ""), *inner]
            names.update(dict.fromkeys((*asked, *shown)))
        else:
            parts.append((before, hole, spec))
            names.update(dict.fromkeys(hole.names if hole is not None else ()))
    return parts, tuple(names)


def render_known(template: Template, lookup: Lookup) -> str:
    """Returns the text, and nothing where a value in it is not known."""
    holes = (evaluate(hole, lookup) for _, hole, _ in said(template, lookup)[0] if hole is not None)
    return "" if any(isinstance(value, Unknown) for value in holes) else render(template, lookup)


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
        if not _FORMAT.fullmatch(spec):
            raise ValueError("an alignment, a sign, a width and digits of two figures, and one of e, f, g, s, %")
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
