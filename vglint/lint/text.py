"""A text through the program, for the examples of rules and for marked files."""

from __future__ import annotations

import os
from collections.abc import Callable

from vglint.config import Settings
from vglint.finding import Finding
from vglint.lint.file import Tools, lint_file
from vglint.lint.shown import is_shown
from vglint.lint.tracked import TrackedProject
from vglint.rulebook import Rulebook


def text_linter(
    rulebook: Rulebook, settings: Settings | None = None, *, offers: bool = True
) -> Callable[[str, str], tuple[Finding, ...]]:
    """Returns a function of a file's name and text to the findings that the settings show (all of them where none are given); without
    `offers`, no fix is tried. Raises AssertionError on a fault of ours."""
    given = settings or Settings(root=os.getcwd())

    def lint(name: str, text: str) -> tuple[Finding, ...]:
        project = TrackedProject(given.top, [name], given.resolve)
        project.inputs = given.inputs
        project.add(name, text)
        outcome = lint_file(Tools(project, rulebook, offers=offers), name, text.encode("utf-8", "surrogateescape"))
        assert not outcome.internal, outcome.problems
        return tuple(finding for finding in outcome.findings if settings is None or is_shown(finding, settings))

    return lint
