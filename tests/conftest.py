"""`--update` rewrites golden files instead of comparing with them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libcst  # noqa: F401  a run that offers a fix needs it: here once, in place of in each process that such a run starts
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
os.environ["VGLINT_CACHE_KEY"] = "of the tests"
os.environ["VGLINT_DEBUG"] = "1"  # a fault of vglint's own is raised, not survived
# Hundreds of processes start here: what one has compiled the next one reads, and none of them makes threads for models of a dozen units.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ["OMP_NUM_THREADS"] = "1"
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


LONG = (
    "tests/ci/test_precommit.py", "tests/test_rules.py", "tests/probe/test_examples_under_torch.py", "tests/test_fuzz.py",
    "tests/test_security.py", "tests/test_fixes.py", "tests/test_form.py", "tests/test_fixtures.py", "tests/lint/test_fixing.py",
)  # fmt: skip
"""Files that take a process half a minute and more: where several processes share the work, these come first."""
SCATTERED = frozenset({"tests/probe/test_examples_under_torch.py", "tests/test_fuzz.py", "tests/test_security.py"})
"""Files whose tests share nothing that is dear to make, so that they need not run in one process."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        file = item.nodeid.partition("::")[0]
        if file.split("/", 2)[1] in QUICK and getattr(item, "originalname", item.name) not in SLOW:
            item.add_marker(pytest.mark.quick)
    if hasattr(config, "workerinput"):
        places = {file: place for place, file in enumerate(LONG)}
        items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps the tests of a file in one process, so that what they share is made once."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Filewise(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return nodeid if file in SCATTERED else file

    config.option.loadscopereorder = False
    return Filewise(config, log)


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
