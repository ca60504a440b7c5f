"""Runs one probe in a process of its own, so that nothing the code under test does can end or harm the caller.

The code runs on a copy of its source tree in a temporary folder, with no standard input, a reduced environment, bounded
time, memory, threads and file sizes; whatever it starts is ended with it. This protects against accidents, not against malice:
the process still has its user's rights.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vglint.probe.record import Inconclusive, Limits, Measured, Outcome, Request, measured_from, to_json

_SKIPPED = frozenset(
    {".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", "site-packages", "build", "dist", ".tox", ".nox"}
)
_COPIED = frozenset({".py", ".pyi", ".json", ".yaml", ".yml", ".toml", ".txt", ".cfg", ".ini", ".csv"})
_FILES, _FILE_BYTES, _TREE_BYTES = 5000, 1 << 20, 64 << 20
_KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_MARK = "VGLINT_PROBE"


def run_isolated(request: Request, limits: Limits | None = None) -> Outcome:
    """Returns what the probe measured, or why it could not: never raises on account of the code under test."""
    limits = limits or Limits()
    folder = Path(tempfile.mkdtemp(prefix="vglint-probe-"))
    token = secrets.token_hex(8)
    try:
        copy_tree(Path(request.root), Path(request.file), folder / "source")
        (folder / "work").mkdir()
        (folder / "home").mkdir()
        asked = {
            "request": to_json(request),
            "limits": [limits.memory, limits.threads, limits.file_size, limits.seconds],
        }
        (folder / "request.json").write_text(json.dumps(asked))
        return _run(folder, token, request, limits)
    except OSError as error:
        return Inconclusive(f"the probe's folder cannot be made: {error}")
    finally:
        _end_strays(token)
        shutil.rmtree(folder, ignore_errors=True)


def copy_tree(root: Path, file: Path, target: Path) -> None:
    """Copies the source files under `root`, small data beside them included, so that the code can do no harm to its own tree."""
    count, size = 0, 0
    for source in _files(root):
        length = source.stat().st_size
        if count >= _FILES or size + length > _TREE_BYTES:
            break
        place = target / source.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
        count, size = count + 1, size + length
    place = target / file
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, place)


def _files(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in _SKIPPED and not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if (
                path.suffix in _COPIED
                and path.is_file()
                and not path.is_symlink()
                and path.stat().st_size <= _FILE_BYTES
            ):
                yield path


def _run(folder: Path, token: str, request: Request, limits: Limits) -> Outcome:
    log = folder / "output.txt"
    boot = "import sys; sys.path[:] = {paths!r}; from vglint.probe.child import main; main()"
    paths = [path for path in sys.path if path]
    package = str(Path(__file__).resolve().parent.parent.parent)
    if package not in paths:
        paths.append(package)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-E", "-s", "-B", "-c", boot.format(paths=paths), str(folder)],
            cwd=folder / "work",
            env=_environment(folder, token, request, limits),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end_group(process)
    tail = _tail(log)
    if status is None:
        return Inconclusive(f"still running after {limits.seconds:g} s", tail)
    return _read(folder / "reply.json", status, tail)


def _environment(folder: Path, token: str, request: Request, limits: Limits) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    threads = str(limits.threads)
    bounds = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), threads
    )
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "WANDB_MODE": "disabled"}
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "work"), _MARK: token, "MPLBACKEND": "Agg"}
    hidden = {} if request.device.startswith("cuda") else {"CUDA_VISIBLE_DEVICES": ""}
    return {**kept, **bounds, **offline, **own, **hidden}


def _read(reply: Path, status: int, tail: str) -> Outcome:
    try:
        data: dict[str, Any] = json.loads(reply.read_text())
    except (OSError, ValueError):
        return Inconclusive(_ended(status), tail)
    if data.get("measured") is None:
        return Inconclusive(str(data.get("reason") or _ended(status)), tail)
    measured: Measured = measured_from(data["measured"])
    return measured


def _ended(status: int) -> str:
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        cause = {
            "SIGSEGV": "it crashed",
            "SIGKILL": "it was killed, probably for want of memory",
            "SIGXCPU": "it used up its processor time",
        }
        return f"the process ended by {name}" + (f": {cause[name]}" if name in cause else "")
    return f"the code ended its own process with status {status}"


def _tail(log: Path, size: int = 2000) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - size))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _end_group(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _end_strays(token: str) -> None:
    """Ends processes that left the group but still carry the probe's mark (Linux)."""
    mark = f"{_MARK}={token}".encode()
    for _ in range(3):
        strays = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if _marked(path, mark)]
        if not strays:
            return
        for pid in strays:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _marked(path: Path, mark: bytes) -> bool:
    try:
        return mark in path.read_bytes().split(b"\0")
    except OSError:
        return False
