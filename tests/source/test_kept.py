"""A statement that was read once is not parsed again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from vglint import seal
from vglint.source import kept
from vglint.source.kept import Store
from vglint.source.module import Module
from vglint.source.parse import parsed
from vglint.source.project import Project

TEXT = "def f(x):\n    return x + 1.5\n\n\nclass A:\n    b = [1, None, b'x', 'y', 10**30, ...]\n"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are parsed."""
    texts: list[str] = []

    def noting(text: str, deep: bool = False) -> object:
        texts.append(text)
        return parsed(text, deep)

    monkeypatch.setattr(kept, "parsed", noting)
    return texts


def read(folder: Path, text: str, name: str = "sample.py") -> Module:
    project = Project(folder)
    project.store = Store(folder / "kept")
    module = project.add(str(folder / name), text)
    assert isinstance(module, Module)
    for unit in module.units:
        assert msgspec.msgpack.encode(unit.body) == msgspec.msgpack.encode(parsed(unit.source))
    project.store.save()
    return module


def test_an_unchanged_statement_is_not_parsed_again(tmp_path: Path, asked: list[str]) -> None:
    read(tmp_path, TEXT)
    assert len(asked) == 2
    read(tmp_path, TEXT)
    assert len(asked) == 2
    read(tmp_path, "import new\n" + TEXT.replace("1.5", "2.5"))
    assert asked[2:] == ["import new\n", "def f(x):\n    return x + 2.5\n"]


@pytest.mark.parametrize("body", [b"", b"\x81", b"\xc1", b"\x90"])
def test_what_is_well_sealed_but_wrong_is_a_miss(tmp_path: Path, asked: list[str], body: bytes) -> None:
    read(tmp_path, TEXT)
    for file in (tmp_path / "kept").glob("code-*"):
        seal.write(tmp_path / "kept", file.name, body)
    read(tmp_path, TEXT)
    assert len(asked) == 4


def test_unreadable_statements_stay_so(tmp_path: Path) -> None:
    text = "x = (1\n\n\ndef f(:\n    pass\n\n\ny = 2\n"
    assert [str(one) for one in read(tmp_path, text).unread] == [str(one) for one in read(tmp_path, text).unread]


def test_a_file_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_ROOM", 1_000)
    for number in range(60):
        read(tmp_path, TEXT.replace("1.5", str(number)))
    (file,) = (tmp_path / "kept").glob("code-*")
    assert file.stat().st_size < 5_000
