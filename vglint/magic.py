"""`%load_ext vglint` and `%%vglint`: a cell is linted together with what the notebook's earlier cells define, and then runs as usual."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from vglint.config import ConfigError, Configuration, Settings
from vglint.finding import Finding, Report
from vglint.lint.baseline import Baselines
from vglint.lint.file import lint_file
from vglint.lint.narrowing import Narrowed
from vglint.lint.shown import report_of
from vglint.lint.work import Task, tools_of
from vglint.report import FORMATS
from vglint.report.cell import html
from vglint.report.view import View, harmless
from vglint.rulebook import RuleError
from vglint.source.module import Module
from vglint.source.project import Project

_OPTIONS = ("--select", "--ignore")
_BOOK = "notebook.ipynb"
"""What the cells of a session are called: IPython does not know the file that they come from."""


class Shell(Protocol):
    """What is needed of IPython's shell."""

    history_manager: Any
    user_ns: dict[str, Any]

    def register_magic_function(self, func: Callable[..., None], magic_kind: str, magic_name: str) -> None: ...
    def run_cell(self, raw_cell: str) -> Any: ...


class Shown(Struct, frozen=True):
    """A report on a cell, as a notebook or a terminal shows it."""

    report: Report

    def __repr__(self) -> str:
        return harmless(FORMATS["full"](self.report, View(width=100, quiet=True))).rstrip("\n") or "no problems"

    def _repr_html_(self) -> str:
        return html(self.report, View())


def load(shell: Shell) -> None:
    """Registers `%%vglint`."""

    def vglint(line: str, cell: str) -> None:
        """Lint this cell together with what earlier cells define, show the report, and run the cell.

        %%vglint [--no-run] [--select RULES] [--ignore RULES] [--pedantic]
        """
        runs, overrides = _options(line)
        _show(report_on([*_earlier(shell, cell), cell], overrides))
        if runs:
            _run(shell, cell)

    shell.register_magic_function(vglint, "cell", "vglint")


def _options(line: str) -> tuple[bool, dict[str, object]]:
    """Returns whether the cell is run, and the settings that are given; raises IPython's UsageError."""
    from IPython.core.error import UsageError

    runs, overrides = True, dict[str, object]()
    words = iter(shlex.split(line.replace("=", " ")))
    for word in words:
        if word == "--no-run":
            runs = False
        elif word == "--pedantic":
            overrides["pedantic"] = True
        elif word in _OPTIONS and (value := next(words, "")):
            overrides[word[2:]] = tuple(rule.strip() for rule in value.split(",") if rule.strip())
        else:
            raise UsageError(f"%%vglint takes --no-run, --select RULES, --ignore RULES and --pedantic, not {word}")
    return runs, overrides


def _earlier(shell: Shell, cell: str) -> list[str]:
    """Returns the cells that were run before this one, as they were written."""
    written = [str(each) for each in shell.history_manager.input_hist_raw[1:]]
    return written[:-1] if written and written[-1].rstrip().endswith(cell.rstrip()) else written


def report_on(cells: Sequence[str], overrides: dict[str, object]) -> Report:
    """Returns what the last cell brings in: what is found in it, and what it adds to what is found in the others.

    Raises IPython's UsageError for a mistake in the configuration or in the name of a rule.
    """
    from IPython.core.error import UsageError

    cells = _without_replaced(cells)
    last = len(cells)
    try:
        settings = Configuration(overrides=overrides).of_file(_BOOK)
        report = _linted(cells, settings)
        other = [finding for finding in report.findings if finding.cell != last]
        before = {_key(one) for one in _linted(cells[:-1], settings).findings} if other else set()
    except (ConfigError, RuleError) as error:
        raise UsageError(harmless(str(error))) from None
    findings = tuple(one for one in report.findings if one.cell == last or _key(one) not in before)
    problems = tuple(one for one in report.problems if one.cell is None or one.cell[0] == last)
    return replace(report, findings=findings, problems=problems)


def _key(finding: Finding) -> object:
    return finding.rule, finding.span, finding.cell


def _without_replaced(cells: Sequence[str]) -> list[str]:
    """Returns the cells, without text those whose every class and function a later one defines anew: they were run before they were edited."""
    module = Project(os.getcwd(), [_BOOK]).add(_BOOK, _book(cells))
    if not isinstance(module, Module):
        return list(cells)
    names: list[set[str]] = [set() for _ in cells]
    for unit in module.units:
        place = module.cell_at(unit.line)
        if unit.kind in ("class", "function") and place is not None:
            names[place[0] - 1].add(unit.name)
    kept: list[str] = []
    later: set[str] = set()
    for cell, defined in zip(reversed(cells), reversed(names), strict=True):
        kept.insert(0, "" if defined and defined <= later else cell)
        later |= defined
    return kept


def _linted(cells: Sequence[str], settings: Settings) -> Report:
    """Returns the report on a notebook of these cells; it is made in this process, which may have threads and a GPU."""
    content = _book(cells)
    tools = tools_of(Task(settings, (_BOOK,), False))
    tools.project.add(_BOOK, content)
    outcome = lint_file(tools, _BOOK, content)
    return report_of({_BOOK: (outcome, settings)}, (), {_BOOK: content}, Baselines([settings]), Narrowed())


def _book(cells: Sequence[str]) -> bytes:
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}).encode("ascii")


def _show(report: Report) -> None:
    from IPython.display import display

    display(Shown(report))  # type: ignore[no-untyped-call]


class CellFailed(Exception):
    """The cell raised an error, which is shown already."""

    def _render_traceback_(self) -> list[str]:
        return []


def _run(shell: Shell, cell: str) -> None:
    """Runs a cell as usual; where it fails, this one fails too, so that what comes behind it is not run."""
    result = shell.run_cell(cell)
    if result.error_before_exec is not None or result.error_in_exec is not None:
        error = result.error_before_exec or result.error_in_exec
        raise CellFailed(f"{type(error).__name__}: {error}") from None
