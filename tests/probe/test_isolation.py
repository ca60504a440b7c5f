"""Code that does its worst ends in a verdict, within its limits, with nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vglint.probe import Inconclusive, Limits, Measured, Request, copy_tree, orphans, run_isolated
from vglint.probe import tree as probe_tree
from vglint.probe.nursery import Nursery, nursery

pytest.importorskip("torch")

SECONDS = 200.0
"""For code that ends by itself: more than a busy machine needs."""
WORDS = {
    "endless": "still running",
    "hang": "still running",
    "deaf": "still running",
    "bomb": "out of memory",
    "leave": "ended its own process with status 0",
    "quit": "sys.exit(3)",
    "crash": "SIGSEGV",
    "fork": "fork",
    "swarm": "more than 60 processes",
    "ask": "standard input",
    "missing": "a_package_that_nobody_has",
    "picky": "no input found",
    "filler": "ile",
    "forged": "malformed reply",
    "nested": "malformed reply",
    "pipe": "ended its own process",
    "link": "ended its own process",
}
"""What the reason has to say, by fixture."""
ENDLESS = ("endless", "hang", "deaf")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found in /proc")


@pytest.fixture(scope="module")
def within() -> Iterator[Nursery]:
    with nursery() as one:
        yield one


def tree(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def outcome(
    root: Path, tmp_path: Path, name: str, within: Nursery, seconds: float = SECONDS
) -> Measured | Inconclusive:
    """Probes a fixture in a folder of its own and holds the folder against what it was."""
    folder = tmp_path / f"user_{name}"
    folder.mkdir()
    shutil.copy(root / "fixtures" / "hostile" / f"{name}.py", folder)
    (folder / "notes.txt").write_text("precious")
    before = tree(folder)
    limits = Limits(seconds=seconds, memory=6 << 30, file_size=8 << 20)
    request = Request(str(folder), f"{name}.py", "Net", steps=12, seeds=1, optimizers=("adam",))
    found = run_isolated(request, limits, within)
    assert tree(folder) == before
    return found


@pytest.mark.parametrize("name", sorted(WORDS))
def test_hostile_code_is_inconclusive(root: Path, tmp_path: Path, within: Nursery, name: str) -> None:
    found = outcome(root, tmp_path, name, within, 2.0 if name in ENDLESS else SECONDS)
    assert isinstance(found, Inconclusive)
    assert WORDS[name] in found.reason


@pytest.mark.parametrize("name", ["chatter", "eraser"])
def test_rude_code_is_measured_all_the_same(
    root: Path, tmp_path: Path, within: Nursery, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    found = outcome(root, tmp_path, name, within)
    assert isinstance(found, Measured), found
    assert len(found.runs[0].losses) == 12
    assert capfd.readouterr() == ("", "")


@linux
@pytest.mark.parametrize(("name", "mark"), [("stray", b"stray of the probe"), ("daemon", b"daemon of the probe")])
def test_no_process_stays_behind(root: Path, tmp_path: Path, within: Nursery, name: str, mark: bytes) -> None:
    assert isinstance(outcome(root, tmp_path, name, within), Measured)
    assert not running(mark)


def running(mark: bytes) -> list[Path]:
    """Returns the processes whose command line holds a text."""
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


CALLER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
from vglint.probe import Limits, Request, run_isolated
run_isolated(Request(sys.argv[1], "daemon.py", "Net", training=False), Limits(seconds=500))
"""


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_all_processes_end_with_the_caller(root: Path, tmp_path: Path, number: int) -> None:
    """The server, the child and a program in a session of its own; also the temporary folder."""
    mark = f"caller {os.getpid()} {int(number)}"
    code = (root / "fixtures" / "hostile" / "daemon.py").read_text().replace("daemon of the probe", mark)
    (tmp_path / "daemon.py").write_text(code.replace("return self", "while True: pass  #"))
    folder = tmp_path / "temporary"
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(root)}
    caller = subprocess.Popen([sys.executable, "-c", CALLER, str(tmp_path)], env=environment)
    server = f"serve({caller.pid})".encode()
    wait(lambda: bool(running(mark.encode()) and running(server)))
    caller.send_signal(number)
    caller.wait(SECONDS)
    wait(lambda: not running(mark.encode()) and not running(server) and not list(folder.iterdir()))


def wait(done) -> None:
    deadline = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_unreadable_file_and_a_large_tree_stop_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_tree, "_FILES", 50)
    source = tmp_path / "source"
    (source / "models").mkdir(parents=True)
    (source / "aaa").mkdir()
    (source / "models" / "net.py").write_text("import near\n")
    (source / "models" / "near.py").write_text("")
    for number in range(60):
        (source / "aaa" / f"data{number}.txt").write_text("")
    (source / "gone.py").symlink_to(source / "nowhere.py")
    secret = source / "secret.py"
    secret.write_text("")
    secret.chmod(0)
    copy_tree(source, Path("models/net.py"), tmp_path / "copy")
    copied = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert (tmp_path / "copy" / "models" / "near.py").exists() and len(copied) == 50


def test_every_fixture_is_used(root: Path) -> None:
    names = {path.stem for path in (root / "fixtures" / "hostile").glob("*.py")}
    assert names == {*WORDS, "chatter", "eraser", "stray", "daemon"}


def test_other_systems_run_each_child_in_a_new_interpreter(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with nursery() as other:
        assert other._process is None  # there is no server to fork from
        late = outcome(root, tmp_path, "endless", other, 0.5)
        found = outcome(root, tmp_path, "quit", other)
    assert isinstance(late, Inconclusive) and WORDS["endless"] in late.reason
    assert isinstance(found, Inconclusive) and WORDS["quit"] in found.reason


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_what_only_linux_offers_is_not_asked_of_other_systems(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert not orphans.adopt_orphans() and not orphans.own_namespace()
    orphans.die_with_parent(os.getppid() + 1)  # would end this process where the kernel was asked
