"""One cause, one finding: clean programs in which nothing is found, and for each rule an edit that plants its fault and no other."""

from __future__ import annotations

import pytest
import tomli
from models import FIXTURES

from vglint.lint.text import text_linter
from vglint.rulebook import load

FOLDER = FIXTURES / "planted"
PLANTS: list[dict[str, str]] = tomli.loads((FOLDER / "plants.toml").read_text(encoding="utf-8"))["plant"]
CLEAN = sorted(FOLDER.glob("*.py"))
BOOK = load()


@pytest.fixture(scope="module")
def lint():
    return text_linter(BOOK, offers=False)


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.name)
def test_nothing_is_found_in_a_clean_program(path, lint):
    assert [f"{finding.rule} {finding.message}" for finding in lint("clean.py", path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant["rule"])
def test_a_planted_fault_is_found_and_nothing_else(plant, lint):
    text = (FOLDER / plant["file"]).read_text(encoding="utf-8")
    assert text.count(plant["replace"]) == 1, "the edit is not unique"
    found = lint("planted.py", text.replace(plant["replace"], plant["by"]))
    assert {finding.rule for finding in found} == {plant["rule"]}, [f"{f.rule} {f.message}" for f in found]


def test_every_rule_has_a_small_plant():
    assert {plant["rule"] for plant in PLANTS} == {rule.id for rule in BOOK.rules}
    for plant in PLANTS:
        # Lines that are added or taken away: a rule about the loss scaler takes away the scaler.
        assert abs(plant["by"].count("\n") - plant["replace"].count("\n")) <= 3, plant["rule"]
