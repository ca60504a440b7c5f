"""A plugin of pytest: `pytest --vglint FOLDER` lints a folder as one more test."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--vglint`."""
    group = parser.getgroup("vglint")
    group.addoption("--vglint", action="append", default=[], metavar="PATH", help="lint a file, notebook or folder with vglint, as one more test; may be repeated")  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Adds a test for each path that is linted, before tests are chosen by `-k`."""
    for path in session.config.getoption("--vglint"):
        items.append(Linted.from_parent(session, name=f"vglint[{path}]", given=path))


class Failed(Exception):
    """There are findings, or files that cannot be read; the message is the report."""


class Linted(pytest.Item):
    """The test that vglint finds nothing in a path, under the configuration that holds there."""

    def __init__(self, *, given: str, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.given = os.path.join(self.config.invocation_params.dir, given)

    def runtest(self) -> None:
        from vglint.api import lint
        from vglint.config import ConfigError
        from vglint.report import FORMATS
        from vglint.report.view import View, harmless
        from vglint.rulebook import RuleError

        try:
            report = lint(self.given)
        except (ConfigError, RuleError) as error:
            raise Failed(harmless(str(error))) from None
        if report.findings or report.problems:
            shown = FORMATS["full"](report, View(root=str(self.config.invocation_params.dir), width=100))
            raise Failed(harmless(shown).rstrip("\n"))
        if not report.files:
            raise Failed(f"there is no Python file or notebook to lint in {harmless(self.given)}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, Failed):
            return str(excinfo.value)
        return str(excinfo.getrepr(style="short"))

    def reportinfo(self) -> tuple[str, None, str]:
        return self.given, None, self.name
