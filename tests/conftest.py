"""`--update` rewrites golden files instead of comparing with them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import libcst  # noqa: F401  a run that offers a fix needs it: here once, in place of in each process that such a run starts
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
os.environ["VGLINT_CACHE_KEY"] = "of the tests"
os.environ["VGLINT_DEBUG"] = "1"  # a fault of vglint's own is raised, not survived
sys.path[:0] = [str(ROOT / "tests")]  # the oracle, and the table of runnable fixtures

# Generated examples are the same in every run, and a slow machine fails none of them.
settings.register_profile(
    "same everywhere", deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("same everywhere")

QUICK = (
    "interp", "rulebook", "report", "test_config.py", "test_fixtures.py", "test_form.py", "test_graphs.py",
    "test_number.py", "test_rules.py",
)  # fmt: skip
"""Files and folders whose tests are marked `quick`: graphs, findings, rules, reports, form."""
SLOW = frozenset({"test_the_wheel_holds_the_rules", "test_the_code_is_clean"})
"""Tests among them that are not."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        place = item.path.relative_to(ROOT / "tests") if item.path.is_relative_to(ROOT / "tests") else item.path
        if place.parts[0] in QUICK and getattr(item, "originalname", item.name) not in SLOW:
            item.add_marker(pytest.mark.quick)


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
