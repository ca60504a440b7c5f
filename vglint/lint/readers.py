"""The code that reads a model's output where a fix gives that another meaning: named in the note of the fix."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from vglint.config import Settings
from vglint.finding import Finding, Report
from vglint.source.imports import Imports
from vglint.source.module import Module
from vglint.source.project import Project


def with_readers(report: Report, groups: Mapping[Settings, Sequence[str]]) -> Report:
    """Returns a report in which the fixes that change what a model's output means name the other linted files that call the model; `groups` are the
    files, by their settings."""
    if not any(finding.fix is not None and finding.fix.makers for finding in report.findings):
        return report
    readers = [_Readers(Project(each.top, paths, each.resolve), paths) for each, paths in groups.items()]
    return replace(report, findings=tuple(_named(finding, readers) for finding in report.findings))


def with_readers_in(
    findings: Iterable[Finding], project: Project, shown: Iterable[str], paths: Sequence[str]
) -> tuple[Finding, ...]:
    """Returns findings whose fixes name the other files that call the model whose output they change: of those that are `shown`, whose text
    the project holds, and of `paths`."""
    modules = [module for path in shown if isinstance(module := project.module(path), Module)]
    readers = _Readers(project, [*(module.path for module in modules), *paths], modules)
    return tuple(_named(finding, [readers]) for finding in findings)


def _named(finding: Finding, readers: Sequence[_Readers]) -> Finding:
    fix = finding.fix
    if fix is None or not fix.makers:
        return finding
    file = os.path.abspath(finding.span.file)
    places = [place for one in readers if one.holds(file) for place in one.of(file, fix.makers)]
    return replace(finding, fix=replace(fix, calls=(*fix.calls, *places)))


class _Readers:
    """The files of one project, in which calls of a model are looked for."""

    def __init__(self, project: Project, paths: Sequence[str], shown: Iterable[Module] = ()) -> None:
        self._paths = {os.path.abspath(path): path for path in paths}
        self._project = project
        self._imports = Imports(project, shown=shown)

    def holds(self, file: str) -> bool:
        return file in self._paths

    def of(self, target: str, makers: Sequence[str]) -> Iterator[str]:
        """Yields the places that call what some names of a file make."""
        from vglint.fix.callers import calls_in

        stem = os.path.splitext(os.path.basename(target))[0]
        words = re.compile(rf"\b(?:{'|'.join(map(re.escape, (*makers, stem)))})\b")
        for file, path in self._paths.items():
            if file == target or not words.search(self._imports.text(file)):
                continue
            names = self._imports.spelled(file, target, makers)
            module = self._project.module(path) if names else None
            if isinstance(module, Module):
                yield from (_place(module, line) for line in calls_in(module.text, names))


def _place(module: Module, line: int) -> str:
    """Returns how a place is called: `predict.py:12`, `demo.ipynb:cell 3:2`."""
    found = module.cell_at(line)
    return f"{module.path}:{line}" if found is None else f"{module.path}:cell {found[0]}:{found[1]}"
