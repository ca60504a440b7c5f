"""What linting one file gives, and what it was resolved from."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from vglint.finding import Finding, Gap, Problem
from vglint.regex import regex
from vglint.source.search import Search


class Idle(Struct, frozen=True):
    """A comment of one file, by absolute path, that suppresses none of this file's own findings; those of another may need it."""

    path: str
    line: int
    word: str
    problem: Problem


class Outcome(Struct, frozen=True):
    """One file's share of a report. `internal` marks a fault of vglint's own: such an outcome is not kept."""

    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    entries: int = 0
    training: int = 0
    """How many of the entries are training code, not models."""
    partial: int = 0
    """How many of the entries were read only in part."""
    gaps: int = 0
    unknowns: tuple[Gap, ...] = ()
    missing: tuple[Problem, ...] = ()
    """Imports of the project's own modules that were not found."""
    silent: tuple[tuple[str, str], ...] = ()
    """Entries without a gap whose gradient is not known, and why."""
    internal: bool = False
    idle: tuple[Idle, ...] = ()
    needed: tuple[tuple[str, int, str], ...] = ()
    """Comments of other files that suppress findings of this one: absolute path, line, word."""
    yielded: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Rules that find something which is not told because each of some others does, on the same entry."""


SKIPPED = Outcome()
"""What a file gives that cannot concern torch."""


def encodable(outcome: Outcome) -> Outcome:
    """Returns the outcome with texts that UTF-8 can hold: a string of the program may hold half of a surrogate pair. Paths stay as they are."""
    return _encodable(outcome) if _SURROGATE.search(repr(outcome)) else outcome


_SURROGATE = regex(r"\\ud[89a-f]")
_PATHS = frozenset({"file", "path"})


def _encodable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case tuple():
            return tuple(_encodable(item) for item in value)
        case Struct():
            names = [name for name in value.__struct_fields__ if name not in _PATHS]
            return replace(value, **{name: _encodable(getattr(value, name)) for name in names})
        case _:
            return value


class Sources(Struct):
    """What the outcomes of a run rest on.

    `files` maps a file to those that its imports led to, `names` to the dotted names that it asked for, found or not;
    `folders` maps a folder that was searched to the names in it that an import could mean. `rooted` maps a file to the names that were
    looked for in the folders of all files that are linted, with what was found ('' for nothing), `searches` to what was sought for it.
    """

    files: dict[str, set[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    folders: dict[str, frozenset[str]] = field(default_factory=dict)
    rooted: dict[str, dict[str, str]] = field(default_factory=dict)
    searches: dict[str, set[Search]] = field(default_factory=dict)
    imports: dict[str, bytes] = field(default_factory=dict)
    """A hash of the imports of each file that was looked through."""
    found: dict[str, set[str]] = field(default_factory=dict)
    """The files in which a search for a file found something; they are in `files` too."""
    whole: set[str] = field(default_factory=set)
    """Files of which another one asked more than what some of their names mean."""
    statements: dict[str, bytes] = field(default_factory=dict)
    """The statements of each file that was linted, as `lint.statements` writes them down."""

    def add(self, other: Sources) -> None:
        for file, found in other.files.items():
            self.files.setdefault(file, set()).update(found)
        for file, asked in other.names.items():
            self.names.setdefault(file, set()).update(asked)
        self.folders.update(other.folders)
        for file, answers in other.rooted.items():
            self.rooted.setdefault(file, {}).update(answers)
        for file, searched in other.searches.items():
            self.searches.setdefault(file, set()).update(searched)
        self.imports.update(other.imports)
        for file, found in other.found.items():
            self.found.setdefault(file, set()).update(found)
        self.whole |= other.whole
        self.statements.update(other.statements)
