"""`--fix` and `--diff`."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from vglint.cli.output import say, tell
from vglint.disk import leads_out
from vglint.fix import NotWrittenError
from vglint.lint.fixing import Fixed, Refused, fixes
from vglint.lint.ignoring import ignored
from vglint.regex import regex
from vglint.report.summary import plural

if TYPE_CHECKING:
    from vglint.config import Settings
    from vglint.finding import Report
    from vglint.lint import Buffer


def show_changes(report: Report, govern: Callable[[str], Settings], unsafe: bool, buffer: Buffer | None) -> None:
    """Prints what the fixes would change."""
    made, refused = fixes(report, govern, unsafe, buffer)
    for fixed in made:
        say(_diff(fixed))
    _count("would fix", made, refused, report, unsafe)


def make_changes(report: Report, govern: Callable[[str], Settings], unsafe: bool) -> bool:
    """Writes the fixed files, and returns whether there was any; raises click.ClickException where one cannot be written."""
    made, refused = fixes(report, govern, unsafe)
    written = _written(made)
    _count("fixed", written, refused, report, unsafe)
    return bool(written)


def ignore_findings(
    report: Report, govern: Callable[[str], Settings], reason: str, only_shown: bool, buffer: Buffer | None
) -> bool:
    """Writes a comment for each finding, or prints what that would change, and returns whether a file has changed."""
    made, refused = ignored(report, govern, reason.strip(), buffer)
    for fixed in made if only_shown else ():
        say(_diff(fixed))
    written = [] if only_shown else _written(made)
    for one in refused:
        span = one.finding.span
        tell(f"{span.file}:{span.line}: {one.finding.rule} gets no comment: {one.why}")
    count = sum(len(fixed.findings) for fixed in made)
    verb = "would answer" if only_shown else "answered"
    tell(f"{verb} {plural(count, 'finding')} in {plural(len(made), 'file')}")
    return bool(written)


def _written(made: list[Fixed]) -> list[Fixed]:
    """Writes files, and returns those that could be; raises click.ClickException where one could not, after the others."""
    failed = []
    for fixed in made:
        if (real := leads_out(fixed.path)) is not None:
            failed.append(f"{fixed.path} is left as it is: it is a link to {real}, out of this folder")
            continue
        try:
            fixed.write()
        except (OSError, NotWrittenError) as error:
            failed.append(f"{fixed.path} is left as it is: {error}")
    if failed:
        raise click.ClickException("\n".join(failed))
    return made


def _diff(fixed: Fixed) -> str:
    before, after = (_ROW.findall(text) for text in fixed.texts)
    name = fixed.path.lstrip("/")
    lines = difflib.unified_diff(before, after, _quoted(f"a/{name}"), _quoted(f"b/{name}"))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


_ROW = regex(r"[^\n]*\n|[^\n]+")
_UNSAFE = regex('[\x00-\x1f\x7f"\\\\\udc80-\udcff]')


def _quoted(name: str) -> str:
    """Returns a file's name as git writes it in a patch: in quotes, with octal codes, where it holds what could end the line."""
    if not _UNSAFE.search(name):
        return name
    return '"' + _UNSAFE.sub(lambda match: f"\\{ord(match.group()) & 0xFF:03o}", name) + '"'


def _count(verb: str, made: list[Fixed], refused: list[Refused], report: Report, unsafe: bool) -> None:
    for one in refused:
        span = one.finding.span
        tell(f"{span.file}:{span.line}: the fix of {one.finding.rule} is left out: {one.why}")
    count = sum(len(fixed.findings) for fixed in made)
    more = 0 if unsafe else sum(1 for finding in report.findings if finding.fix and finding.fix.safety == "unsafe")
    hint = f" ({plural(more, 'change')} more with --unsafe-fixes)" if more else ""
    tell(f"{verb} {plural(count, 'finding')} in {plural(len(made), 'file')}{hint}")
