"""Where reports go: `--output-format sarif=out.sarif` and the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Output:
    """One format, and the file to write it to; None is standard output."""

    format: str
    file: str | None = None


class OutputType(click.ParamType):
    """`FORMAT` or `FORMAT=FILE`."""

    name = "format[=file]"

    def __init__(self, formats: Sequence[str]) -> None:
        self.formats = formats

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Output:
        if isinstance(value, Output):
            return value
        return parse_output(str(value), self.formats)


def parse_output(value: str, formats: Sequence[str]) -> Output:
    """Returns the output of `FORMAT` or `FORMAT=FILE`; raises click.BadParameter."""
    name, equals, file = value.partition("=")
    if name not in formats:
        from vglint.nearest import nearest

        raise click.BadParameter(f"unknown format {name!r}{nearest(name, formats)} (one of {', '.join(formats)})")
    if equals and not file:
        raise click.BadParameter(f"{value!r} names no file")
    return Output(name, file or None)


def wants_color(choice: str) -> bool:
    """Returns whether to colour standard output: as asked, else by NO_COLOR, FORCE_COLOR and whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Writes to standard output what its encoding can hold; a reader that went away is no fault."""
    stream = sys.stdout
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        # Python would complain again when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_file(file: str, text: str) -> None:
    """Writes a report to a file; raises click.UsageError where that cannot be."""
    try:
        with open(file, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        raise click.UsageError(f"cannot write {file}: {error.strerror}") from None
