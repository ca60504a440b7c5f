"""Outcomes of the last run, kept until a file changes that they were resolved from.

One file for each way to call vglint (version, rules, settings, folders). A file counts as unchanged when its size and time are,
or its content is; an outcome is dropped when its file, or a file that its imports lead to, has changed, or when a
module appeared or vanished whose name one of them asks for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from time import time_ns
from typing import TypeAlias

from vglint import seal
from vglint.config import Settings
from vglint.lint.outcome import SKIPPED, Outcome, Sources

Index: TypeAlias = int
_RACY_NS = 50_000_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file looked like: nanoseconds, bytes, number on the disk, hash of the content.

    Its content may change while `mtime` does not (archives, build systems and copies set it); then `ctime` or `inode` does.
    """

    mtime: int
    ctime: int
    inode: int
    size: int
    digest: bytes


@dataclass(slots=True)
class Memory:
    """Everything that is kept. `files` numbers the files; `outcomes` has the path as it was given, as reports show it."""

    written: int = 0
    files: list[str] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    edges: dict[Index, list[Index]] = field(default_factory=dict)
    names: dict[Index, list[str]] = field(default_factory=dict)
    folders: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    outcomes: dict[str, tuple[Index, Outcome]] = field(default_factory=dict)
    skipped: dict[str, Index] = field(default_factory=dict)
    """Files that the byte filter let go."""

    def get(self, given: str) -> Outcome | None:
        """Returns the outcome of a path as it was given."""
        if given in self.skipped:
            return SKIPPED
        kept = self.outcomes.get(given)
        return None if kept is None else kept[1]


def folder_of(settings: Settings) -> Path:
    """Returns where the results of a project are kept."""
    return Path(settings.cache_dir or os.path.join(settings.root if settings.file else settings.top, ".vglint_cache"))


def key_of(parts: Iterable[object]) -> str:
    """Returns the name of the memory of runs that agree in all `parts`."""
    return blake2b(
        "\0".join(repr(part) for part in parts).encode("utf-8", "surrogateescape"), digest_size=16
    ).hexdigest()


def read(folder: Path, key: str) -> Memory:
    """Returns what was kept and still holds; an empty memory where there is none, or none that can be read."""
    import msgspec

    content = seal.read(folder, f"findings-{key}.vglint")
    if content is None:
        return Memory()
    try:
        memory = msgspec.msgpack.decode(content, type=Memory)
        if len(memory.files) != len(memory.stamps):
            return Memory()
        return _fresh(memory)
    except (OSError, msgspec.DecodeError, IndexError, KeyError, ValueError, RecursionError):
        return Memory()


def write(folder: Path, key: str, memory: Memory) -> None:
    """Keeps a memory in one step; a folder that cannot be written to is no fault."""
    import msgspec

    memory.written = time_ns()
    with suppress(ValueError):  # half a surrogate pair
        seal.write(folder, f"findings-{key}.vglint", msgspec.msgpack.encode(memory))
    seal.prune(folder)


def merged(
    memory: Memory, outcomes: Mapping[str, tuple[str, Outcome]], stamps: Mapping[str, Stamp], sources: Sources
) -> Memory:
    """Returns `memory` with a run's new outcomes (by path as given: file and outcome), stamps and sources."""
    result = Memory()
    number: dict[str, Index] = {}

    def index(file: str) -> Index | None:
        if file not in number:
            stamp = stamps.get(file) or old.get(file) or stamp_of(file)
            if stamp is None or not _is_text(file):
                return None
            number[file] = len(result.files)
            result.files.append(file)
            result.stamps.append(stamp)
        return number[file]

    old = dict(zip(memory.files, memory.stamps, strict=True))
    for given, (position, outcome) in memory.outcomes.items():
        if given not in outcomes and (at := index(memory.files[position])) is not None:
            result.outcomes[given] = at, outcome
    for given, position in memory.skipped.items():
        if given not in outcomes and (at := index(memory.files[position])) is not None:
            result.skipped[given] = at
    for given, (file, outcome) in outcomes.items():
        if not outcome.internal and (at := index(file)) is not None:
            if outcome == SKIPPED:
                result.skipped[given] = at
            else:
                result.outcomes[given] = at, outcome
    # A file that was linted before may now have been looked at in part only: what it led to then still counts.
    known = Sources(
        {memory.files[source]: {memory.files[to] for to in found} for source, found in memory.edges.items()},
        {memory.files[source]: set(asked) for source, asked in memory.names.items()},
    )
    known.add(sources)
    for source, found in known.files.items():
        if (at := index(source)) is not None:
            result.edges[at] = sorted(to for file in found if (to := index(file)) is not None)
    for source, asked in known.names.items():
        if (at := index(source)) is not None:
            result.names[at] = sorted(asked)
    result.folders = dict(memory.folders)
    for folder, listing in sources.folders.items():
        if _is_text(folder):
            result.folders[folder] = _folder_time(folder), sorted(listing)
    return result


def _is_text(path: str) -> bool:
    """Whether a path can be written down: names that are not in the file system's encoding cannot."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def stamp_of(file: str) -> Stamp | None:
    """Returns what a file looks like now, None where it cannot be read."""
    try:
        status = os.stat(file)
        with open(file, "rb") as stream:
            return stamp(status, stream.read())
    except OSError:
        return None


def stamp(status: os.stat_result, content: bytes) -> Stamp:
    return Stamp(status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size, digest(content))


def digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def importable(names: Iterable[str]) -> frozenset[str]:
    """Returns the entries of a folder that an import could mean: modules and sub-folders."""
    return frozenset(name for name in names if name != "__pycache__" and name.removesuffix(".py").isidentifier())


def _fresh(memory: Memory) -> Memory:
    changed = {position for position, file in enumerate(memory.files) if not _unchanged(memory, position, file)}
    appeared = _names_that_changed(memory)
    if "__init__" in appeared:  # packages begin or end elsewhere: every dotted name may mean something else
        return Memory()
    if appeared:
        changed |= {
            position
            for position, names in memory.names.items()
            if any(appeared & set(name.split(".")) for name in names)
        }
    if not changed:
        return memory
    invalid = _reaching(memory.edges, changed)
    kept = set(range(len(memory.files))) - invalid
    memory.outcomes = {given: entry for given, entry in memory.outcomes.items() if entry[0] in kept}
    memory.skipped = {given: position for given, position in memory.skipped.items() if position in kept}
    memory.edges = {source: found for source, found in memory.edges.items() if source in kept}
    memory.names = {source: names for source, names in memory.names.items() if source in kept}
    return _compact(memory, kept)


def _unchanged(memory: Memory, position: Index, file: str) -> bool:
    stamp = memory.stamps[position]
    try:
        status = os.stat(file)
        if status.st_size != stamp.size:
            return False
        seen = status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        if seen == (stamp.mtime, stamp.ctime, stamp.inode) and max(seen[:2]) < memory.written - _RACY_NS:
            return True
        with open(file, "rb") as stream:
            return digest(stream.read()) == stamp.digest
    except (OSError, UnicodeEncodeError):  # a name that this run's locale cannot say
        return False


def _names_that_changed(memory: Memory) -> set[str]:
    """Returns the last parts of module names that appeared or vanished in the folders that imports were searched in."""
    found: set[str] = set()
    for folder, (time, names) in memory.folders.items():
        if _folder_time(folder) == time and time < memory.written - _RACY_NS:
            continue
        try:
            now = importable(os.listdir(folder))
        except (OSError, UnicodeEncodeError):  # a name that this run's locale cannot say
            now = frozenset()
        found |= {name.removesuffix(".py") for name in now ^ set(names)}
        memory.folders[folder] = _folder_time(folder), sorted(now)
    return found


def _folder_time(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except (OSError, UnicodeEncodeError):  # a name that this run's locale cannot say
        return 0


def _reaching(edges: Mapping[Index, list[Index]], changed: set[Index]) -> set[Index]:
    """Returns `changed` and every file whose imports lead there."""
    importers: dict[Index, list[Index]] = {}
    for source, found in edges.items():
        for to in found:
            importers.setdefault(to, []).append(source)
    reached = set(changed)
    waiting = list(changed)
    while waiting:
        for importer in importers.get(waiting.pop(), ()):
            if importer not in reached:
                reached.add(importer)
                waiting.append(importer)
    return reached


def _compact(memory: Memory, kept: set[Index]) -> Memory:
    """Returns the memory without the files that are not in `kept`; no kept file leads to one that is not."""
    order = sorted(kept)
    new = {position: number for number, position in enumerate(order)}
    return Memory(
        written=memory.written,
        files=[memory.files[position] for position in order],
        stamps=[memory.stamps[position] for position in order],
        edges={new[source]: [new[to] for to in found] for source, found in memory.edges.items()},
        names={new[source]: names for source, names in memory.names.items()},
        folders=memory.folders,
        outcomes={given: (new[at], outcome) for given, (at, outcome) in memory.outcomes.items()},
        skipped={given: new[at] for given, at in memory.skipped.items()},
    )
