"""Findings that are known and accepted for now: a file of their fingerprints, which lies in the repository."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec
from msgspec import Struct, field

from vglint import disk
from vglint.config import ConfigError, Settings
from vglint.finding import Finding, Report
from vglint.lint.fingerprints import path_in
from vglint.lint.outcome import Outcome
from vglint.report.view import visible

VERSION = 1


class Entry(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """One finding: its path from the project's folder, rule and fingerprint; `through` is the file that leads to it, where that is another."""

    path: str
    rule: str
    fingerprint: str
    through: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    findings: list[Entry]


def json_schema() -> dict[str, object]:
    """Returns the JSON Schema of a baseline."""
    document = msgspec.json.schema(_File)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vglint baseline",
        "$ref": "#/$defs/baseline",
        "$defs": {"baseline": document["$defs"]["_File"], "Entry": document["$defs"]["Entry"]},
    }


def entry_of(finding: Finding, top: str) -> Entry:
    """Returns the entry of a finding in the project whose folder is `top`."""
    through = path_in(finding.through, top) if finding.through else ""
    return Entry(path_in(finding.span.file, top), finding.rule, finding.fingerprint, through)


def read(file: str) -> tuple[Entry, ...]:
    """Returns the entries of a baseline. Raises ConfigError where the file is none: it comes with a repository, and may hold anything."""
    try:
        found = msgspec.json.decode(disk.read(file, disk.TEXT), type=_File)
    except FileNotFoundError:
        raise ConfigError(
            _shown(file), "", f"there is no such baseline: --write-baseline {_shown(file)} makes it"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(_shown(file), "", f"is no baseline: {why}") from None
    if found.version != VERSION:
        raise ConfigError(_shown(file), "version", f"is {found.version}, and this vglint reads version {VERSION}")
    return tuple(found.findings)


def text_of(entries: Iterable[Entry]) -> str:
    """Returns the content of a baseline: one line for each entry, sorted, so that changes are read and merged line by line."""
    lines = []
    for entry in sorted(set(entries)):
        pairs = {name: value for name, value in msgspec.structs.asdict(entry).items() if value}
        lines.append("    " + json.dumps(pairs))
    inner = "[\n" + ",\n".join(lines) + "\n  ]" if lines else "[]"
    return f'{{\n  "version": {VERSION},\n  "findings": {inner}\n}}\n'


def renewed(file: str, report: Report, top_of: Callable[[str], str], linted: Collection[str]) -> tuple[Entry, ...]:
    """Returns the entries of a report's findings, and those of `file` that are about other files than the `linted` ones. Raises ConfigError.

    `top_of` gives the folder of the project that a file belongs to.
    """
    tops = {top_of(file), *map(top_of, linted)}
    seen = {path_in(path, top_of(path)) for path in linted}
    old = read(file) if os.path.lexists(file) else ()
    left = [
        entry
        for entry in old
        if not {entry.path, entry.through} & seen
        and any(os.path.lexists(os.path.join(top, entry.path)) for top in tops)
    ]
    new = [entry_of(finding, top_of(finding.through or finding.span.file)) for finding in report.findings]
    return tuple(sorted({*left, *new}))


class Baseline(Struct):
    """The entries of a file, and which of them a run has met."""

    file: str
    entries: tuple[Entry, ...]
    met: set[tuple[str, str, str]] = field(default_factory=set)

    def expired(self, linted: Collection[str], tops: Collection[str], silent: Collection[str]) -> list[Entry]:
        """Returns the entries that nothing matches any more, although what they need was looked at: their rule is not one of the `silent` ones,
        and each of their files was linted (`linted`, from the projects' folders) or is gone from the projects (`tops`)."""

        def is_seen(path: str) -> bool:
            return path in linted or not any(os.path.lexists(os.path.join(top, path)) for top in tops)

        return [
            entry
            for entry in self.entries
            if (entry.path, entry.rule, entry.fingerprint) not in self.met
            and entry.rule not in silent
            and is_seen(entry.path)
            and (not entry.through or is_seen(entry.through))
        ]


class Baselines:
    """The baselines of a run, by the settings that name them."""

    def __init__(self, settings: Iterable[Settings]) -> None:
        """Reads them. Raises ConfigError."""
        self._read = {one.baseline: Baseline(one.baseline, read(one.baseline)) for one in settings if one.baseline}
        self._known = {
            file: {(entry.path, entry.rule, entry.fingerprint) for entry in baseline.entries}
            for file, baseline in self._read.items()
        }

    def holds(self, finding: Finding, settings: Settings) -> bool:
        """Whether a finding is known; its entry is then met."""
        if not settings.baseline:
            return False
        key = path_in(finding.span.file, settings.top), finding.rule, finding.fingerprint
        if key in self._known[settings.baseline]:
            self._read[settings.baseline].met.add(key)
            return True
        return False

    def expired(self, outcomes: Mapping[str, tuple[Outcome, Settings]]) -> tuple[str, ...]:
        """Returns a line for each baseline that has entries which match nothing any more."""
        lines = []
        for file, baseline in self._read.items():
            if len(baseline.met) < len(self._known[file]):
                governed = {path: one for path, one in outcomes.items() if one[1].baseline == file}
                lines += _line(baseline, governed)
        return tuple(lines)


def _line(baseline: Baseline, outcomes: Mapping[str, tuple[Outcome, Settings]]) -> list[str]:
    from vglint.lint.work import rulebook_of

    every = {settings for _, settings in outcomes.values()}
    silent: set[str] = set()
    for settings in every:
        book = rulebook_of(settings)
        silent |= {rule.id for rule in book.rules} - {checked.rule.id for checked in book.chosen}
    linted = {
        path_in(path, settings.top)
        for path, (outcome, settings) in outcomes.items()
        if all(problem.kind == "comment" for problem in outcome.problems)
    }
    gone = baseline.expired(linted, {settings.top for settings in every}, silent)
    if not gone:
        return []
    named = [visible(f"{entry.rule} in {entry.path}"[:_LONGEST]) for entry in gone[:_NAMED]]
    more = [f"{len(gone) - _NAMED} more"] if len(gone) > _NAMED else []
    count = "1 entry matches" if len(gone) == 1 else f"{len(gone)} entries match"
    file = _shown(baseline.file)
    return [f"{file}: {count} nothing any more ({', '.join([*named, *more])}): --write-baseline {file} leaves them out"]


_NAMED = 3
_LONGEST = 200


def _shown(file: str) -> str:
    relative = path_in(file, os.getcwd())
    return file if relative.startswith("../") else relative
