"""What linting one file gives, and what it was resolved from."""

from __future__ import annotations

from dataclasses import dataclass, field

from vglint.finding import Finding, Problem
from vglint.value import Unknown


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file's share of a report. `internal` marks a fault of vglint's own: such an outcome is not kept."""

    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    entries: int = 0
    gaps: int = 0
    unknowns: tuple[tuple[str, Unknown], ...] = ()
    internal: bool = False


SKIPPED = Outcome()
"""What a file gives that cannot concern torch."""


@dataclass(slots=True)
class Sources:
    """What the outcomes of a run rest on.

    `files` maps a file to those that its imports led to, `names` to the dotted names that it asked for, found or not;
    `folders` maps a folder that was searched to the names in it that an import could mean.
    """

    files: dict[str, set[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    folders: dict[str, frozenset[str]] = field(default_factory=dict)

    def add(self, other: Sources) -> None:
        for file, found in other.files.items():
            self.files.setdefault(file, set()).update(found)
        for file, asked in other.names.items():
            self.names.setdefault(file, set()).update(asked)
        self.folders.update(other.folders)
