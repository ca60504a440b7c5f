"""Edits applied to text, and text written to disk so that a crash never leaves half a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from vglint.finding import Edit, Fix


def apply(text: str, fixes: Iterable[Fix]) -> tuple[str, tuple[Fix, ...]]:
    """Returns the text with fixes made, and those that were made: one that overlaps an earlier one waits for the next run."""
    made: list[Fix] = []
    edits: list[Edit] = []
    for fix in fixes:
        if fix in made:
            continue
        if all(_apart(new, old) for new in fix.edits for old in edits):
            made.append(fix)
            edits.extend(fix.edits)
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text, tuple(made)


def write(path: Path, content: bytes) -> None:
    """Replaces a file's bytes in one step; follows a link, keeps the mode. Raises OSError."""
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, target.stat().st_mode & 0o7777)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _apart(new: Edit, old: Edit) -> bool:
    if new.start == new.end and old.start == old.end:
        return new.start != old.start
    return new.end <= old.start or old.end <= new.start
