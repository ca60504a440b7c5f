"""Where reports go: `--output-format sarif=out.sarif` and the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

import click
from msgspec import Struct

from vglint import disk
from vglint.report import FORMATS
from vglint.report.view import harmless


class Output(Struct, frozen=True):
    """One format, and the file to write it to; None is standard output."""

    format: str
    file: str | None = None


def outputs(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[Output, ...]:
    """Returns the outputs of `FORMAT` and `FORMAT=FILE` options; raises click.BadParameter."""
    return tuple(_output(value) for value in values)


def report_files(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    """Returns the files that measurements are written to; raises click.BadParameter for another ending than .html and .json."""
    for name in values:
        if not name.endswith((".html", ".json")):
            raise click.BadParameter(f"{name}: the name must end in .html or .json")
    return tuple(values)


def known_format(name: str) -> str:
    """Returns `name`; raises ValueError with the nearest right one where it is no format."""
    from vglint.nearest import nearest

    if name not in FORMATS:
        raise ValueError(f"unknown format {name!r}{nearest(name, FORMATS)} (one of {', '.join(FORMATS)})")
    return name


def _output(value: str) -> Output:
    name, equals, file = value.partition("=")
    if equals and not file:
        raise click.BadParameter(f"{value!r} names no file")
    try:
        return Output(known_format(name), file or None)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def wants_color(choice: str) -> bool:
    """Returns whether to colour standard output: as asked, else by NO_COLOR, FORCE_COLOR and whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def terminal_width() -> int:
    """Returns in how many columns to write to standard output: the terminal's or COLUMNS, between 40 and 120; elsewhere 100."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, 40), 120)


def say(text: str, *, color: bool = False, commands: bool = False) -> None:
    """Writes to standard output what its encoding can hold, made harmless; a reader that went away is no fault."""
    stream = sys.stdout
    text = harmless(text, color=color, commands=commands)
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        # Python would complain again when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def tell(text: str) -> None:
    """Writes a line to standard error, made harmless."""
    click.echo(harmless(text), err=True)


def write_file(file: str, text: str) -> None:
    """Writes a report to a file; raises click.UsageError where that cannot be."""
    try:
        disk.write(file, text.encode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise click.UsageError(f"cannot write {file}: {why}") from None
