"""What the worker does: it lints what is on the screen, as if it were saved, and says what flows through the models."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator

from msgspec import Struct, field
from msgspec.structs import replace

from vglint import disk
from vglint.config import ConfigError, Configuration, Settings
from vglint.config.position import locate
from vglint.graph import Graph
from vglint.lint.baseline import Baselines
from vglint.lint.cache import listing
from vglint.lint.file import Tools, lint_file
from vglint.lint.outcome import Outcome
from vglint.lint.project import exclusion
from vglint.lint.readers import with_readers_in
from vglint.lint.shown import excluded
from vglint.lint.work import Task, rulebook_of, tools_of
from vglint.rulebook import Rulebook, RuleError
from vglint.rulebook.described import is_bundled
from vglint.server.described import described
from vglint.server.message import Described, Fault, Job, Linted
from vglint.source.discovery import discover
from vglint.source.module import Module
from vglint.source.relevance import concerns_torch

_MOST_FILES = 3000
"""Files of a project that are searched for imports of what is open."""
_MOST_BYTES = 100_000_000
"""What is read of them."""
_MOST_IMPORTERS = 16
"""Files that are not open and are linted for what they find in those that are."""
_MOST_READERS = 64
"""Files that are searched for calls of a model whose output a fix changes."""
_SECONDS = 30.0
"""Time after which no further one of them is begun."""


def done(job: Job) -> Iterator[Linted | Described | Fault]:
    """Yields what a job finds out, file by file; mistakes of the user are told, and cost only the files that they govern."""
    options = job.options
    configuration = Configuration(options.file, options.isolated, dict(options.overrides))
    rooms: dict[Settings, _Room] = {}
    for path in job.wanted:
        try:
            settings = _settings(configuration, path, job.folders)
            if settings not in rooms:
                rooms[settings] = _room(settings, job.texts)
        except (ConfigError, RuleError) as error:
            yield Linted(path, Outcome(), Settings())
            yield _fault(path, error)
            continue
        yield from rooms[settings].linted(path)
    if job.deep:
        for settings, room in rooms.items():
            yield from room.importers(settings)
        for room in rooms.values():
            room.save()


def _settings(configuration: Configuration, path: str, folders: Iterable[str]) -> Settings:
    """Returns the settings of a file; where nothing marks a project, its imports start from the folder of the workspace that holds it."""
    settings = configuration.of_file(path)
    folder = os.path.dirname(os.path.abspath(path))
    if _holds(settings.top, folder):
        return settings
    around = sorted((each for each in folders if _holds(each, folder)), key=len)
    return replace(settings, project=os.path.abspath(around[-1]) if around else folder)


def _holds(folder: str, inner: str) -> bool:
    try:
        return os.path.commonpath([os.path.abspath(folder), inner]) == os.path.abspath(folder)
    except ValueError:  # another drive
        return False


class _Room(Struct):
    """The files that the same settings govern: one project, in which what is on the screen stands for what is on the disk."""

    settings: Settings
    tools: Tools
    texts: dict[str, bytes]
    wanted: list[str] = field(default_factory=list)
    graphs: dict[str, tuple[Module, tuple[Graph, ...]]] = field(default_factory=dict)
    edges: dict[str, set[str]] = field(default_factory=dict)
    changing: dict[str, Outcome] = field(default_factory=dict)
    """What was found in open files, where a fix changes what a model's output means."""

    def linted(self, path: str) -> Iterator[Linted | Described]:
        """Yields the outcome of an open file, and what is shown of its models."""
        self.wanted.append(path)
        if excluded(self.settings)(path):
            yield Linted(path, Outcome(), self.settings)
            yield Described(path)
            return
        outcome = self._outcome(path)
        if any(one.fix is not None and one.fix.makers for one in outcome.findings):
            self.changing[path] = outcome
        yield self._linted(path, outcome)
        if path in self.graphs:
            yield described(*self.graphs.pop(path))
        else:
            yield Described(path)

    def importers(self, settings: Settings) -> Iterator[Linted]:
        """Yields what files that are not open find in those that are, and for fixes there which of all call the model."""
        until = time.monotonic() + _SECONDS
        open_ = {os.path.abspath(path) for path in self.texts}
        importing = _importing(settings, self.wanted, open_)
        for path, outcome in self.changing.items():
            found = with_readers_in(outcome.findings, self.tools.project, self.texts, [file for file, _ in importing])
            if found != outcome.findings:
                yield self._linted(path, replace(outcome, findings=found))
        for path in [file for file, concerned in importing if concerned][:_MOST_IMPORTERS]:
            if time.monotonic() > until:
                return
            outcome = self._outcome(path)
            found = tuple(one for one in outcome.findings if os.path.abspath(one.span.file) in open_)
            kept = Outcome(findings=found, needed=outcome.needed)
            yield self._linted(path, kept)

    def save(self) -> None:
        """Keeps on the disk what was parsed, where the settings want a cache."""
        store = self.tools.project.store
        if store is not None:
            store.save()

    def _linted(self, path: str, outcome: Outcome) -> Linted:
        own = frozenset(rule.id for rule in self.tools.rulebook.rules if not is_bundled(rule))
        return Linted(path, outcome, self.settings, self._reached(path), own)

    def _outcome(self, path: str) -> Outcome:
        content = self.texts.get(path)
        if content is None:
            try:
                content = disk.read(path, disk.most_of(path))
            except (OSError, ValueError):
                content = None
        return lint_file(self.tools, path, content)

    def _reached(self, path: str) -> frozenset[str]:
        """Returns the files that the imports of a file led to, so that it is linted again when one of them changes."""
        for file, found in self.tools.project.sources().files.items():
            self.edges.setdefault(file, set()).update(found)
        reached: set[str] = set()
        todo = [os.path.abspath(path)]
        while todo:
            new = self.edges.get(todo.pop(), set()) - reached
            reached |= new
            todo += new
        return frozenset(reached)


def _room(settings: Settings, texts: tuple[tuple[str, bytes], ...]) -> _Room:
    """Returns the room of some settings. Raises RuleError, and ConfigError for a baseline that cannot be read."""
    Baselines([settings])
    tools = tools_of(Task(settings, tuple(path for path, _ in texts), False), _rulebook(settings))
    graphs: dict[str, tuple[Module, tuple[Graph, ...]]] = {}

    def seen(module: Module, found: tuple[Graph, ...]) -> None:
        if module.path in open_:
            graphs[module.path] = module, found

    room = _Room(settings, replace(tools, mortal=True, seen=seen), dict(texts), graphs=graphs)
    open_ = room.texts.keys()
    for path, content in texts:
        tools.project.add(path, content, importable=True)
    return room


_MOST_RULEBOOKS = 8
_rulebooks: dict[object, Rulebook] = {}
"""The rules of the last settings: reading them takes longer than most files do."""


def _rulebook(settings: Settings) -> Rulebook:
    """Returns the rules that settings choose, read anew where a rule of the project changed. Raises RuleError."""
    key = settings, tuple(tuple(listing(folder, (".toml",))) for folder in settings.rule_dirs)
    if key not in _rulebooks:
        found = rulebook_of(settings)
        if len(_rulebooks) >= _MOST_RULEBOOKS:
            _rulebooks.clear()
        _rulebooks[key] = found
    return _rulebooks[key]


def _importing(settings: Settings, wanted: Iterable[str], open_: set[str]) -> list[tuple[str, bool]]:
    """Returns files of the project that are not open and whose imports name a module that is wanted; and whether each may be linted for it."""
    names = {_module(path) for path in wanted if not path.endswith(".ipynb")}
    if not names or not os.path.isdir(settings.top):
        return []
    alternatives = "|".join(re.escape(name) for name in sorted(names))
    imports = re.compile(rf"^[ \t\"]*(?:from|import)\b[^\n]*\b(?:{alternatives})\b".encode(), re.MULTILINE)
    files, _ = discover([settings.top], lambda folder: exclusion(settings))
    found: list[tuple[str, bool]] = []
    room = _MOST_BYTES
    for file in files[:_MOST_FILES]:
        if room < 0 or os.path.abspath(file) in open_ or not file.endswith((".py", ".ipynb")):
            continue
        try:
            content = disk.read(file, disk.most_of(file))
        except (OSError, ValueError):
            continue
        room -= len(content)
        if imports.search(content):
            found.append((file, concerns_torch(content)))
            if len(found) == _MOST_READERS:
                break
    return found


def _module(path: str) -> str:
    folder, name = os.path.split(path)
    stem = os.path.splitext(name)[0]
    return os.path.basename(folder) if stem == "__init__" else stem


def _fault(path: str, error: ConfigError | RuleError) -> Fault:
    """Returns a mistake with the line of the file that it stands in, where that is found."""
    file = os.path.abspath(error.file) if error.file else ""
    if not file.endswith(".toml"):
        return Fault(path, "", str(error))
    text = f"{error.key}: {error.message}" if error.key else error.message
    try:
        content = disk.read(file, disk.TEXT).decode()
    except (OSError, ValueError):
        return Fault(path, file, text)
    at = re.search(r"\(at line (\d+), column (\d+)\)", error.message)
    if at is not None:
        return Fault(path, file, text, int(at[1]), (int(at[2]), int(at[2]) + 1))
    place = locate(content, error.key) or locate(content, f"tool.vglint.{error.key}") if error.key else None
    return Fault(path, file, text) if place is None else Fault(path, file, text, place[0], (place[1], place[2]))
