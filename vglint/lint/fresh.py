"""What is kept and still holds: the rest is dropped, by content and by what each outcome was resolved from.

A file counts as unchanged when its size and times are, or its content is. An outcome is dropped when its file has changed, or a statement
of a file that its imports lead to which it uses (`lint.concerned`); when a module appeared or vanished whose name one of them asks for; when a name means another file because
other folders are linted; and when a search through files would now find something else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vglint.config import Settings
from vglint.lint.cache import Index, Memory, digest, folder_time, importable, imports_of, stamp
from vglint.lint.edges import led_to, reaching

if TYPE_CHECKING:
    from vglint.lint.concerned import Change

_RACY_NS = 50_000_000


def fresh(memory: Memory, settings: Settings, paths: Sequence[str]) -> Memory:
    """Returns what of a memory holds now, for files of some paths that are linted together."""
    changed = {position for position, file in enumerate(memory.files) if not _unchanged(memory, position, file)}
    appeared = _names_that_changed(memory)
    if "__init__" in appeared:  # packages begin or end elsewhere: every dotted name may mean something else
        return Memory()
    other = {
        position
        for position, names in memory.names.items()
        if appeared and any(appeared & set(name.split(".")) for name in names)
    }
    other |= _found_elsewhere(memory, settings, paths)
    if not changed and not other:
        return memory
    from vglint.lint.concerned import Change, concerned  # what a warm run has no need of

    texts = _restamped(memory, changed)
    change = Change.of(memory, settings, paths, changed)
    asked = _asking(memory, texts, changed, other, change)
    coarse = other | asked | changed.intersection(memory.whole)
    kept = set(range(len(memory.files))) - reaching(memory.edges, coarse) - concerned(memory, change)
    for position in changed:  # what is kept from now on was compared with what they hold now
        memory.statements.pop(position, None)
    memory.outcomes = {position: held for position, held in memory.outcomes.items() if position in kept}
    memory.skipped = [position for position in memory.skipped if position in kept]
    # What is kept may have led, through a file that is linted again, to what that one does not need for itself.
    needed = kept | led_to(memory.edges, kept)
    memory.edges = {position: held for position, held in memory.edges.items() if position in needed}
    memory.names = {position: held for position, held in memory.names.items() if position in needed}
    memory.rooted = {position: held for position, held in memory.rooted.items() if position in needed}
    memory.searches = {position: held for position, held in memory.searches.items() if position in needed}
    memory.found = {position: held for position, held in memory.found.items() if position in needed}
    return memory


def _unchanged(memory: Memory, position: Index, file: str) -> bool:
    known = memory.stamps[position]
    try:
        status = os.stat(file)
        if status.st_size != known.size:
            return False
        seen = status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        if seen == (known.mtime, known.ctime, known.inode) and max(seen[:2]) < memory.written - _RACY_NS:
            return True
        with open(file, "rb") as stream:
            return digest(stream.read()) == known.digest
    except (OSError, UnicodeEncodeError):  # a name that this run's locale cannot say
        return False


def _names_that_changed(memory: Memory) -> set[str]:
    """Returns the last parts of module names that appeared or vanished in the folders that imports were searched in."""
    found: set[str] = set()
    for folder, (time, names) in memory.folders.items():
        if folder_time(folder) == time and time < memory.written - _RACY_NS:
            continue
        try:
            now = importable(os.listdir(folder))
        except (OSError, UnicodeEncodeError):  # a name that this run's locale cannot say
            now = frozenset()
        found |= {name.removesuffix(".py") for name in now ^ set(names)}
        memory.folders[folder] = folder_time(folder), sorted(now)
    return found


def given_folders(paths: Sequence[str]) -> list[str]:
    """Returns the folders of files, by absolute path."""
    return sorted({os.path.dirname(os.path.abspath(path)) for path in paths})


def _found_elsewhere(memory: Memory, settings: Settings, paths: Sequence[str]) -> set[Index]:
    """Returns the files that asked for a name which means another file now that files of other folders are linted together."""
    folders = given_folders(paths)
    if folders == memory.given or not memory.rooted:
        memory.given = folders
        return set()
    memory.given = folders
    from vglint.source.project import Project

    project = Project(settings.top, paths, settings.resolve)
    answers: dict[str, str] = {}
    found: set[Index] = set()
    for position, asked in memory.rooted.items():
        for name, answer in asked.items():
            if name not in answers:
                answers[name] = project.among_roots(name) or ""
            if answers[name] != answer:
                found.add(position)
    return found


def _restamped(memory: Memory, changed: set[Index]) -> dict[Index, str]:
    """Notes what changed files look like now, and returns the texts of those that searches go through."""
    texts: dict[Index, str] = {}
    for position in changed:
        file = memory.files[position]
        try:
            status = os.stat(file)
            with open(file, "rb") as stream:
                content = stream.read()
        except (OSError, UnicodeEncodeError):
            continue
        memory.stamps[position] = stamp(status, content)
        if position in memory.imports:
            texts[position] = content.decode("utf-8", "replace")
    return texts


def _asking(
    memory: Memory, texts: Mapping[Index, str], changed: set[Index], other: set[Index], change: Change
) -> set[Index]:
    """Returns the files for which something was sought that would now be found elsewhere."""
    from vglint.interp.static.decorated import decorated

    found: set[Index] = set()
    led = {
        position
        for position in changed & memory.imports.keys()
        if position not in texts or imports_of(texts[position]) != memory.imports[position]
    }
    for where, each in enumerate(memory.searched):
        askers = {asker: [key for at, key in keys if at == where] for asker, keys in memory.searches.items()}
        if not (led | other).isdisjoint(each.files) or any(
            change.decorates(memory, position, each.files) for position in changed.intersection(each.files)
        ):
            found |= {asker for asker, keys in askers.items() if keys}
            continue
        for position in changed.intersection(each.files):
            names = change.names[position]
            every = decorated(texts.get(position, ""), each.names)
            definitions = [one for one in every if names is None or one.name in names]
            for asker, keys in askers.items() if definitions else ():
                if any(one.concerns(key) for key in keys for one in definitions):
                    found.add(asker)
    return found
