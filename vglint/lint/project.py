"""A project through the program: cached where nothing changed, in several processes where there is much to do."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from vglint import disk
from vglint.config import Settings
from vglint.finding import Report
from vglint.lint import cache, shards
from vglint.lint.baseline import Baselines
from vglint.lint.fresh import fresh, given_folders
from vglint.lint.narrowing import Narrowed
from vglint.lint.outcome import Outcome
from vglint.lint.parallel import CHEAP, batches, processors, spread
from vglint.lint.progress import Progress
from vglint.lint.readers import with_readers
from vglint.lint.selection import Named, selection
from vglint.lint.shards import Shard
from vglint.lint.shown import report_of

if TYPE_CHECKING:
    from vglint.lint.work import Done
    from vglint.source.discovery import Exclusion

_WORTH_PROCESSES = 1_000_000
"""Bytes of source from which a second process pays for itself."""
_BATCH = 300_000


class Linter(Protocol):
    """Lints `missing`, some of the project's `paths`; with `chosen`, by the rules alone that the settings choose. Raises RuleError."""

    def __call__(
        self, settings: Settings, paths: Sequence[str], missing: Sequence[str], gaps: bool, chosen: bool = False
    ) -> Done: ...


class Buffer(Struct, frozen=True):
    """Text that stands for a file: standard input under a name."""

    path: str
    content: bytes


@contextmanager
def _uncollected() -> Iterator[None]:
    """Puts the search for cyclic garbage off: what is imported and read at the start lasts, and going through it again and again is a fifth
    of what it costs to begin. `lint.work` looks for garbage where files are linted."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_uncollected()
def lint(
    arguments: Sequence[str],
    govern: Callable[[str], Settings],
    gaps: bool = False,
    buffer: Buffer | None = None,
    narrow: Callable[[Mapping[Settings, Sequence[str]]], Narrowed] | None = None,
    shard: Shard | None = None,
    parts: Sequence[str] = (),
    linted: Linter | None = None,
) -> Report:
    """Returns what the rules find in the files that `arguments` stand for; raises RuleError and ConfigError.

    `govern` gives the settings that hold in an absolute folder; with `gaps`, the report holds each gap. `narrow` says which of the files, by
    their settings, are linted, and what is told of them. Of these, `shard` lints and writes a part; `parts` are the files of all parts, whose
    findings are put together in place of linting. `linted` does the work, by default on this machine. Raises PartError.
    """
    from vglint.source.discovery import discover

    files, problems = discover(arguments, lambda folder: exclusion(govern(folder)))
    groups: dict[Settings, list[str]] = {}
    for file in files:
        groups.setdefault(govern(os.path.dirname(os.path.abspath(file))), []).append(file)
    buffered = None if buffer is None else govern(os.path.dirname(os.path.abspath(buffer.path)))
    baselines = Baselines([*groups, *(() if buffered is None else (buffered,))])
    narrowed = Narrowed() if narrow is None else narrow(groups)
    known = shards.together(parts) if parts else None
    outcomes: dict[str, tuple[Outcome, Settings]] = {}
    for settings, paths in groups.items():
        wanted = paths if narrowed.files is None else [path for path in paths if path in narrowed.files]
        if shard is not None:
            wanted = [path for path in wanted if shard.holds(os.path.relpath(os.path.abspath(path), settings.top))]
        if not wanted:
            continue
        found = (
            _chosen(settings, paths, wanted, gaps, linted or linted_here)
            if known is None
            else shards.chosen(known, wanted)
        )
        outcomes.update((path, (outcome, settings)) for path, outcome in found.items())
    if shard is not None:
        shard.write({path: outcome for path, (outcome, _) in outcomes.items()})
    if buffer is not None and buffered is not None:
        outcomes[buffer.path] = _lint_buffer(buffered, buffer, gaps), buffered
    given = {} if buffer is None else {buffer.path: buffer.content}
    return with_readers(report_of(outcomes, problems, given, baselines, narrowed), groups)


def model_files(arguments: Sequence[str], govern: Callable[[str], Settings]) -> list[str]:
    """Returns the files that `arguments` stand for and that may define a model."""
    from vglint.source.discovery import discover
    from vglint.source.relevance import concerns_torch

    files, _ = discover(arguments, lambda folder: exclusion(govern(folder)))
    return [file for file in files if file.endswith((".py", ".ipynb")) and concerns_torch(_content(file))]


def _content(file: str) -> bytes:
    try:
        return disk.read(file, disk.most_of(file))
    except (OSError, ValueError):
        return b""


def _chosen(
    settings: Settings, paths: Sequence[str], asked: Sequence[str], gaps: bool, linted: Linter
) -> dict[str, Outcome]:
    """Returns what the settings choose of what all rules find in some of the project's paths. Raises RuleError."""
    if gaps or not settings.cache:
        done = linted(settings, paths, asked, gaps)
        outcomes: dict[str, Outcome] = done.outcomes
        rules: Sequence[Named] = done.rules
    else:
        outcomes, rules = _cached(settings, paths, asked, linted)
    wanted = selection(settings, rules)
    if wanted is None:
        done = linted(settings, paths, (), gaps)  # says what is wrong
        return done.outcomes
    again = [path for path, outcome in outcomes.items() if not wanted.is_told(outcome)]
    if again:
        alone = gaps or not settings.cache
        told = (
            linted(settings, paths, again, gaps, True).outcomes
            if alone
            else _cached(settings, paths, again, linted, True)[0]
        )
        outcomes = {**outcomes, **told}
    return {path: wanted.of(outcome) for path, outcome in outcomes.items()}


def _cached(
    settings: Settings, paths: Sequence[str], asked: Sequence[str], linted: Linter, chosen: bool = False
) -> tuple[dict[str, Outcome], Sequence[Named]]:
    """Returns the outcomes of some of the project's paths, and all rules: what is not known is linted."""
    folder = cache.folder_of(settings)
    key = _key(settings, chosen)
    memory = fresh(cache.read(folder, key), settings, paths)
    outcomes = memory.known(asked)
    missing = [path for path in asked if path not in outcomes]
    if not missing and memory.rules:
        return outcomes, memory.rules
    done = linted(settings, paths, missing, False, chosen)
    merged = cache.merged(memory, done.outcomes, done.stamps, done.sources)
    merged.given, merged.rules = given_folders(paths), done.rules
    cache.write(folder, key, merged)
    return {path: done.outcomes.get(path) or outcomes[path] for path in asked}, done.rules


def linted_here(
    settings: Settings, paths: Sequence[str], missing: Sequence[str], gaps: bool, chosen: bool = False
) -> Done:
    """Lints files on this machine, as a Linter does."""
    from vglint.lint import work

    sizes = [_size(path) for path in missing]
    pieces = batches(missing, sizes, _BATCH)
    jobs = settings.jobs or processors()
    if len(pieces) < 2 or sum(sizes) <= _WORTH_PROCESSES:
        jobs = 1
    task = work.Task(settings, tuple(paths), gaps, chosen)
    work.begin(task)
    done = work.Done(rules=work.rules())
    progress = Progress(len(missing))
    try:
        if pieces and (jobs > 1 or CHEAP):
            for one in spread(work.lint_batch, pieces, min(jobs, 4 * processors()), work.lost, work.enter, task):
                done.add(one)
                progress.advance(len(one.outcomes))
        else:
            for piece in pieces:
                done.add(work.lint_batch(piece))
                progress.advance(len(piece))
    finally:
        progress.close()
    return done


def _lint_buffer(settings: Settings, buffer: Buffer, gaps: bool) -> Outcome:
    from vglint.lint import work

    task = work.Task(settings, (buffer.path,), gaps)
    work.begin(task)
    if not CHEAP:
        return work.lint_buffer(buffer.path, buffer.content, True)
    pieces = [[(buffer.path, buffer.content)]]
    (done,) = spread(work.lint_buffers, pieces, 1, work.lost, work.enter, task)
    return done.outcomes[buffer.path]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _key(settings: Settings, chosen: bool) -> str:
    """Names the memory of runs that would say the same of an unchanged file; `chosen`: where only the rules run that the settings choose."""
    bundled = str(Path(__file__).parent.parent.parent / "rules")
    rules = [cache.listing(folder, (".toml",)) for folder in (bundled, *settings.rule_dirs)]
    wanted = (settings.select, settings.extend_select, settings.ignore, settings.rules) if chosen else settings.rules
    anchored = any("/" in pattern.strip("/") or pattern.startswith("/") for pattern in settings.excluded)
    where = (settings.top, settings.resolve, settings.excluded, os.path.abspath(settings.root) if anchored else "")
    return cache.key_of((cache.program(), rules, wanted, settings.inputs, where))


def exclusion(settings: Settings) -> Exclusion:
    """Returns what the settings leave out, as discovery asks for it."""
    from vglint.source.discovery import Exclusion
    from vglint.source.patterns import Patterns

    patterns = Patterns(os.path.abspath(settings.root), settings.excluded)
    return Exclusion(patterns, settings.force_exclude, settings.respect_gitignore)
