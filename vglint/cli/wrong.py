"""Mistakes of the user: one line that says what is wrong and what would be right, and the line of the file that it stands in."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from vglint import disk
from vglint.target import TargetError

Given = ParamSpec("Given")
Result = TypeVar("Result")


class WrongUse(click.ClickException):
    """A mistake in the configuration, in a rule or in an argument: exit status 2."""

    exit_code = 2


def plain_errors(verb: Callable[Given, Result]) -> Callable[Given, Result]:
    """Turns the errors of configuration and rules into messages."""

    @wraps(verb)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return verb(*args, **kwargs)
        except click.ClickException as error:
            vars(error)["message"] = one_line(error.message)  # final only by name
            raise
        except TargetError as error:
            raise click.UsageError(one_line(str(error))) from None
        except Exception as error:
            from vglint.config import ConfigError

            if isinstance(error, ConfigError) or _is_rule_error(error):
                said = str(error).removeprefix(": ")
                where = pointed(str(getattr(error, "file", "")), str(getattr(error, "key", "")), said)
                raise WrongUse("\n".join([one_line(said), *where])) from None
            raise

    return wrapped


def pointed(file: str, key: str, message: str) -> list[str]:
    """Returns the line of a TOML file that a message is about, with a caret under the key or the value that it quotes."""
    from vglint.cli.output import terminal_width
    from vglint.config.position import locate
    from vglint.report.frame import Mark, frame
    from vglint.report.view import View, visible

    if not file.endswith(".toml"):
        return []
    try:
        text = disk.read(file, disk.TEXT).decode()
    except (OSError, ValueError):
        return []
    at = re.search(r"\(at line (\d+), column (\d+)\)", message)
    if at is not None:
        place: tuple[int, int, int] | None = int(at[1]), int(at[2]), int(at[2]) + 1
    elif key:
        place = _value(text, message, locate(text, key) or locate(text, f"tool.vglint.{key}"))
    else:
        place = None
    if place is None:
        return []
    line, start, end = place
    view = View(width=terminal_width())
    return [
        f"  --> {visible(file)}:{line}:{start}",
        *frame(text, [Mark(line, start, end, "", True, line)], "red", view),
    ]


def _value(text: str, message: str, place: tuple[int, int, int] | None) -> tuple[int, int, int] | None:
    """Returns the place, in the value of the key at `place`, of what a message says is wrong, or of the first string that it quotes; else that place."""
    wrong = re.search(r", not (?:'(?P<text>[^']+)'|(?P<number>[\w.+-]+)$)", message) or re.search(
        r"'(?P<text>[^']+)'", message
    )
    if place is None or wrong is None:
        return place
    found_text = wrong["text"]
    sought = re.escape(wrong["number"]) if found_text is None else rf"""["']{re.escape(found_text)}["']"""
    lines = text.splitlines()
    for number in range(place[0], min(place[0] + 40, len(lines) + 1)):
        line = lines[number - 1]
        if number > place[0] and re.match(r"\s*(\[{1,2}\s*[\w.\"'-]+\s*\]|[\w.\"'-]+\s*=)", line):
            return place
        found = re.compile(sought).search(line, place[2] - 1 if number == place[0] else 0)
        if found is not None:
            return number, found.start() + 1, found.end() + 1
    return place


def one_line(text: str) -> str:
    """Returns a message that holds text of files, of bounded length and harmless to a terminal."""
    from vglint.report.view import harmless

    return harmless(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


_LONGEST = 2000


def _is_rule_error(error: Exception) -> bool:
    """Whether the rulebook raised it; where it was never imported it did not."""
    loaded = sys.modules.get("vglint.rulebook.load")
    return loaded is not None and isinstance(error, loaded.RuleError)
