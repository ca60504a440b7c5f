"""What `--fix --unsafe-fixes` makes of each file under fixtures/fixes, and that making it again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from vglint import fix
from vglint.fix import ACTIONS, apply, loaded
from vglint.lint.text import text_linter
from vglint.rulebook import load

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "fixtures" / "fixes").glob("*.py"))
LINT = text_linter(load())


@cache
def fixed(name: str, text: str) -> str:
    """Returns a text with every fix made that its findings offer."""
    return apply(text, [finding.fix for finding in LINT(name, text) if finding.fix is not None])[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_fixed_as_the_golden_file_says(path: Path, golden: Callable[[str, str], None]) -> None:
    text = path.read_bytes().decode()
    after = fixed(path.name, text)
    compile(after, path.name, "exec")
    golden(f"fixes/{path.stem}.fixed", after)
    assert fixed(path.name, after) == after, "twice is once"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_line_ends_and_tabs_stay(path: Path) -> None:
    ending = "\r\n" if FILES.index(path) % 2 else "\r"
    text = path.read_bytes().decode()
    other = text.replace("    ", "\t").replace("\n", ending)
    assert fixed(path.name, other) == fixed(path.name, text).replace("    ", "\t").replace("\n", ending)


def test_every_action_has_one_sentence() -> None:
    files = Path(fix.__file__).parent.joinpath("actions").glob("[a-z]*.py")
    assert {path.stem.replace("_", "-") for path in files} == set(ACTIONS), "an action has a file of its own name"
    for name in ACTIONS:
        assert (loaded(name).__doc__ or "").split("\n")[0].strip(), name
