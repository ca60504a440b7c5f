"""`--update` rewrites golden files instead of comparing with them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests")]  # the oracle, and the table of runnable fixtures


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite golden files from what the program prints now")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with a file under fixtures/, or rewrites that file."""

    def check(name: str, text: str) -> None:
        path = ROOT / "fixtures" / name
        if request.config.getoption("--update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        assert path.is_file(), f"{name} is missing: run pytest --update and read the difference"
        assert text == path.read_bytes().decode("utf-8")

    return check


@pytest.fixture
def root() -> Path:
    """The repository's folder."""
    return ROOT
