"""Work in several processes, where the end of one process costs one piece of work and not the run."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


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
    work: Callable[[list[Item]], Result],
    pieces: Sequence[list[Item]],
    jobs: int,
    lost: Callable[[Item], Result],
) -> Iterator[Result]:
    """Yields `work(piece)` for each piece in any order, in `jobs` processes.

    When a process dies, what was unfinished is done again item by item; an item that a process dies of yields `lost(item)`.
    """
    from concurrent.futures.process import BrokenProcessPool

    unfinished = list(range(len(pieces)))
    with _pool(min(jobs, len(pieces))) as pool:
        waiting = {pool.submit(work, piece): position for position, piece in enumerate(pieces)}
        from concurrent.futures import as_completed

        for future in as_completed(waiting):
            try:
                result = future.result()
            except BrokenProcessPool:
                break
            unfinished.remove(waiting[future])
            yield result
    for position in unfinished:
        yield from _one_by_one(work, pieces[position], lost)


def _one_by_one(
    work: Callable[[list[Item]], Result], piece: Sequence[Item], lost: Callable[[Item], Result]
) -> Iterator[Result]:
    from concurrent.futures.process import BrokenProcessPool

    for item in piece:
        with _pool(1) as pool:
            try:
                yield pool.submit(work, [item]).result()
            except BrokenProcessPool:
                yield lost(item)


def _pool(jobs: int):  # type: ignore[no-untyped-def]
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # fork keeps what is imported and read; where it is not safe (macOS) or not there (Windows), processes start anew
    method = "fork" if sys.platform.startswith("linux") else "spawn"
    gc.freeze()
    return ProcessPoolExecutor(jobs, multiprocessing.get_context(method))
