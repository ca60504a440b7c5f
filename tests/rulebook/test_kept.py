"""Rules that were checked once are read from where they are kept, and say the same; what changed is checked anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vglint import origin
from vglint.rulebook import RuleError, bundled, load
from vglint.rulebook.kept import Shelf
from vglint.value import Unknown


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two rules; the user's key is one of the test's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = tmp_path / "rules"
    made.mkdir()
    for each in sorted(bundled().glob("*.toml"))[:2]:
        shutil.copy(each, made)
    return made


def kept(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "kept").glob("rules-*.vglint"))


def test_all_rules_are_the_same_from_the_shelf(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "kept", b"one")
    assert load(shelf=shelf) == load(shelf=shelf) == load()
    assert len(kept(tmp_path)) == 1


def test_nothing_is_checked_again(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path / "kept", b"one")
    first = load([folder], with_bundled=False, shelf=shelf)

    def refuse(*_: object) -> None:
        raise AssertionError("a rule is checked again")

    monkeypatch.setattr("vglint.rulebook.kept.rule_of", refuse)
    assert load([folder], with_bundled=False, shelf=shelf) == first


def test_a_rule_that_changed_is_checked(tmp_path: Path, folder: Path) -> None:
    shelf = Shelf(tmp_path / "kept", b"one")
    load([folder], with_bundled=False, shelf=shelf)
    rule = sorted(folder.glob("*.toml"))[0]
    rule.write_text(rule.read_text("utf-8").replace('severity = "', 'severity = "no'), "utf-8")
    with pytest.raises(RuleError, match="severity"):
        load([folder], with_bundled=False, shelf=shelf)


@pytest.mark.parametrize("program", [b"one", b"two"])
def test_what_is_damaged_or_another_programs_is_not_believed(tmp_path: Path, folder: Path, program: bytes) -> None:
    load([folder], with_bundled=False, shelf=Shelf(tmp_path / "kept", b"one"))
    (name,) = kept(tmp_path)
    file = tmp_path / "kept" / name
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert load([folder], with_bundled=False, shelf=Shelf(tmp_path / "kept", program)) == load(
        [folder], with_bundled=False
    )


def unknown(name: str) -> Unknown:
    return Unknown(origin.Name(name))


def test_conditions_answer_alike(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "kept", b"one")
    load(shelf=shelf)
    again = load(shelf=shelf)
    for checked, other in zip(load().checked, again.checked, strict=True):
        assert [part.text for part in checked.when.parts] == [part.text for part in other.when.parts]
        assert checked.when.run(unknown) == other.when.run(unknown)
