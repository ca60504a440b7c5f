"""What the options of `vglint` say: settings, and which part of the files to lint."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from vglint.cli.output import tell
from vglint.source.discovery import SUFFIXES

if TYPE_CHECKING:
    from vglint.config import Configuration, Settings
    from vglint.lint import Buffer
    from vglint.lint.narrowing import Importers, Since


def overrides(options: Mapping[str, Any]) -> dict[str, object]:
    """Returns the options as settings; None and what is absent leave the configuration's."""
    return {
        "select": options["select"],
        "ignore": options["ignore"],
        "extend_select": options["extend_select"],
        "fixable": options["fixable"],
        "unfixable": options["unfixable"],
        "extend_exclude": options["exclude"] or None,
        "pedantic": options["pedantic"] or None,
        "min_severity": options["min_severity"],
        "min_confidence": options["min_confidence"],
        "baseline": options["baseline"] if options["write_baseline"] is None else "",
        "exit_zero": options["exit_zero"] or None,
        "force_exclude": options["force_exclude"] or None,
        "jobs": options["jobs"],
        "cache": False if options["no_cache"] else None,
        "cache_dir": options["cache_dir"],
    }


def narrowing(
    files: list[str], options: Mapping[str, Any], configuration: Configuration
) -> tuple[list[str], Since | Importers | None]:
    """Returns what to look for files in, and which part of them to lint."""
    if options["since"] is not None:
        from vglint.lint.narrowing import Since

        return files, Since(options["since"])
    if options["with_importers"]:
        from vglint.lint.narrowing import Importers
        from vglint.lint.project import exclusion
        from vglint.source.discovery import discover

        given, _ = discover(files, lambda folder: exclusion(configuration.of(folder)))
        tops = {os.path.relpath(configuration.of_file(path).top) for path in given}
        return [*files, *sorted(tops)], Importers(given)
    return files, None


def wants_probe(options: Mapping[str, Any], settings: Settings) -> bool:
    """Whether models are run: only the command line, the environment or the user's own configuration may ask for that."""
    from vglint.config import own

    asked = options["probe"] or options["prove_fix"] or os.environ.get("VGLINT_PROBE", "").lower() in _YES
    if asked or (not options["isolated"] and own().probe.enabled):
        return True
    if options["reports"]:
        raise click.UsageError("--report needs --probe: what it writes is measured, and measuring runs the code")
    if settings.probe.enabled:
        tell(f"{settings.file}: probe.enabled is not heeded here: --probe or VGLINT_PROBE=1 has the code run")
    return False


_YES = ("1", "true", "yes", "on")


def buffered(paths: Sequence[str], filename: str | None) -> Buffer | None:
    """Returns standard input as the file that it stands for; None where it is not asked for."""
    from vglint.lint import Buffer

    if "-" not in paths:
        if filename is not None:
            raise click.UsageError("--stdin-filename needs the path -")
        return None
    if len(paths) > 1:
        raise click.UsageError("- stands alone: standard input is one file")
    return Buffer(filename or "stdin.py", sys.stdin.buffer.read())


def odd(paths: Sequence[str]) -> Iterator[str]:
    """Yields what to say of files that are named and do not look like Python."""
    for path in paths:
        if os.path.splitext(path)[1] not in ("", *SUFFIXES) and os.path.isfile(path):
            yield f"{path} ends in none of {', '.join(SUFFIXES)}: it is read as Python"
