"""Work in several processes, where the end of one process costs one piece of work and not the run."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")
Task = TypeVar("Task")


CHEAP = sys.platform.startswith("linux")
"""Whether a process costs some milliseconds: then all work is done in one that may end without ending the run. fork keeps what is imported
and read; where it is not safe (macOS) or not there (Windows), processes start anew."""


def processors() -> int:
    """Returns how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def batches(items: Sequence[Item], sizes: Sequence[int], most: int) -> list[list[Item]]:
    """Returns neighbours together, each batch about `most` in size and never empty."""
    made: list[list[Item]] = []
    room = 0
    for item, size in zip(items, sizes, strict=True):
        if not made or room < size:
            made.append([])
            room = most
        made[-1].append(item)
        room -= size
    return made


def spread(
    work: Callable[[Sequence[Item]], Result],
    pieces: Sequence[Sequence[Item]],
    jobs: int,
    lost: Callable[[Item], Result],
    begin: Callable[[Task], None],
    task: Task,
) -> Iterator[Result]:
    """Yields `work(piece)` for each piece in any order, in `jobs` processes that have done `begin(task)`.

    When a process dies, what was unfinished is done again item by item; an item that a process dies of yields `lost(item)`.
    """
    from concurrent.futures import as_completed
    from concurrent.futures.process import BrokenProcessPool

    unfinished = set(range(len(pieces)))
    with _pool(min(jobs, len(pieces)), begin, task) as pool:
        with _uninterrupted():
            waiting = {pool.submit(work, piece): position for position, piece in enumerate(pieces)}
        for future in as_completed(waiting):
            try:
                result = future.result()
            except BrokenProcessPool:
                break
            unfinished.discard(waiting[future])
            yield result
    left = [item for position in sorted(unfinished) for item in pieces[position]]
    while left:
        with _pool(1, begin, task) as pool:
            try:
                while left:
                    with _uninterrupted():
                        future = pool.submit(work, [left[0]])
                    yield future.result()
                    del left[0]
            except BrokenProcessPool:
                yield lost(left.pop(0))


@contextmanager
def _pool(jobs: int, begin: Callable[[Task], None], task: Task) -> Iterator[ProcessPoolExecutor]:
    """Yields processes that have done `begin(task)`; when the caller goes, what has not been begun is not done."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("fork" if CHEAP else "spawn")
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(begin, task))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(begin: Callable[[Task], None], task: Task) -> None:
    gc.freeze()  # what the caller made is shared with it until it is touched: the collector has nothing to look for there
    begin(task)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Keeps Ctrl-C until the block is done: a pool that is interrupted while it starts processes forgets them, and they wait for ever."""
    if threading.current_thread() is not threading.main_thread() or not callable(signal.getsignal(signal.SIGINT)):
        yield
        return
    came = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)
