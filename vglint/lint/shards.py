"""A run in parts: each lints some of the files and writes what it found; one run puts the parts together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct, field

from vglint import disk
from vglint.lint.outcome import Outcome
from vglint.lint.renamed import Shown, portable, settled

_MOST = 1 << 30
"""Bytes of a part that is read."""


class PartError(Exception):
    """A part that cannot be read or written, or is missing."""


class Shard(Struct, frozen=True):
    """Part `number` of `count`, from 1, and the file that it is written to."""

    number: int
    count: int
    file: str

    def holds(self, path: str) -> bool:
        """Whether a file belongs to this part, by its path from the project's folder, wherever the project lies."""
        label = blake2b(Path(path).as_posix().encode("utf-8", "surrogateescape"), digest_size=8).digest()
        return int.from_bytes(label, "big") % self.count == self.number - 1

    def write(self, outcomes: Mapping[str, Outcome]) -> None:
        """Writes what was found in this part, the same wherever the files lie and however they are given. Raises PartError."""
        import msgspec

        here = Shown.of([*outcomes])
        found = {_key(path): portable(outcome, here) for path, outcome in outcomes.items()}
        try:
            part = Part(self.number, self.count, dict(sorted(found.items())))
            disk.write(Path(self.file), msgspec.json.encode(part))
        except (OSError, ValueError) as error:
            raise PartError(f"{self.file}: {error}") from None


class Part(Struct, frozen=True):
    """What one part found, by path from the folder where it was run."""

    number: int
    count: int
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    version: int = 2


def shard_of(text: str) -> Shard:
    """Returns the part that `2/8=FILE` names; raises ValueError."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})=(.+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"{text!r} is no part of a run: 2/8=FILE is the second of eight")
    return Shard(int(found[1]), int(found[2]), found[3])


def together(files: Iterable[str]) -> dict[str, Outcome]:
    """Returns what all parts found, by path from the current folder. Raises PartError where one cannot be read or is missing."""
    import msgspec

    parts: dict[int, Part] = {}
    count = 0
    for file in files:
        try:
            part = msgspec.json.decode(disk.read(file, _MOST), type=Part)
        except (OSError, ValueError, RecursionError, msgspec.DecodeError):
            raise PartError(f"{file} is no part of a run of this version of vglint") from None
        if part.version != 2 or (count and part.count != count):
            raise PartError(f"{file} is part {part.number} of {part.count}: the others are of {count}")
        parts[part.number], count = part, part.count
    if missing := [str(number) for number in range(1, count + 1) if number not in parts]:
        raise PartError(
            f"of {count} parts of the run, {', '.join(missing[:10])} {'is' if len(missing) == 1 else 'are'} missing"
        )
    return {path: outcome for number in sorted(parts) for path, outcome in parts[number].outcomes.items()}


def chosen(known: Mapping[str, Outcome], paths: Sequence[str]) -> dict[str, Outcome]:
    """Returns what all parts found in files, by path as it is given. Raises PartError."""
    for path in paths:
        if _key(path) not in known:
            raise PartError(f"no part of the run linted {path}: the parts and this run must be given the same files")
    here = Shown.of(paths)
    return {path: settled(known[_key(path)], here) for path in paths}


def _key(path: str) -> str:
    return Path(os.path.relpath(path)).as_posix()
