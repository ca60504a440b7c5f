"""`--write-baseline`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from vglint import disk
from vglint.cli.output import tell, write_file
from vglint.report.summary import plural
from vglint.report.view import place

if TYPE_CHECKING:
    from vglint.config import Configuration
    from vglint.finding import Report


def write_baseline(file: str, report: Report, configuration: Configuration, paths: Sequence[str]) -> int:
    """Writes the findings of a report to a baseline, and returns the exit status. What is there and is no baseline stays as it is."""
    from vglint.lint.baseline import renewed, text_of
    from vglint.lint.project import exclusion
    from vglint.source.discovery import discover

    unread = [problem for problem in report.problems if problem.kind != "comment"]
    for problem in unread:
        tell(f"{place(problem.path, None, problem.line)}: {problem.message}")
    lost = {os.path.abspath(problem.path) for problem in unread}
    files, _ = discover(paths, lambda folder: exclusion(configuration.of(folder)))
    linted = [path for path in files if os.path.abspath(path) not in lost]
    entries = renewed(file, report, lambda path: configuration.of_file(path).top, linted)
    text = text_of(entries)
    if len(text) > disk.TEXT:
        raise click.UsageError(
            f"{plural(len(entries), 'finding')} are too many for a baseline, of which vglint reads 1 MB: ignore rules"
        )
    write_file(file, text)
    new = len(report.findings)
    more = f", and {len(entries) - new} of other files stay" if len(entries) > new else ""
    tell(
        f'wrote {plural(new, "finding")} to {file}{more}: --baseline {file}, or baseline = "{file}" in the configuration, leaves them out'
    )
    return 1 if unread else 0
