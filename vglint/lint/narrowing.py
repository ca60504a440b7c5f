"""A run on a part of a project: what changed since a revision, or some files, with what imports them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, field

from vglint import disk
from vglint.config import Settings
from vglint.finding import Finding, Problem, Report
from vglint.lint.revision import Revision, RevisionError
from vglint.regex import regex
from vglint.source.discovery import repository
from vglint.source.imports import Imports
from vglint.source.module import Module
from vglint.source.names import free_names
from vglint.source.project import Project
from vglint.source.unit import Unit


class Touched(Struct, frozen=True):
    """What of a file changed: `lines` (first and last) and `names` of its top-level statements, and whether it is code that runs as a script."""

    lines: tuple[tuple[int, int], ...] = ()
    names: frozenset[str] = frozenset()
    script: bool = False
    whole: bool = False

    def concerns(self, finding: Finding, cell_line: Callable[[Finding], int]) -> bool:
        """Whether a finding's entry changed, or a line that it points at."""
        if self.whole:
            return True
        entry = _FIRST_NAME.match(finding.entry)
        if (entry[0] in self.names) if entry else self.script:
            return True
        return any(first <= cell_line(finding) <= last for first, last in self.lines)


_FIRST_NAME = regex(r"\w+")


class Narrowed(Struct, frozen=True):
    """Which files are linted (None: all), as they are given, and of which of them only some findings are told."""

    files: frozenset[str] | None = None
    told: Mapping[str, Touched] = field(default_factory=dict)
    modules: Mapping[str, Module] = field(default_factory=dict)
    quiet: frozenset[str] = frozenset()
    """Files of which no more than their findings is told."""

    def concerns(self, path: str, finding: Finding | None) -> bool:
        """Whether a finding that linting `path` gave is told; None asks for what has no finding."""
        if finding is None:
            return path not in self.quiet
        if path not in self.told:
            return True
        return self.told[path].concerns(finding, lambda found: self._line(path, found))

    def _line(self, path: str, finding: Finding) -> int:
        """Returns a finding's line in the text of its module; 0 for one in another file."""
        if finding.span.file != path:
            return 0
        module = self.modules.get(path)
        if finding.cell is None or module is None:
            return finding.span.line
        return next((cell.line for cell in module.cells if cell.number == finding.cell), 1) + finding.span.line - 1


class Importers(Struct, frozen=True):
    """Narrows a run on a project to the files `given` and those that import them."""

    given: Sequence[str]

    def __call__(self, groups: Mapping[Settings, Sequence[str]]) -> Narrowed:
        given = {os.path.abspath(path) for path in self.given}
        wanted: set[str] = set()
        for settings, paths in groups.items():
            absolute = {os.path.abspath(path): path for path in paths}
            imports = Imports(Project(settings.top, paths, settings.resolve))
            reached = imports.leading_to(list(absolute), lambda file: file in given)
            wanted |= {absolute[file] for file in reached | given if file in absolute}
        every = {path for paths in groups.values() for path in paths}
        return Narrowed(
            frozenset(wanted), quiet=frozenset(path for path in every if os.path.abspath(path) not in given)
        )


def changed_lines(report: Report, name: str) -> dict[str, frozenset[int]]:
    """Returns the lines that changed since a revision, of the files that a report speaks of. Raises RevisionError."""
    paths = {finding.span.file for finding in report.findings} | {problem.path for problem in report.problems}
    revisions: dict[str, Revision] = {}
    found = {}
    for path in sorted(paths):
        top = repository(os.path.dirname(os.path.abspath(path)))
        if top is None:
            raise RevisionError(f"{path} is in no repository of git")
        if top not in revisions:
            revisions[top] = Revision(top, name)
        try:
            content = disk.read(path, disk.most_of(path))
        except (OSError, ValueError):
            content = b""
        if revisions[top].is_changed(path, content):
            found[path] = revisions[top].changed_lines(path, content)
    return found


class Since:
    """Narrows a run to what changed since a revision of git: entries that a change touches, and files that import what changed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._revisions: dict[str, Revision] = {}

    def __call__(self, groups: Mapping[Settings, Sequence[str]]) -> Narrowed:
        """Raises RevisionError."""
        wanted: set[str] = set()
        told: dict[str, Touched] = {}
        modules: dict[str, Module] = {}
        quiet: set[str] = set()
        known: dict[str, bytes | None] = {}

        def is_changed(file: str) -> bool:
            if file not in known:
                known[file] = self._change(file)
            return known[file] is not None

        for settings, paths in groups.items():
            absolute = {os.path.abspath(path): path for path in paths}
            project = Project(settings.top, paths, settings.resolve)
            gone = {file for top in self._tops(absolute) for file in self._revisions[top].gone()}
            imports = Imports(project, gone)
            reached = imports.leading_to(list(absolute), lambda file: file in gone or is_changed(file))  # noqa: B023
            for file, path in absolute.items():
                changed = is_changed(file)
                if changed and file not in reached:
                    module = project.module(path)
                    told[path] = self._touched(file, module)
                    if isinstance(module, Module):
                        modules[path] = module
                if changed or file in reached:
                    wanted.add(path)
                if not changed:
                    quiet.add(path)
        return Narrowed(frozenset(wanted), told, modules, frozenset(quiet))

    def _tops(self, files: Iterable[str]) -> set[str]:
        """Returns the repositories of files; one within another of them is that one's submodule, and not asked."""
        tops: set[str] = set()
        for folder in sorted({os.path.dirname(file) for file in files}, key=len):
            top = repository(folder)
            if top is None:
                raise RevisionError(f"--since needs a repository of git, and {folder} is in none")
            if not any(disk.is_below(top, known) for known in tops):
                tops.add(top)
                if top not in self._revisions:
                    self._revisions[top] = Revision(top, self.name)
        return tops

    def _change(self, file: str) -> bytes | None:
        """Returns what a file held at the revision where it holds something else now, b"" where it was not there; None where it is the same, or
        lies in no repository of this run."""
        revision = next((one for top, one in self._revisions.items() if disk.is_below(file, top)), None)
        if revision is None:
            return None
        try:
            content = disk.read(file, disk.most_of(file))
        except (OSError, ValueError):
            return b""
        return (revision.content(file) or b"") if revision.is_changed(file, content) else None

    def _touched(self, file: str, module: Module | Problem) -> Touched:
        old = self._change(file)
        if not old or not isinstance(module, Module):
            return Touched(whole=True)
        before = Project(os.path.dirname(file)).add(file, old)
        return touched(module, before) if isinstance(before, Module) else Touched(whole=True)


def touched(module: Module, before: Module) -> Touched:
    """Returns what changed from one text of a file to another: the statements that are not as they were, and those that use their names."""
    old, new = ({_text(unit) for unit in one.units} for one in (before, module))
    fresh = {index for index, unit in enumerate(module.units) if _text(unit) not in old}
    names = {name for unit in before.units if _text(unit) not in new for name in unit.names}
    own = {name for unit in module.units if unit.kind != "import" for name in unit.names}
    names |= {name for index in fresh for name in module.units[index].acts_on if name in own}
    waiting = list(fresh)
    used: dict[int, set[str]] = {}
    while True:
        names |= {name for index in waiting for name in module.units[index].names}
        waiting = []
        for index, unit in enumerate(module.units):
            if index not in fresh:
                if index not in used:
                    used[index] = free_names(unit.body)
                if used[index] & names:
                    waiting.append(index)
        if not waiting:
            break
        fresh |= set(waiting)
    units = [module.units[index] for index in sorted(fresh)]
    return Touched(
        tuple((unit.line, unit.end_line) for unit in units),
        frozenset(names),
        any(unit.kind == "other" for unit in units),
    )


def _text(unit: Unit) -> str:
    return unit.source.replace("\r\n", "\n").rstrip()
