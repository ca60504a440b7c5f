"""The program's one product, and the report that holds it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from vglint.rule import Confidence, Safety, Scalar, Severity
from vglint.span import Span

Evidence: TypeAlias = tuple[tuple[str, Scalar], ...]
"""The facts that a finding rests on, with their values."""


MEASURED = "VG000"
"""The rule of findings that no rule makes: what the probe measures."""


class Place(Struct, frozen=True):
    """Another line that the reader should see, and what it has to do with the finding."""

    span: Span
    message: str
    cell: int | None = None
    """Notebook cell, as a finding's."""


class Edit(Struct, frozen=True):
    """Replaces characters `start` to `end` of the file's decoded text by `text`."""

    file: str
    start: int
    end: int
    text: str
    cell: int | None = None
    """Notebook cell, as a finding's; `start` and `end` then count in its source."""


class Fix(Struct, frozen=True, eq=False):
    """Edits that take a finding away, with what they do in a few words; `note` says what else the reader has to do or to know."""

    title: str
    safety: Safety
    edits: tuple[Edit, ...]
    note: str = ""
    makers: tuple[str, ...] = ()
    """Where a model's output means something else after it: the names of the file whose call makes that model."""
    calls: tuple[str, ...] = ()
    """The places that call such a model and that no graph shows."""
    proof: str = ""
    """What the probe measured before and after it, in one line; empty where nobody asked. Two fixes that differ in it alone are equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fix) and self._changes == other._changes

    def __hash__(self) -> int:
        return hash(self._changes)

    @property
    def _changes(self) -> tuple[object, ...]:
        return self.title, self.safety, self.edits, self.note, self.makers, self.calls

    @property
    def label(self) -> str:
        """The title with the note and the places, in one line."""
        notes = [note for note in (self.note, _calls(self.calls)) if note]
        return f"{self.title} ({'; '.join(notes)})" if notes else self.title


def _calls(places: tuple[str, ...]) -> str:
    shown = [*places[:_NAMED], *([f"{len(places) - _NAMED} more"] if len(places) > _NAMED else [])]
    if len(shown) < 2:
        return "".join(f"{place} calls the model too: its output changes there as well" for place in shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]} call the model too: its output changes there as well"


_NAMED = 6
"""Places that the label of a fix names."""


class Verdict(Struct, frozen=True):
    """What the probe says of a finding."""

    verdict: Literal["confirmed", "refuted", "inconclusive"]
    evidence: Evidence


class Finding(Struct, frozen=True):
    """A rule that holds at a place, the facts it rests on, and the way out."""

    rule: str
    name: str
    severity: Severity
    confidence: Confidence
    span: Span
    message: str
    entry: str
    evidence: Evidence = ()
    world: str = ""
    """When it is so, where it is not always: `when `max_norm` is given`, `on a GPU`."""
    related: tuple[Place, ...] = ()
    detail: str = ""
    """What follows from it: one or two sentences below the message."""
    advice: str = ""
    effect: str = ""
    """What the advice is predicted to change."""
    remedy: str = ""
    """The action that the advice is to make, where it was chosen by what it is predicted to change."""
    fix: Fix | None = None
    probe: Verdict | None = None
    cell: int | None = None
    """Notebook cell, counted from 1 over code cells; lines then count inside the cell."""
    fingerprint: str = ""
    """Stable under edits elsewhere: hash of rule, path, enclosing definitions and the text of the line."""
    through: str = ""
    """The file whose models lead to it, where it lies in another."""


class Problem(Struct, frozen=True):
    """A file that could not be read or parsed, an unused ignore, … : what is wrong, where, and what would be right."""

    path: str
    line: int | None
    message: str
    kind: Literal["unread", "comment", "internal"] = "unread"
    """What could not be read, a comment that suppresses nothing, or a fault of vglint's own."""
    cell: tuple[int, int] | None = None
    """In a notebook: the cell, counted as a finding's, and the line in it, which the message names too."""


class Gap(Struct, frozen=True):
    """Something that is not known of an entry, in words: its kind, what it is, and where."""

    entry: str
    why: str
    text: str
    span: Span | None


class Report(Struct, frozen=True):
    """Everything one run has to say, in its final order."""

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    files: int
    entries: int
    gaps: int
    training: int = 0
    """How many of the entries are training code, not models."""
    partial: int = 0
    """How many of the entries were read only in part."""
    texts: dict[str, str] = field(default_factory=dict)
    """Source text of what findings point into, for code frames: by path, a notebook's cells by `path:cell N`."""
    cell_lines: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The lines of a notebook's file on which the lines of its cells stand, by `path:cell N`."""
    missing: tuple[Problem, ...] = ()
    """Imports of the project's own modules that were not found: no fault of a file, but what depends on them is not checked."""
    unknowns: tuple[Gap, ...] = ()
    """The gaps themselves, where they were asked for."""
    silent: tuple[tuple[str, str], ...] = ()
    """Entries without a gap whose gradient is not known, and the place at which knowledge ends, with the reason."""
    known: int = 0
    """How many more findings there are, which a baseline holds."""
    expired: tuple[str, ...] = ()
    """What is said of entries of a baseline that match nothing any more."""
