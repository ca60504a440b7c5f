"""What one process does: it holds one project and one rulebook, and lints files in batches."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct, field
from msgspec.structs import replace

from vglint import disk
from vglint.config import Settings
from vglint.config import load as load_settings
from vglint.lint.cache import Stamp, folder_of, program, stamp
from vglint.lint.file import Tools, lint_file, too_costly
from vglint.lint.limits import peak_memory
from vglint.lint.outcome import Outcome, Sources
from vglint.lint.selection import Named, selection
from vglint.lint.tracked import TrackedProject
from vglint.rulebook import Choice, Rulebook, RuleError, load
from vglint.rulebook.kept import Shelf
from vglint.source.kept import Store
from vglint.source.patterns import Patterns

_KEEP = 4_000_000
"""Characters of source whose modules stay known from batch to batch."""
_SWEEP = 6_000_000
"""Bytes of source after which cyclic garbage is collected: a sweep costs as much as 200 kB of source."""
_GROWTH = 200 << 20
"""Bytes that the process may grow by before that: files that import much leave more garbage than others."""


class Task(Struct, frozen=True):
    """What a process has to know: the settings, every path of the project, whether to hand back the gaps, and whether only the
    rules that the settings choose run."""

    settings: Settings
    paths: tuple[str, ...]
    gaps: bool
    chosen: bool = False


class Done(Struct):
    """What batches gave, by path as it was given; stamps by absolute path."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    sources: Sources = field(default_factory=Sources)
    rules: list[Named] = field(default_factory=list)
    """Every rule; only where the whole is put together."""

    def add(self, other: Done) -> None:
        self.outcomes.update(other.outcomes)
        self.stamps.update(other.stamps)
        self.sources.add(other.sources)


class _Process(Struct):
    """The state of this process; `unswept` counts the bytes of source since cyclic garbage was last collected, `peak` is the most memory
    that the process had by then, `chosen` are the rules that
    the settings choose."""

    task: Task | None = None
    tools: Tools | None = None
    chosen: Rulebook | None = None
    unswept: int = 0
    peak: int = 0


_process = _Process()


def begin(task: Task) -> None:
    """Makes this process ready for a task; what a forked process inherited ready is kept. Raises RuleError."""
    if _process.task is not task:
        kept = Shelf(folder_of(task.settings), program()) if task.settings.cache else None
        chosen = rulebook_of(task.settings, kept)
        every = chosen.choose(_choice(task.settings, ("ALL",)))
        tools = tools_of(task, chosen if task.chosen else replace(every, unfixable=frozenset()))
        _process.task, _process.tools, _process.chosen = task, replace(tools, ignores=lambda path: frozenset()), chosen


def rules() -> list[Named]:
    """Returns id, name and family of the rules of this process's task."""
    return [(rule.id, rule.name, rule.family) for rule in _tools().rulebook.rules]


def tools_of(task: Task, rulebook: Rulebook | None = None) -> Tools:
    """Returns what linting the files of a task takes, with a project of its own; `rulebook` where it is read already. Raises RuleError."""
    rulebook = rulebook or rulebook_of(task.settings)
    left_out = Patterns(task.settings.root, task.settings.excluded)
    confidences = {
        rule: given.confidence
        for given in task.settings.rules
        if given.confidence is not None
        for rule in rulebook.ids(given.rule)
    }
    ignores = ignores_of(task.settings, rulebook)
    return Tools(_project(task), rulebook, left_out.names, ignores, confidences, task.gaps)


def _project(task: Task) -> TrackedProject:
    project = TrackedProject(task.settings.top, task.paths, task.settings.resolve)
    project.inputs = task.settings.inputs
    if task.settings.cache:
        project.store = Store(folder_of(task.settings))
    return project


def enter(task: Task) -> None:
    """Makes this process ready for a task, as one that may end: the process that started it goes on without it."""
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # Ctrl-C ends it without a word; the process that started it says what there is to say
    begin(task)
    _process.tools = replace(_tools(), mortal=True)


def rulebook_of(settings: Settings, shelf: Shelf | None = None) -> Rulebook:
    """Returns the rules that the settings choose, from a shelf where they are on it; raises RuleError, which names the file and key of what is wrong in the settings."""
    rulebook = load(settings.rule_dirs, shelf=shelf)
    choice = _choice(
        settings, ("ALL",) if settings.select is None else settings.select, settings.extend_select, settings.ignore
    )
    try:
        kept = {rule for word in settings.fixable or ("ALL",) for rule in rulebook.ids(word)}
        kept -= {rule for word in settings.unfixable for rule in rulebook.ids(word)}
        unfixable = frozenset(rule.id for rule in rulebook.rules if rule.id not in kept)
        return replace(rulebook.choose(choice), unfixable=unfixable)
    except RuleError as error:
        raise _placed(error, settings) from None


def _choice(
    settings: Settings, select: tuple[str, ...], extend: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> Choice:
    severity = {rule.rule: rule.severity for rule in settings.rules if rule.severity is not None}
    params = {rule.rule: dict(rule.params) for rule in settings.rules if rule.params}
    return Choice(select, extend, ignore, severity, params)


def _placed(error: RuleError, settings: Settings) -> RuleError:
    """Returns an error about a word or a param of the settings with the file and key that hold it, or the option."""
    if error.key.startswith("rules."):
        return RuleError(settings.file or "configuration", error.key, error.message)
    word = error.key
    if any(rule.rule == word for rule in settings.rules):
        return RuleError(settings.file or "configuration", f"rules.{word}", error.message)
    written = None if settings.file is None else load_settings(settings.file)
    for key in ("select", "extend_select", "ignore", "fixable", "unfixable"):
        if word in (getattr(settings, key) or ()):
            option = key.replace("_", "-")
            is_written = written is not None and word in (getattr(written, key) or ())
            return (
                RuleError(settings.file or "", option, error.message)
                if is_written
                else RuleError(f"--{option}", "", error.message)
            )
    return error


def ignores_of(settings: Settings, rulebook: Rulebook) -> Callable[[str], frozenset[str]]:
    """Returns `per-file-ignores` as the ids that are not wanted in a path; raises RuleError."""
    table = []
    for pattern, words in settings.per_file_ignores:
        try:
            rules = frozenset(rule for word in words for rule in rulebook.ids(word))
        except RuleError as error:
            raise RuleError(settings.file or "configuration", f'per-file-ignores."{pattern}"', error.message) from None
        table.append((Patterns(settings.root, (pattern,)), rules))
    return lambda path: frozenset().union(*(rules for patterns, rules in table if patterns.names(path)))


def lint_batch(paths: Sequence[str]) -> Done:
    """Lints files one after the other."""
    done = Done()
    with _collecting_seldom():
        for path in paths:
            stamp, content = _read(path)
            _sweep()
            if stamp is not None:
                done.stamps[os.path.abspath(path)] = stamp
                _process.unswept += stamp.size
            done.outcomes[path] = lint_file(_tools(), path, content)
            if done.outcomes[path].internal:  # it ended anywhere: what it left is not trusted
                done.sources.add(_tools().project.sources())
                _begin_anew()
            else:
                _tools().project.note_statements(path)
    project = _tools().project
    done.sources.add(project.sources())
    if project.store is not None:
        project.store.save()
    project.forget(_KEEP)
    return done


def lint_buffers(given: Sequence[tuple[str, bytes]]) -> Done:
    """Lints texts that stand for files."""
    return Done({path: lint_buffer(path, content, True) for path, content in given})


def lint_buffer(path: str, content: bytes, offers: bool = False) -> Outcome:
    """Returns what the settings choose of what is found in a text that stands for a file; without `offers`, no fix is tried."""
    tools = replace(_tools(), offers=offers)
    tools.project.add(path, content)
    outcome = lint_file(tools, path, content)
    if _process.task is None or _process.chosen is None:
        return outcome
    wanted = selection(_process.task.settings, rules())
    if wanted is None:
        return outcome
    if not wanted.is_told(outcome):
        outcome = lint_file(replace(tools, rulebook=_process.chosen), path, content)
    return wanted.of(outcome)


def _begin_anew() -> None:
    task, tools = _process.task, _tools()
    if task is not None:
        project = _project(task)
        _process.tools = replace(tools, project=project)


def _tools() -> Tools:
    assert _process.tools is not None, "begin comes first"
    return _process.tools


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Turns the collector of cycles off: most trees die without it, and a full sweep over those that are kept costs more than it frees."""
    was_enabled = gc.isenabled()
    gc.disable()
    _sweep()  # before more is made, not after: what is left at the end goes with the process
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()  # what is alive now is not looked at again when the collector is back
            gc.enable()
            gc.unfreeze()


def _sweep() -> None:
    """Collects cyclic garbage where there is much of it."""
    peak = peak_memory()
    if _process.unswept > _SWEEP or peak > _process.peak + _GROWTH:
        gc.collect()
        _process.unswept, _process.peak = 0, peak


def lost(item: str | tuple[str, bytes]) -> Done:
    """Returns what is said of a file, or of a text that stands for one, that a process died of."""
    path = item if isinstance(item, str) else item[0]
    return Done({path: Outcome(problems=(too_costly(path),), internal=True)})


def _read(path: str) -> tuple[Stamp | None, bytes | None]:
    """Returns a file's content and what it looked like just before."""
    try:
        status, content = disk.read_with_status(path, disk.most_of(path))
    except (OSError, ValueError):
        return None, None
    return stamp(status, content), content
