"""Runs a function in a forked child with a time and a memory limit: whatever it does, the caller goes on."""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
WAITING = 6


class Failed(Exception):
    """What became of a child that returned nothing: its exception's text, `timeout`, or how it died."""


def guarded(work: Callable[[], T], seconds: float, gigabytes: float = 6.0) -> T:
    """Returns what `work` returns in a child of this process, or raises Failed. The result must be picklable.

    `seconds` are of CPU; on the clock the child may take WAITING times as long, since the machine may be busy.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _serve(work, write, seconds, gigabytes)
    os.close(write)
    try:
        content = _drain(read, time.monotonic() + WAITING * seconds)
    finally:
        os.close(read)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if not content:
        out = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
        raise Failed("timeout" if out else f"died with status {status}")
    done, value = pickle.loads(content)
    if not done:
        raise Failed(value)
    return value  # type: ignore[no-any-return]


def _serve(work: Callable[[], T], write: int, seconds: float, gigabytes: float) -> None:
    limit = int(gigabytes * 2**30)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 5))
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        content = pickle.dumps((True, work()))
    except BaseException as error:
        content = pickle.dumps((False, f"{type(error).__name__}: {error}"[:500]))
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(write, view) :]
    finally:
        sys.stdout = sys.stderr = None  # type: ignore[assignment]
        os._exit(0)


def _drain(read: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([read], [], [], left)[0]:
            raise Failed("timeout")
        part = os.read(read, 1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)
