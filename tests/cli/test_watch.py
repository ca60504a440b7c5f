"""`--watch`, as a process that is looked at from outside."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from queue import Queue
from typing import ClassVar

import pytest
from click.testing import CliRunner

from vglint.cli import cli

ROOT = Path(__file__).resolve().parent.parent.parent
CLEAN = "from torch import nn\n\nmodel = nn.Linear(2, 2)\n"
BAD = "from torch import nn\n\nmodel = nn.Sequential(*[each for _ in range(12) for each in (nn.Linear(64, 64), nn.Sigmoid())])\n"
ENDS = 600
"""Seconds after which a test gives up; nothing else depends on time."""


class Watching:
    """A running `vglint --watch`, and what it prints."""

    started: ClassVar[list[subprocess.Popen[bytes]]] = []

    def __init__(self, folder: Path, *arguments: str, terminal: bool = False) -> None:
        ours, theirs = pty.openpty() if terminal else os.pipe()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": "1"}
        # Tests that run in the background may have been started with Ctrl-C ignored, which children inherit.
        heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        self.process = subprocess.Popen([sys.executable, "-m", "vglint", *arguments, "--watch"], cwd=folder, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=environment, start_new_session=True, preexec_fn=heeded)  # fmt: skip
        self.started.append(self.process)
        os.close(theirs)
        self.chunks: Queue[str | None] = Queue()
        threading.Thread(target=self._read, args=(ours,), daemon=True).start()
        self.printed = ""

    def _read(self, handle: int) -> None:
        try:
            while chunk := os.read(handle, 65536):
                self.chunks.put(chunk.decode("utf-8", "replace"))
        except OSError:  # the terminal is gone
            pass
        self.chunks.put(None)

    def until(self, text: str) -> str:
        """Returns what is printed up to a text."""
        while text not in self.printed:
            chunk = self.chunks.get(timeout=ENDS)
            assert chunk is not None, f"it ended: {self.printed}"
            self.printed += chunk
        found, _, self.printed = self.printed.partition(text)
        return found

    def interrupt(self) -> str:
        """Presses Ctrl-C, which every process of the terminal gets, and returns the rest of the output."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(timeout=ENDS)
        while (chunk := self.chunks.get(timeout=ENDS)) is not None:
            self.printed += chunk
        return self.printed


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / ".git").mkdir()
    (tmp_path / "net.py").write_text(CLEAN)
    yield tmp_path
    for process in Watching.started:
        if process.poll() is None:
            process.kill()
    Watching.started.clear()


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX terminal")


def replace(path: Path, text: str) -> None:
    """Writes a file in one step, as editors do."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text)
    new.replace(path)


def test_it_lints_again_when_a_file_changes_and_ends_cleanly(folder: Path) -> None:
    running = Watching(folder, ".")
    assert "no problems in 1 file" in running.until("Ctrl-C ends\n")
    replace(folder / "net.py", BAD)
    assert "VG101" in running.until("Ctrl-C ends\n")
    replace(folder / "more.py", BAD)
    assert "2 problems (2 errors) in 2 files" in running.until("Ctrl-C ends\n")
    (folder / "net.py").unlink()
    assert "1 problem (1 error) in 1 file" in running.until("Ctrl-C ends\n")
    replace(folder / "vglint.toml", "ignore = [")
    assert "vglint.toml" in running.until("Ctrl-C ends\n"), "what is wrong is said, and watched on"
    replace(folder / "vglint.toml", 'select = ["VG701"]')
    assert "no problems in 1 file" in running.until("Ctrl-C ends\n")
    rest = running.interrupt()
    assert running.process.returncode == 0 and not rest.strip(), rest


def test_an_import_outside_of_the_paths_counts(folder: Path) -> None:
    (folder / "scripts").mkdir()
    (folder / "act.py").write_text("from torch import nn\n\nAct = nn.ReLU\n")
    (folder / "scripts" / "run.py").write_text("from act import Act\n" + BAD.replace("nn.Sigmoid()", "Act()"))
    running = Watching(folder, "scripts", "--select", "VG101")
    assert "no problems in 1 file" in running.until("Ctrl-C ends\n")
    replace(folder / "act.py", "from torch import nn\n\nAct = nn.Sigmoid\n")
    assert "VG101" in running.until("Ctrl-C ends\n")
    running.interrupt()


def test_what_a_strangers_repository_holds_neither_ends_nor_steers_it(folder: Path) -> None:
    (folder / "a\x1b[31m\n::error::.py").write_text(BAD)
    (folder / "device.py").symlink_to("/dev/zero")
    (folder / "around").symlink_to(folder, target_is_directory=True)
    (folder / "itself.py").symlink_to("itself.py")
    os.mkfifo(folder / "pipe.py")
    with (folder / "hole.py").open("wb") as stream:
        stream.truncate(10**12)
    running = Watching(folder, ".", "--no-cache")
    shown = running.until("Ctrl-C ends\n")
    assert "VG101" in shown and "has more than 5 MB" in shown
    steering = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]|^::", re.MULTILINE)
    assert not steering.search(shown)
    replace(folder / "vglint.toml", '"\\u001b[31m\\n::error::x" = 1')
    shown = running.until("Ctrl-C ends\n")
    assert "vglint.toml" in shown and not steering.search(shown)
    (folder / "vglint.toml").unlink()
    (folder / "vglint.toml").symlink_to("/dev/zero")
    replace(folder / "net.py", BAD)
    assert not steering.search(running.until("Ctrl-C ends\n"))
    assert not steering.search(running.interrupt()) and running.process.returncode == 0


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found in /proc")
def test_ctrl_c_while_it_lints_shows_no_traceback(folder: Path) -> None:
    """Ctrl-C comes when there are processes that lint."""
    for number in range(40):
        (folder / f"net{number}.py").write_text(BAD.replace("12", str(12 + number)))
    running = Watching(folder, ".", "--no-cache")
    while not children(running.process.pid) and running.chunks.empty():
        assert running.process.poll() is None
    rest = running.interrupt()
    assert running.process.returncode == 0 and "Traceback" not in rest, rest


def children(process: int) -> list[str]:
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def test_the_screen_is_cleared_on_a_terminal_alone(folder: Path) -> None:
    for terminal in (True, False):
        running = Watching(folder, ".", terminal=terminal)
        assert ("\x1b[2J" in running.until("Ctrl-C ends")) is terminal
        running.interrupt()


@pytest.mark.parametrize("other", ["--fix", "--diff", "--probe", "--write-baseline=x", "--show-files"])
def test_wrong_use(other: str) -> None:
    result = CliRunner().invoke(cli, [".", "--watch", other])
    assert result.exit_code == 2 and "--watch" in result.stderr
    assert CliRunner().invoke(cli, ["-", "--watch"], input="").exit_code == 2
