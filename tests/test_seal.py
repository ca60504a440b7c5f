"""What is kept from run to run is believed only where this user kept it, and costs nobody else a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from vglint import seal

NAME = f"code-{'0' * 32}.vglint"
OTHER = f"code-{'1' * 32}.vglint"


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(seal.KEY, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "state"))
    seal.key.cache_clear()
    yield
    seal.key.cache_clear()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    seal.write(folder, NAME, b"body")
    assert seal.read(folder, NAME) == b"body"
    assert seal.read(folder, OTHER) is None
    assert sorted(os.listdir(folder)) == sorted([".gitignore", "CACHEDIR.TAG", NAME])


def test_w4_what_another_user_sealed_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seal.write(tmp_path, NAME, b"body")
    monkeypatch.setenv(seal.KEY, "another")
    seal.key.cache_clear()
    assert seal.read(tmp_path, NAME) is None


def test_w4_the_key_is_the_users_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "vglint" / "key"
    first = seal.key()
    assert first is not None and path.read_bytes() == first
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)
        seal.key.cache_clear()
        assert seal.key() is None, "somebody else may have read it"
        seal.write(tmp_path, NAME, b"body")
        assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize("spoil", [lambda held: held[:-1], lambda held: held[:-1] + b"\0", lambda held: b""])
def test_w4_what_is_spoilt_is_a_miss(tmp_path: Path, spoil: object) -> None:
    seal.write(tmp_path, NAME, b"body")
    assert callable(spoil)
    (tmp_path / NAME).write_bytes(spoil((tmp_path / NAME).read_bytes()))
    assert seal.read(tmp_path, NAME) is None


def test_a_renamed_file_is_a_miss(tmp_path: Path) -> None:
    seal.write(tmp_path, NAME, b"body")
    os.rename(tmp_path / NAME, tmp_path / OTHER)
    assert seal.read(tmp_path, OTHER) is None


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_w4_links_are_not_followed(tmp_path: Path) -> None:
    real, folder, link = tmp_path / "real", tmp_path / "kept", tmp_path / "link"
    seal.write(real, NAME, b"body")
    folder.mkdir()
    victim = tmp_path / "victim"
    (folder / "CACHEDIR.TAG").symlink_to(victim)
    (folder / NAME).symlink_to(real / NAME)
    link.symlink_to(real)
    assert seal.read(folder, NAME) is None and seal.read(link, NAME) is None
    seal.write(link, OTHER, b"body")
    assert not (real / OTHER).exists()
    seal.write(folder, NAME, b"other")
    assert not victim.exists()
    assert seal.read(real, NAME) == b"body" and seal.read(folder, NAME) == b"other"
    assert seal.prune(link, everything=True) == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names")
def test_a_pipe_is_a_miss(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    assert seal.read(tmp_path, NAME) is None


def test_w4_pruning_leaves_other_programs_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("other.msgpack", "code-0.vglint", "findings.vglint"):
        (tmp_path / name).write_bytes(b"x")
    seal.write(tmp_path, NAME, b"body")
    seal.write(tmp_path, OTHER, b"body")
    old = (tmp_path / NAME).stat().st_mtime - seal.AGE - 60
    os.utime(tmp_path / NAME, (old, old))
    assert seal.prune(tmp_path) == 1 and not (tmp_path / NAME).exists()
    monkeypatch.setattr(seal, "SIZE", 10)
    assert seal.prune(tmp_path) == 1
    assert {"other.msgpack", "code-0.vglint", "findings.vglint"} <= set(os.listdir(tmp_path))


def test_reading_keeps_young(tmp_path: Path) -> None:
    seal.write(tmp_path, NAME, b"body")
    old = (tmp_path / NAME).stat().st_mtime - seal.AGE - 60
    os.utime(tmp_path / NAME, (old, old))
    assert seal.read(tmp_path, NAME) == b"body"
    assert seal.prune(tmp_path) == 0
