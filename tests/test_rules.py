"""Every rule of the catalogue: its examples, its form, its page."""

from __future__ import annotations

import ast
import json
import re
from functools import cache, partial

import pytest

from vglint.lint.text import text_linter
from vglint.rule import Rule
from vglint.rulebook import load
from vglint.rulebook.format import schema
from vglint.rulebook.pages import facts_text, fires, page
from vglint.rulebook.template import HEADLINE
from vglint.selftest import check_rules, compare

BOOK = load()
RULES = BOOK.rules
IDS = [rule.id for rule in RULES]


@pytest.fixture(scope="module")
def lint():
    """The rules' linter; a text that several tests lint, under whatever name, is read once."""
    kept = cache(partial(text_linter(BOOK), "example.py"))
    return lambda name, text: kept(text)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_examples(rule: Rule, lint):
    failed = [str(check) for check in check_rules([rule], lint) if not check.passed]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_two_examples_fire_and_two_stay_silent(rule: Rule):
    firing = [example for example in rule.examples if fires(rule, example)]
    silent = [example for example in rule.examples if not fires(rule, example)]
    assert len(firing) >= 2 and len(silent) >= 2
    for example in rule.examples:
        ast.parse(example.code)
        assert "torch" in example.code


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_prose_is_in_order(rule: Rule):
    """What it does, why it is bad, when it is fine, instead, references."""
    marks = ["**Why is it bad?**", "**When is it fine?**", "**Instead**"]
    places = [rule.why.find(mark) for mark in marks]
    assert places == sorted(places) and places[0] > 0, rule.id
    assert rule.references
    assert rule.summary.endswith(".")
    assert not re.search(r"retain_graph=True", rule.message + rule.advice)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_the_file_is_named_after_the_rule_and_names_its_schema(rule: Rule, root):
    path = root / "rules" / f"{rule.id}-{rule.name}.toml"
    assert path.is_file()
    assert path.read_text().startswith("#:schema ../docs/rule.schema.json\n")


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_findings_are_whole_sentences_of_known_facts(rule: Rule, lint):
    for example in rule.examples:
        for finding in lint("example.py", example.code):
            assert "?" not in finding.message, finding.message
            assert "?" not in finding.advice, finding.advice
            assert finding.evidence


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_texts_are_plain(rule: Rule, lint):
    """A headline of at most 100 characters whose names are whole, no number such as `1e-3.2`, sentences that end where they end."""
    for example in rule.examples:
        for finding in lint("example.py", example.code):
            if finding.rule != rule.id:
                continue
            assert len(finding.message) <= HEADLINE, finding.message
            for text in (finding.message, finding.detail, finding.advice, finding.effect):
                assert not re.search(r"\de[-+]?\d+\.\d|…", text), text
                assert not text.endswith("."), text


def test_examples_can_fail(lint):
    """The comparison notices a finding that is not announced, and an announcement without a finding."""
    code = next(example.code for rule in RULES if rule.id == "VG701" for example in rule.examples)
    bare = code.replace("# expect: VG701", "")
    assert compare("bare", bare, lint("x.py", bare)).surplus
    silent = next(example.code for example in BOOK.find("VG701").rule.examples if "expect" not in example.code)
    marked = silent.replace("import torch\n", "import torch  # expect: VG701\n", 1)
    assert compare("marked", marked, lint("x.py", marked)).missing == ((1, "VG701"),)


def test_docs_are_current(request, root):
    """docs/rules/*.md, docs/facts.txt and docs/rule.schema.json are what the program prints; --update rewrites them."""
    wanted = {root / "docs" / "rules" / f"{rule.id}.md": page(rule, BOOK.checked) for rule in RULES}
    wanted[root / "docs" / "rule.schema.json"] = json.dumps(schema(), indent=2) + "\n"
    wanted[root / "docs" / "facts.txt"] = facts_text()
    if request.config.getoption("--update"):
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
    for path, text in wanted.items():
        assert path.is_file() and path.read_bytes().decode() == text, f"{path.name} is not current: run pytest --update"
    assert {path.stem for path in (root / "docs" / "rules").glob("*.md")} == set(IDS)
