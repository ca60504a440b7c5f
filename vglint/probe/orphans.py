"""Processes that must not outlive the probe: what Linux offers to tie them to their parent, and to find and end them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_CLONE_NEWUSER, _CLONE_NEWPID = 0x10000000, 0x20000000


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Asks the kernel to send this process a signal when its parent ends; ends it at once where that has happened already."""
    if _prctl(_PR_SET_PDEATHSIG, number) and os.getppid() not in (parent, 0):
        os._exit(1)


def adopt_orphans() -> bool:
    """Makes this process the parent of all processes below it whose own parent ends."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def own_namespace() -> bool:
    """Makes the next child of this process the first process of a namespace of its own: when it ends, the kernel ends all others in it."""
    libc, user, group = _libc(), os.getuid(), os.getgid()
    if libc is None:
        return False
    if libc.unshare(_CLONE_NEWPID) == 0:
        return True
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWPID) != 0:
        return False
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with contextlib.suppress(OSError):
            Path("/proc/self", name).write_text(text)
    return True


def below(root: int) -> dict[int, int]:
    """Returns the processes below one, each with its resident bytes."""
    parents: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    for process, parent, size in _processes():
        parents.setdefault(parent, []).append(process)
        sizes[process] = size
    found: dict[int, int] = {}
    waiting = [root]
    while waiting:
        for process in parents.get(waiting.pop(), ()):
            if process not in found:
                found[process] = sizes[process]
                waiting.append(process)
    return found


def end_below(root: int) -> None:
    """Kills everything below a process, those included that are born meanwhile."""
    for _ in range(1000):
        _reap()
        found = below(root)
        if not found:
            return
        for process in found:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _processes() -> Iterator[tuple[int, int, int]]:
    """Yields each process that is alive, its parent, and its resident bytes."""
    page = os.sysconf("SC_PAGE_SIZE")
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if len(fields) > 21 and fields[0] not in "ZX":
            yield int(path.parent.name), int(fields[1]), int(fields[21]) * page


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def _prctl(option: int, value: int) -> bool:
    libc = _libc()
    return libc is not None and libc.prctl(option, value, 0, 0, 0) == 0
