"""Starts the children of probes and waits for them: forked from one server that has torch loaded, or each in a new interpreter."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

from msgspec import Struct, field
from msgspec.structs import asdict

from vglint.probe.record import Job

OVERTIME, CROWD, HUNGER = 101, 102, 103
_GRACE = 20.0
"""Seconds that the server may take to say that a job has ended."""


class Nursery(Struct):
    """Runs jobs while it lasts, several at once if several threads ask; its processes end with it, and with this process."""

    environment: dict[str, str]
    _process: subprocess.Popen[bytes] | None = None
    _waiting: dict[int, queue.SimpleQueue[int | None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __enter__(self) -> Nursery:
        if _forks():
            self._process = _started(f"from vglint.probe.server import serve; serve({os.getpid()})", self.environment)
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE)
            _end_group(self._process)

    def run(self, folder: Path, seconds: float, memory: int, environment: dict[str, str]) -> int:
        """Returns how the child of a folder ended: its status, 128 + signal, or why it was ended."""
        if self._process is None:
            return _alone(folder, seconds, environment)
        answer: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        with self._lock:
            job = Job(next(self._numbers), str(folder), seconds, memory, environment)
            self._waiting[job.number] = answer
            try:
                assert self._process.stdin is not None
                self._process.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
                self._process.stdin.flush()
            except (OSError, ValueError):
                answer.put(None)
        try:
            # torch is loaded before the first job starts, which is not the code's own time
            ended = answer.get(timeout=seconds + 10 * _GRACE)
        except queue.Empty:
            ended = OVERTIME
        return 100 if ended is None else ended

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            number, ended = json.loads(line)
            with self._lock:
                answer = self._waiting.pop(number, None)
            if answer is not None:
                answer.put(ended)
        with self._lock:
            left, self._waiting = self._waiting, {}
        for answer in left.values():
            answer.put(None)


def nursery() -> Nursery:
    """Returns a nursery whose server has the environment of a probe."""
    return Nursery(environment())


def environment() -> dict[str, str]:
    """Returns what a child knows of this process's environment."""
    kept = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "WANDB_MODE": "disabled", "MPLBACKEND": "Agg"}
    return {**{name: os.environ[name] for name in kept if name in os.environ}, **dict.fromkeys(threads, "1"), **offline}


def _forks() -> bool:
    return sys.platform.startswith("linux") and hasattr(signal, "sigtimedwait")


def _started(code: str, environment: dict[str, str], **options: object) -> subprocess.Popen[bytes]:
    package = str(Path(__file__).resolve().parent.parent.parent)
    paths = [path for path in sys.path if path and path != package]
    other = (place for place, path in enumerate(paths) if os.path.exists(os.path.join(path, "vglint", "__init__.py")))
    paths.insert(next(other, len(paths)), package)  # this very copy of vglint, before any other
    command = [sys.executable, "-E", "-s", "-B", "-c", f"import sys; sys.path[:] = {paths!r}; {code}"]
    settings: dict[str, object] = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.DEVNULL,
        "cwd": os.path.abspath(os.sep),
        **options,
    }
    return subprocess.Popen(command, env=environment, start_new_session=True, **settings)  # type: ignore[call-overload, no-any-return]


def _alone(folder: Path, seconds: float, environment: dict[str, str]) -> int:
    """Runs the child in an interpreter of its own, where there is no forking."""
    code = f"from pathlib import Path; from vglint.probe.child import run; run(Path({str(folder)!r}))"
    with (folder / "output.txt").open("wb") as output:
        process = _started(
            code,
            environment,
            cwd=folder / "work",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = OVERTIME
        finally:
            _end_group(process)
    return status if status >= 0 else 128 - status


def _end_group(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
