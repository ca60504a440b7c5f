"""Rules that a measurement makes, and no reading of the source: `rules/measured/*.toml`, each a name, a message and a `[confirm]` condition."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
import tomli
from msgspec import Meta, Struct, field

from vglint import origin
from vglint.analysis.facts.spec import FactType
from vglint.rule import Confidence, Scalar, Severity
from vglint.rulebook import bundled
from vglint.rulebook.condition import Condition, ConditionError, evaluate, parse_flag
from vglint.rulebook.load import RuleError
from vglint.rulebook.measures import MEASURES
from vglint.rulebook.template import Template, parse_template, render
from vglint.value import Unknown

Blame: TypeAlias = Literal["first layer", "nonfinite place", "unreached layer"]
WORDS: Mapping[str, FactType] = {
    "steps": "number",
    "first_loss": "number",
    "last_loss": "number",
    "late": "number",
    "dead": "number",
    "nonfinite_place": "text",
    "raised": "text",
    "unreached": "text",
}
"""What a message may name of a run."""


class _Confirm(Struct, forbid_unknown_fields=True, frozen=True):
    when: Annotated[str, Meta(min_length=1)]


class _File(Struct, forbid_unknown_fields=True, frozen=True):
    name: Annotated[str, Meta(pattern="^measured-[a-z]+(-[a-z]+)*$")]
    severity: Severity
    confidence: Confidence
    summary: Annotated[str, Meta(min_length=1)]
    message: Annotated[str, Meta(min_length=1)]
    blame: Blame
    references: Annotated[tuple[str, ...], Meta(min_length=1)]
    confirm: _Confirm
    params: dict[str, bool | int | float | str] = field(default_factory=dict)


class MeasuredRule(Struct, frozen=True):
    """A fault that runs show by themselves."""

    name: str
    severity: Severity
    confidence: Confidence
    summary: str
    message: Template
    blame: Blame
    confirm: Condition
    params: Mapping[str, Scalar]

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that its condition reads."""
        return tuple(name.removeprefix("measured.") for name in self.confirm.names if name.startswith("measured."))

    def shown_by(self, measures: Mapping[str, Scalar]) -> bool:
        """Says whether a run's measures show the fault; what was not measured shows nothing."""

        def meaning(name: str) -> Scalar | Unknown:
            if name in self.params:
                return self.params[name]
            return measures.get(name.removeprefix("measured."), Unknown(origin.Call("this was not measured")))

        return evaluate(self.confirm, meaning) is True

    def told(self, words: Mapping[str, Scalar]) -> str:
        """Returns the message on a run."""
        return render(self.message, lambda name: words[name])


@cache
def measured_rules() -> tuple[MeasuredRule, ...]:
    """Returns the bundled rules of this kind by the order of their names; raises RuleError."""
    return tuple(measured_rule(path) for path in sorted((bundled() / "measured").glob("*.toml")))


def measured_rule(path: Path) -> MeasuredRule:
    """Returns the checked rule of one file; raises RuleError."""
    try:
        table = msgspec.convert(tomli.loads(path.read_text(encoding="utf-8")), _File)
    except (OSError, UnicodeDecodeError, tomli.TOMLDecodeError, msgspec.ValidationError) as error:
        raise RuleError(str(path), "", str(error)) from None
    params: dict[str, FactType] = {
        name: "flag" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
        for name, value in table.params.items()
    }
    try:
        measures: dict[str, FactType] = {f"measured.{name}": measure.type for name, measure in MEASURES.items()}
        confirm = parse_flag(table.confirm.when, {**params, **measures})
        message = parse_template(table.message, {**params, **WORDS})
    except ConditionError as error:
        raise RuleError(str(path), "confirm.when or message", str(error)) from None
    return MeasuredRule(
        table.name, table.severity, table.confidence, table.summary, message, table.blame, confirm, table.params
    )
