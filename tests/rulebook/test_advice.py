"""The advice of findings about the gradient's size: what is said is what the changed text is predicted to do."""

from __future__ import annotations

import os
import re

import pytest

from vglint.analysis.facts import subjects
from vglint.finding import Finding
from vglint.fix import REMEDIES, TITLES, apply
from vglint.interp import entries
from vglint.lint.text import text_linter
from vglint.number import factor
from vglint.rulebook import load
from vglint.rulebook.pages import fires
from vglint.source.module import Module
from vglint.source.project import Project

BOOK = load()
LINT, PLAIN = text_linter(BOOK), text_linter(BOOK, offers=False)
EXAMPLES = [
    (rule.id, example) for rule in BOOK.rules if rule.remedies for example in rule.examples if fires(rule, example)
]


SAID = re.compile(r"predicted (\S+) → (\S+): the gradient at .+ compared with the one at .+")


OF_STATEMENTS = frozenset({"skip-connections", "relu-and-skips", "batch-norm-between", "zero-branches"})
"""Remedies that are made where statements or constructors of the file's own show each block; not inside `nn.Sequential(*layers)`."""


def ratios(text: str, entry: str) -> list[str]:
    """Returns the predicted ratios of an entry's models, as people read them."""
    project = Project(os.getcwd(), ["x.py"])
    module = project.add("x.py", text)
    assert isinstance(module, Module)
    found = subjects(entries(project, module), frozenset({"model"}))
    values = [facts.value("log10_gradient_ratio") for _, facts in found if facts.entry == entry]
    return [factor(value) for value in values if isinstance(value, float)]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=[f"{rule}-{one.title}" for rule, one in EXAMPLES])
def test_what_is_advised_is_predicted_to_help(rule: str, example) -> None:
    findings = [finding for finding in LINT("x.py", example.code) if finding.rule == rule]
    assert findings
    for finding in findings:
        assert finding.remedy in REMEDIES, "an example of a rule with remedies has one that helps"
        said = SAID.fullmatch(finding.effect)
        assert said is not None, finding.effect
        before, after = said.groups()
        assert before in ratios(example.code, finding.entry) and after not in ratios(example.code, finding.entry)
        if finding.remedy in TITLES and (finding.fix is not None or finding.remedy not in OF_STATEMENTS):
            check_fix(finding, example.code, after)


def check_fix(finding: Finding, code: str, said: str) -> None:
    """The fix makes the change that was predicted, and the changed text is predicted to have that ratio, but for biases that stay."""
    assert finding.fix is not None
    text, _ = apply(code, [finding.fix])
    assert finding.rule not in {one.rule for one in PLAIN("x.py", text)}
    after = ratios(text, finding.entry)
    assert any(abs(number(one) / number(said) - 1) < 0.3 for one in after), (said, after)


def number(text: str) -> float:
    above, _, below = text.replace(",", "").partition("/")
    return float(above) / float(below or 1)
