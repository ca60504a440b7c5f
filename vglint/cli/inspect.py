"""`--show-files` and `--show-settings`: what a run would look at, and how."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vglint.cli.output import say, tell

if TYPE_CHECKING:
    from vglint.config import Configuration


def show_files(paths: Sequence[str], configuration: Configuration) -> None:
    """Prints the files that a run would lint."""
    from vglint.lint.project import exclusion
    from vglint.source.discovery import discover

    files, problems = discover(paths, lambda folder: exclusion(configuration.of(folder)))
    for problem in problems:
        tell(f"{problem.path}: {problem.message}")
    say("".join(f"{file}\n" for file in files))


def show_settings(paths: Sequence[str], configuration: Configuration) -> None:
    """Prints the settings that hold for each path, and the rules that they choose."""
    from vglint.config.written import settings_toml
    from vglint.lint.work import rulebook_of

    told: dict[str, list[str]] = {}
    for path in paths:
        settings = configuration.of(path) if os.path.isdir(path) else configuration.of_file(path)
        chosen = ", ".join(checked.rule.id for checked in rulebook_of(settings).chosen) or "none"
        told.setdefault(f"# rules that run: {chosen}\n{settings_toml(settings)}", []).append(path)
    say("\n".join(f"# settings for {', '.join(names)}\n{text}" for text, names in told.items()))
