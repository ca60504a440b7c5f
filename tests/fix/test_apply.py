"""Edits applied to text, and text written to disk."""

from __future__ import annotations

import os
import stat

import pytest

from vglint.finding import Edit, Fix
from vglint.fix import apply, write


def fix(*edits: tuple[int, int, str]) -> Fix:
    return Fix("t", "safe", tuple(Edit("a.py", *edit) for edit in edits))


def test_edits_are_made_from_the_end():
    text, made = apply("abcdef", [fix((0, 1, "X"), (5, 6, "Z")), fix((2, 3, ""))])
    assert text == "XbdeZ" and len(made) == 2


def test_a_fix_that_overlaps_waits():
    text, made = apply("abcdef", [fix((0, 3, "X")), fix((2, 4, "Y"))])
    assert text == "Xdef" and len(made) == 1


def test_the_same_fix_twice_is_one():
    one = fix((0, 0, "x"))
    assert apply("a", [one, one])[0] == "xa"


def test_writing_keeps_mode_and_follows_links(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(b"old")
    path.chmod(0o750)
    link = tmp_path / "link.py"
    link.symlink_to(path)
    write(link, b"new\r\n")
    assert path.read_bytes() == b"new\r\n" and link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert sorted(os.listdir(tmp_path)) == ["a.py", "link.py"]


def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.py"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError):
        write(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.py"]
