"""Code that does its worst ends in a verdict, within its limits, with nothing left behind."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from vglint.probe import Inconclusive, Limits, Measured, Request, run_isolated

pytest.importorskip("torch")

SECONDS = 25.0
WORDS = {
    "endless": "still running",
    "hang": "still running",
    "bomb": "out of memory",
    "leave": "ended its own process with status 0",
    "quit": "sys.exit(3)",
    "crash": "SIGSEGV",
    "fork": "fork",
    "ask": "standard input",
    "missing": "a_package_that_nobody_has",
    "picky": "no input found",
    "filler": "ile",
}
"""What the reason has to say, by fixture."""


def tree(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def outcome(root: Path, tmp_path: Path, name: str, seconds: float = SECONDS) -> Measured | Inconclusive:
    """Probes a fixture in a folder of its own and holds the folder against what it was."""
    folder = tmp_path / "user"
    folder.mkdir()
    shutil.copy(root / "fixtures" / "hostile" / f"{name}.py", folder)
    (folder / "notes.txt").write_text("precious")
    before = tree(folder)
    start = time.monotonic()
    limits = Limits(seconds=seconds, memory=6 << 30, file_size=8 << 20)
    found = run_isolated(Request(str(folder), f"{name}.py", "Net", steps=12, seeds=1, optimizers=("adam",)), limits)
    assert time.monotonic() - start < seconds + 15
    assert tree(folder) == before
    return found


@pytest.mark.parametrize("name", sorted(WORDS))
def test_hostile_code_is_inconclusive(root: Path, tmp_path: Path, name: str) -> None:
    found = outcome(root, tmp_path, name, 12.0 if name in ("endless", "hang") else SECONDS)
    assert isinstance(found, Inconclusive)
    assert WORDS[name] in found.reason


@pytest.mark.parametrize("name", ["chatter", "eraser"])
def test_rude_code_is_measured_all_the_same(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    found = outcome(root, tmp_path, name, 60.0)
    assert isinstance(found, Measured), found
    assert len(found.runs[0].losses) == 12
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="strays are found in /proc")
def test_no_process_stays_behind(root: Path, tmp_path: Path) -> None:
    outcome(root, tmp_path, "stray", 60.0)
    time.sleep(0.2)
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(b"stray of the probe" in line for line in lines)


def test_every_fixture_is_used(root: Path) -> None:
    names = {path.stem for path in (root / "fixtures" / "hostile").glob("*.py")}
    assert names == {*WORDS, "chatter", "eraser", "stray"}
