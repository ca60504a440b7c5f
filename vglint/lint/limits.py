"""The most that one file may cost, as the system counts it: the last resort below the budgets of whoever computes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SECONDS = 20
"""Of processor time."""
MEMORY = 1 << 30
"""Bytes beyond what the process has when the file is begun."""
_GRACE = 5
"""Seconds after which a process that does not come to its senses (a long call of C code) is ended, where it may be."""


class OverLimit(BaseException):
    """A file costs more than it may; no Exception, so that nothing on the way takes it for a fault of the code under lint."""


@contextmanager
def limited(*, mortal: bool = False) -> Iterator[None]:
    """Raises OverLimit or MemoryError in what costs more; a `mortal` process ends where that cannot be raised.

    Outside the main thread, and on systems that do not count, nothing is bounded.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if (
        sys.platform == "win32" or not is_main or signal.getsignal(signal.SIGPROF) is _stop
    ):  # inside another one, that one counts
        yield
        return

    before = signal.signal(signal.SIGPROF, _stop)
    timer = signal.setitimer(signal.ITIMER_PROF, SECONDS, 1.0)
    try:
        size, time = _size(), int(_used() + SECONDS + _GRACE)
        with (
            _bounded("RLIMIT_AS", None if size is None else size + MEMORY),
            _bounded("RLIMIT_CPU", time if mortal else None),
        ):
            yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, *timer)
        signal.signal(signal.SIGPROF, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise OverLimit(f"more than {SECONDS} seconds")


@contextmanager
def _bounded(name: str, value: int | None) -> Iterator[None]:
    """Lowers a soft limit of this process for a while; never raises one."""
    import resource

    kind = getattr(resource, name, None)
    if kind is None or value is None:
        yield
        return
    soft, hard = resource.getrlimit(kind)
    lower = value if soft == resource.RLIM_INFINITY else min(value, soft)
    with suppress(OSError, ValueError):
        resource.setrlimit(kind, (lower, hard))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (soft, hard))


def _size() -> int | None:
    """Returns the bytes of address space that this process has; None where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:
            return int(stream.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    except (OSError, ValueError, IndexError):
        return None


def peak_memory() -> int:
    """Returns the most bytes that this process had at once; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << (0 if sys.platform == "darwin" else 10)


def _used() -> float:
    times = os.times()
    return times.user + times.system
