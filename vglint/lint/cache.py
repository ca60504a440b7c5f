"""Outcomes of earlier runs, kept until something changes that they rest on.

One file for each project and way to judge it (vglint, rules and their params, the project's folder), whatever was linted, selected or
shown, and from where. Paths are absolute: an outcome says its places as they are called from the current folder.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from time import time_ns
from typing import TypeAlias

from msgspec import Struct, field

from vglint import seal
from vglint.config import Settings
from vglint.lint.outcome import SKIPPED, Outcome, Sources
from vglint.lint.renamed import Shown, renamed
from vglint.regex import regex

Index: TypeAlias = int


class Stamp(Struct, frozen=True):
    """What a file looked like: nanoseconds, bytes, number on the disk, hash of the content.

    Its content may change while `mtime` does not (archives, build systems and copies set it); then `ctime` or `inode` does.
    """

    mtime: int
    ctime: int
    inode: int
    size: int
    digest: bytes


class Kept(Struct, frozen=True):
    """An outcome, with the path that its file was given by, from the folder of that number."""

    base: int
    given: str
    outcome: Outcome


class Searched(Struct, frozen=True):
    """Files that were looked through for definitions under decorators of some names."""

    files: tuple[Index, ...]
    names: tuple[str, ...]


class Memory(Struct):
    """Everything that is kept. `files` numbers the files by absolute path."""

    written: int = 0
    files: list[str] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    edges: dict[Index, list[Index]] = field(default_factory=dict)
    """The files that a file's imports led to, or in which a search for it found something."""
    names: dict[Index, list[str]] = field(default_factory=dict)
    folders: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    bases: list[str] = field(default_factory=list)
    outcomes: dict[Index, Kept] = field(default_factory=dict)
    skipped: list[Index] = field(default_factory=list)
    """Files that the byte filter let go."""
    searched: list[Searched] = field(default_factory=list)
    searches: dict[Index, list[tuple[int, str]]] = field(default_factory=dict)
    """What was sought for a file: the number of where, and a key."""
    imports: dict[Index, bytes] = field(default_factory=dict)
    """A hash of the imports of the files that were looked through."""
    found: dict[Index, list[Index]] = field(default_factory=dict)
    """The files in which a search for a file found something."""
    whole: list[Index] = field(default_factory=list)
    """Files of which another one asked more than what some of their names mean."""
    statements: dict[Index, bytes] = field(default_factory=dict)
    """The statements of the files that were linted, as `lint.statements` writes them down."""
    given: list[str] = field(default_factory=list)
    """The folders of the files that were linted together, in which absolute names are looked for when nothing else has them."""
    rooted: dict[Index, dict[str, str]] = field(default_factory=dict)
    """What the names that a file asked for in these folders meant."""
    rules: list[tuple[str, str, str]] = field(default_factory=list)
    """Id, name and family of every rule."""

    def known(self, paths: Sequence[str]) -> dict[str, Outcome]:
        """Returns the outcomes of paths, as they are given, that are known."""
        number = {file: index for index, file in enumerate(self.files)}
        skipped = frozenset(self.skipped)
        here = Shown.of(paths)
        found: dict[str, Outcome] = {}
        for path in paths:
            index = number.get(here.absolute(path))
            kept = None if index is None else self.outcomes.get(index)
            if index in skipped:
                found[path] = SKIPPED
            elif kept is not None:
                base = self.bases[kept.base]
                same = base == here.base and kept.given == path and not kept.outcome.findings
                found[path] = kept.outcome if same else renamed(kept.outcome, Shown(base, {}), here)
        return found


def folder_of(settings: Settings) -> Path:
    """Returns where the results of a project are kept."""
    return Path(settings.cache_dir or os.path.join(settings.root if settings.file else settings.top, ".vglint_cache"))


def key_of(parts: Iterable[object]) -> str:
    """Returns the name of the memory of runs that agree in all `parts`."""
    return blake2b(
        "\0".join(repr(part) for part in parts).encode("utf-8", "surrogateescape"), digest_size=16
    ).hexdigest()


@lru_cache(1)
def program() -> bytes:
    """Stands for everything that this vglint is made of, and the Python that runs it."""
    files = listing(str(Path(__file__).parent.parent), (".py", ".toml"), deep=True)
    return digest(repr((sys.version_info[:2], files)).encode("utf-8", "surrogateescape"))


def listing(folder: str, suffixes: tuple[str, ...], deep: bool = False) -> list[tuple[str, int, int]]:
    """Returns name, time and size of the files in a folder, so that an edited rule or an edited vglint is noticed."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if deep and entry.is_dir():
                    found += listing(entry.path, suffixes, deep)
                elif entry.name.endswith(suffixes):
                    status = entry.stat()
                    found.append((entry.path, status.st_mtime_ns, status.st_size))
    except OSError:
        pass
    return found


def read(folder: Path, key: str) -> Memory:
    """Returns what was kept; an empty memory where there is none, or none that can be read."""
    import msgspec

    content = seal.read(folder, f"findings-{key}.vglint")
    if content is None:
        return Memory()
    try:
        memory = msgspec.msgpack.decode(content, type=Memory)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Memory()
    return memory if _is_whole(memory) else Memory()


def _is_whole(memory: Memory) -> bool:
    """Whether every number stands for something."""
    count = len(memory.files)
    numbers = [
        *memory.edges,
        *(to for found in memory.edges.values() for to in found),
        *memory.names,
        *memory.outcomes,
        *memory.skipped,
        *memory.searches,
        *memory.imports,
        *memory.rooted,
        *memory.found,
        *(to for found in memory.found.values() for to in found),
        *memory.whole,
        *memory.statements,
        *(file for each in memory.searched for file in each.files),
    ]
    return (
        len(memory.stamps) == count
        and all(0 <= number < count for number in numbers)
        and all(0 <= kept.base < len(memory.bases) for kept in memory.outcomes.values())
        and all(0 <= where < len(memory.searched) for each in memory.searches.values() for where, _ in each)
    )


def write(folder: Path, key: str, memory: Memory) -> None:
    """Keeps a memory in one step; a folder that cannot be written to is no fault."""
    import msgspec

    memory.written = time_ns()
    with suppress(ValueError):  # half a surrogate pair
        seal.write(folder, f"findings-{key}.vglint", msgspec.msgpack.encode(memory))
    seal.prune(folder)


def merged(memory: Memory, outcomes: Mapping[str, Outcome], stamps: Mapping[str, Stamp], sources: Sources) -> Memory:
    """Returns `memory` with a run's new outcomes (by path as given), stamps and sources."""
    result = Memory(bases=list(memory.bases), folders=dict(memory.folders), given=memory.given, rules=memory.rules)
    number: dict[str, Index] = {}
    old = dict(zip(memory.files, memory.stamps, strict=True))

    def index(file: str) -> Index | None:
        if file not in number:
            stamp = stamps.get(file) or old.get(file) or stamp_of(file)
            if stamp is None or not _is_text(file):
                return None
            number[file] = len(result.files)
            result.files.append(file)
            result.stamps.append(stamp)
        return number[file]

    new = {os.path.abspath(path): (path, outcome) for path, outcome in outcomes.items()}
    for position, kept in memory.outcomes.items():
        if memory.files[position] not in new and (at := index(memory.files[position])) is not None:
            result.outcomes[at] = kept
    for position in memory.skipped:
        if memory.files[position] not in new and (at := index(memory.files[position])) is not None:
            result.skipped.append(at)
    here = os.getcwd()
    if here not in result.bases:
        result.bases.append(here)
    base = result.bases.index(here)
    for file, (path, outcome) in new.items():
        if not outcome.internal and (at := index(file)) is not None:
            if outcome == SKIPPED:
                result.skipped.append(at)
            else:
                result.outcomes[at] = Kept(base, path, outcome)
    # A file that was linted before may now have been looked at in part only: what it led to then still counts.
    known = sources_of(memory)
    known.add(sources)
    for source, found in known.files.items():
        if (at := index(source)) is not None:
            result.edges[at] = sorted(to for file in found if (to := index(file)) is not None)
    for source, asked in known.names.items():
        if (at := index(source)) is not None:
            result.names[at] = sorted(asked)
    for source, answers in known.rooted.items():
        if (at := index(source)) is not None:
            result.rooted[at] = answers
    where: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
    for source, searches in known.searches.items():
        if (at := index(source)) is None:
            continue
        for search in searches:
            place = search.files, search.names
            if place not in where:
                files = tuple(to for file in search.files if (to := index(file)) is not None)
                where[place] = len(result.searched)
                result.searched.append(Searched(files, search.names))
            result.searches.setdefault(at, []).append((where[place], search.key))
    for source, held_by in known.found.items():
        if (at := index(source)) is not None:
            result.found[at] = sorted(to for file in held_by if (to := index(file)) is not None)
    result.whole = sorted(at for file in known.whole if file in number and (at := index(file)) is not None)
    result.statements = {number[file]: held for file, held in known.statements.items() if file in number}
    old_imports = {memory.files[position]: held for position, held in memory.imports.items()}
    for file, held in {**old_imports, **sources.imports}.items():
        if file in number:
            result.imports[number[file]] = held
    for folder, listing in sources.folders.items():
        if _is_text(folder):
            result.folders[folder] = folder_time(folder), sorted(listing)
    return result


def sources_of(memory: Memory) -> Sources:
    """Returns what the outcomes of a memory rest on."""
    from vglint.source.search import Search

    files = memory.files
    places = [(tuple(files[to] for to in each.files), each.names) for each in memory.searched]
    return Sources(
        files={files[source]: {files[to] for to in found} for source, found in memory.edges.items()},
        names={files[source]: set(asked) for source, asked in memory.names.items()},
        rooted={files[source]: dict(answers) for source, answers in memory.rooted.items()},
        searches={
            files[source]: {Search(*places[where], key) for where, key in searches}
            for source, searches in memory.searches.items()
        },
        found={files[source]: {files[to] for to in found} for source, found in memory.found.items()},
        whole={files[position] for position in memory.whole},
        statements={files[position]: held for position, held in memory.statements.items()},
    )


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


def imports_of(text: str) -> bytes:
    """Returns a hash of what a file imports, by its text alone."""
    return digest("\n".join(_IMPORT.findall(text)).encode("utf-8", "surrogatepass"))


_IMPORT = regex(r"^(?:from[ \t]+\S+[ \t]+import[ \t]*(?:\([^)]*\)|[^\r\n(]*)|import[ \t][^\r\n]*)", re.MULTILINE)


def folder_time(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except (OSError, UnicodeEncodeError):  # a name that this run's locale cannot say
        return 0
