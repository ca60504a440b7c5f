"""Edits applied to text, and text written to disk so that a crash never leaves half a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from vglint.finding import Edit, Fix


class NotWrittenError(Exception):
    """Why a file was left as it is."""


def apply(text: str, fixes: Iterable[Fix]) -> tuple[str, tuple[Fix, ...]]:
    """Returns the text with fixes made, and those that were made: one that overlaps an earlier one waits for the next run."""
    made = compatible(fixes)
    edits = {edit for fix in made for edit in fix.edits}
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text, made


def compatible(fixes: Iterable[Fix]) -> tuple[Fix, ...]:
    """Returns the fixes that can be made together: the first of those that overlap. One edit that two of them make is made once."""
    made: list[Fix] = []
    edits: list[Edit] = []
    for fix in fixes:
        if fix not in made and all(new == old or _apart(new, old) for new in fix.edits for old in edits):
            made.append(fix)
            edits.extend(fix.edits)
    return tuple(made)


def write(path: Path, content: bytes, expected: bytes | None = None) -> None:
    """Replaces a file's bytes in one step; follows a link, keeps mode, owner and extended attributes.

    Raises NotWrittenError where the file holds something else than `expected`, or could not stay what it was, and OSError.
    """
    target = path.resolve()
    before = target.stat()
    if expected is not None and target.read_bytes() != expected:
        raise NotWrittenError("it has changed since it was read")
    if before.st_nlink > 1:
        raise NotWrittenError(f"it has {before.st_nlink} hard links, which a new file would part")
    if not os.access(target, os.W_OK):
        raise NotWrittenError("it is read-only")
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        _dress(name, target, before)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _dress(name: str, target: Path, before: os.stat_result) -> None:
    """Gives a new file the mode, owner and extended attributes of the one that it replaces."""
    own = os.stat(name)
    if hasattr(os, "chown") and (own.st_uid, own.st_gid) != (before.st_uid, before.st_gid):
        try:
            os.chown(name, before.st_uid, before.st_gid)
        except PermissionError:
            raise NotWrittenError("its owner could not be kept") from None
    if hasattr(os, "listxattr"):
        for attribute in os.listxattr(target):
            os.setxattr(name, attribute, os.getxattr(target, attribute))
    os.chmod(name, before.st_mode & 0o7777)


def _apart(new: Edit, old: Edit) -> bool:
    if new.cell != old.cell:
        return True
    if new.start == new.end and old.start == old.end:
        return new.start != old.start
    return new.end <= old.start or old.end <= new.start
