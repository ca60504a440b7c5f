"""What a rule says where its texts, exceptions and assumptions depend on facts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tomli

from vglint import origin
from vglint.analysis.facts import FACTS, SubjectFacts
from vglint.finding import Place
from vglint.rulebook import load
from vglint.rulebook.asking import lookup_in
from vglint.rulebook.check import judge
from vglint.rulebook.load import rule_from
from vglint.rulebook.pages import page
from vglint.span import Span
from vglint.value import Unknown

RULE = """
id = "XX100"
name = "too-deep"
family = "own"
subject = "model"
severity = "warning"
confidence = "high"
summary = "The model is deep."
when = [
    "count(weight_layers) > most",  # deep
    "not half_precision",  # and exact
]
unless = [
    "any(norms)",  # it is normalised
    "constant_biases",
]
blame = "weight_layers"
message = "{texts.size}: {texts.mood}"
advice = "use {texts.mood} layers"
why = "Because."

[texts]
size = [
    { when = "count(weight_layers) > 3", text = "{many(count(weight_layers), 'layer')}" },
    { when = "log10_gradient_ratio < 0", text = "few layers" },
    { text = "{most} layers" },
]
mood = [{ text = "fewer" }]

[params]
most = 1
"""


def names_in(checked) -> Iterator[str]:
    """Yields every fact and param that a rule reads anywhere."""
    conditions = [checked.when, checked.blame, *(when for when, _, _ in checked.levels), checked.given_when]
    templates = [
        checked.message,
        checked.advice,
        checked.detail,
        checked.effect,
        *(note for _, _, note in checked.levels),
    ]
    for places, message in checked.related:
        yield places
        templates.append(message)
    for each in (*conditions, *templates):
        yield from each.names if each is not None else ()


SPAN = Span("a.py", 1, 1, 1, 5)


def layers(count: int) -> tuple[Place, ...]:
    return tuple(Place(SPAN, f"fc{index}") for index in range(count))


def finding(**facts):
    values = {
        "weight_layers": layers(2),
        "half_precision": False,
        "norms": (),
        "constant_biases": False,
        "log10_gradient_ratio": 1.0,
        **facts,
    }
    checked = rule_from(tomli.loads(RULE), "XX100.toml")
    return judge(checked, SubjectFacts("model", "Net", None, values))


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"weight_layers": layers(4)}, "4 layers: fewer"),
        ({"log10_gradient_ratio": -1.0}, "few layers: fewer"),
        ({}, "1 layers: fewer"),
        ({"log10_gradient_ratio": Unknown(origin.Argument("x"))}, "1 layers: fewer"),
    ],
)
def test_the_first_text_that_holds_is_said(facts, message):
    found = finding(**facts)
    assert found.message == message
    assert found.advice == "use fewer layers"


def test_a_text_asks_for_no_fact_behind_the_one_that_holds_and_its_facts_are_evidence():
    found = finding(weight_layers=layers(4))
    assert "log10_gradient_ratio" not in dict(found.evidence)
    assert dict(finding(log10_gradient_ratio=-1.0).evidence)["log10_gradient_ratio"] == -1.0


@pytest.mark.parametrize(
    "facts",
    [
        {"weight_layers": layers(1)},
        {"half_precision": True},
        {"norms": layers(1)},
        {"constant_biases": True},
        {"constant_biases": Unknown(origin.Argument("x"))},
    ],
)
def test_a_condition_that_fails_or_an_exception_that_holds_or_is_not_known_silences(facts):
    assert finding(**facts) is None


def test_a_fact_that_nothing_needs_is_not_computed():
    checked = rule_from(tomli.loads(RULE), "XX100.toml")
    facts = SubjectFacts("model", "Net", None, {"weight_layers": layers(1)})
    assert checked.when.run(lookup_in(checked, facts)) is False  # anything else would raise: there is no view


def test_the_page_shows_each_condition():
    text = page(rule_from(tomli.loads(RULE), "XX100.toml").rule)
    assert (
        "all of: count(weight_layers) > most\n        not half_precision\nunless: any(norms)\n    or: constant_biases"
        in text
    )


def unused_facts(rules) -> set[str]:
    read = {f"{checked.rule.subject}.{name}" for checked in rules for name in names_in(checked)}
    return FACTS.keys() - read


def test_every_fact_serves_a_rule():
    assert unused_facts(load().checked) == set()
    assert "model.constant_biases" in unused_facts([each for each in load().checked if each.rule.id != "VG401"])


def test_the_example_of_the_guide_is_a_rule(root):
    text = (root / "docs" / "writing-rules.md").read_text()
    assert rule_from(tomli.loads(text.split("```toml\n")[1].split("```")[0]), "AB101.toml").rule.id == "AB101"
