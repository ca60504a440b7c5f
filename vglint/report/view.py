"""What a reporter may know beside the report itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from msgspec import Struct, field

from vglint.finding import MEASURED
from vglint.regex import regex
from vglint.rule import Rule, Severity

COLORS: Mapping[Severity, str] = {"error": "red", "warning": "yellow", "info": "cyan"}


class View(Struct, frozen=True):
    """How to show a report: the rules for their help texts, the folder that relative addresses start from, colours or not, and in how
    many columns (0: as many as a line needs)."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    root: str = ""
    color: bool = False
    statistics: bool = False
    verbose: bool = False
    width: int = 0
    quiet: bool = False
    """Whether to show findings and notes alone."""

    changed: Mapping[str, frozenset[int]] | None = None
    """The lines of files that changed, by path as findings have it; None where that is not known."""

    own: frozenset[str] = frozenset()
    """Ids of rules that are the user's own and have no page on the web."""

    def is_foreign(self, rule: str) -> bool:
        """Whether a rule has no page on the web: one of the user's, or a measurement of the probe."""
        return rule in self.own or rule == MEASURED

    def paint(self, text: str, fg: str | None = None, bold: bool = False) -> str:
        """Returns `text` in colour, or as it is where colours are off."""
        if not self.color:
            return text
        import click

        return click.style(text, fg=fg, bold=bold or None)


def relative(path: str, root: str) -> str:
    """Returns `path` with forward slashes, relative to `root` where it lies under it."""
    if os.path.isabs(path) and root:
        try:
            inner = os.path.relpath(path, root)
        except ValueError:  # another drive
            return path.replace(os.sep, "/")
        if not inner.startswith(".."):
            path = inner
    elif path.startswith("./"):
        path = path[2:]
    return path.replace(os.sep, "/")


def place(path: str, cell: int | None, line: int | None, column: int | None = None) -> str:
    """Returns the address that editors and terminals link: `path:line:column`, in a notebook `path:cell N:line:column`."""
    parts = [visible(path)] + ([f"cell {cell}"] if cell is not None else [])
    return ":".join(parts + [str(number) for number in (line, column) if number is not None])


def visible(text: str) -> str:
    """Returns `text` on one line with control characters replaced, so that linted text cannot steer the terminal or a CI runner."""
    return _COMMAND.sub(r"\\x23", _CONTROL.sub(lambda match: _stand_in(match.group()), text))


def harmless(text: str, *, color: bool = False, commands: bool = False) -> str:
    """Returns whole lines that neither a terminal nor a CI runner obeys.

    `color` keeps codes of colour, `commands` lines that start with `::`, which are ours where a format is made of them.
    """
    parts = _COLOR.split(text) if color else [text]
    codes = _COLOR.findall(text) if color else []
    clean = [_COMMAND.sub(r"\\x23", _STEERING.sub(lambda match: _stand_in(match.group()), part)) for part in parts]
    whole = "".join(part + code for part, code in zip(clean, [*codes, ""], strict=True))
    return whole if commands else _COMMAND_LINE.sub(r"\1\\x3a:", whole)


_COLOR = regex("\x1b\\[[0-9;]*m")
_COMMAND = regex(r"#(?=#(?:\[|vso\[|teamcity\[))")
"""`##[…]`, `##vso[…]` and `##teamcity[…]` are commands to runners of continuous integration, wherever they stand."""
_COMMAND_LINE = regex("^((?:[^\\S\n]|\x1b\\[[0-9;]*m)*)::(?!:)", re.MULTILINE)
_STEERING = regex("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)")
_CONTROL = regex("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def _stand_in(character: str) -> str:
    code = ord(character)
    if code == 0x09 or code == 0x0A:
        return " "
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"
