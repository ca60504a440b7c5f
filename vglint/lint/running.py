"""Runs requests, as many at once as processors and memory allow, each once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock

from msgspec import Struct, field

from vglint.probe import Inconclusive, Limits, Measured, Outcome, Request, run_isolated
from vglint.probe.nursery import Nursery

NOTHING = Inconclusive("there is nothing to run")


class Runner(Struct):
    """Runs requests in a nursery and keeps what came of each."""

    nursery: Nursery
    _known: dict[str, Future[Outcome]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def first_measured(self, requests: Sequence[Request], limits: Limits) -> tuple[Outcome, Request | None]:
        """Returns what the first request that can be measured comes to, else the last one's reason."""
        outcome: Outcome = NOTHING
        used: Request | None = None
        for request in requests:
            found = self.run(request, limits)
            if outcome is NOTHING or isinstance(found, Measured):
                outcome, used = found, request
            if isinstance(found, Measured):
                break
        return outcome, used

    def run(self, request: Request, limits: Limits) -> Outcome:
        """Returns what a request comes to; a second one of the same waits for the first."""
        key = repr((request, limits))
        with self._lock:
            future = self._known.get(key)
            mine = future is None
            if future is None:
                future = self._known[key] = Future()
        if mine:
            try:
                future.set_result(run_isolated(request, limits, self.nursery))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()


def pool(memory: int) -> ThreadPoolExecutor:
    """Returns threads for as many probes as there are processors, and as have `memory` bytes each."""
    return ThreadPoolExecutor(at_once(memory))


def at_once(
    memory: int, processors: Callable[[], int] | None = None, available: Callable[[], int] | None = None
) -> int:
    """Returns how many probes of `memory` bytes may run together: at least one."""
    return max(1, min((processors or _processors)(), (available or _available)() // max(memory, 1)))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _available() -> int:
    """Returns the bytes of memory that are free; where the system does not tell, enough for two."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return 8 << 30
