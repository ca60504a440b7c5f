"""The one way to files: only regular ones are read, no more than a bounded part of them, and none is written through a link."""

from __future__ import annotations

import errno
import os
import stat

SOURCE = 5_000_000
"""Most bytes of a Python file; Python's own parser takes about a gigabyte for half of them."""
NOTEBOOK = 100_000_000
"""Most bytes of a notebook, whose outputs are not looked at; GitHub takes no larger file."""
TEXT = 1_000_000
"""Most bytes of a configuration, a rule or a file of patterns."""

_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_WRITE = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class Refused(OSError):
    """What vglint does not read or write, although the system might let it: `strerror` says why."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EINVAL, why)


def most_of(path: str | os.PathLike[str]) -> int:
    """Returns how many bytes are read of a file of code, by its suffix."""
    return NOTEBOOK if os.fspath(path).endswith(".ipynb") else SOURCE


def read(path: str | os.PathLike[str], most: int) -> bytes:
    """Returns a regular file's bytes. Raises OSError; Refused for a pipe, a socket, a device, and for more than `most` bytes.

    Below /dev, where nothing is unless the user names it (`/dev/stdin`, `<(command)`), a pipe or a terminal is read too.
    """
    return _read(path, most)[1]


def read_with_status(path: str | os.PathLike[str], most: int) -> tuple[os.stat_result, bytes]:
    """Returns what a file looked like just before it was read, and its bytes. Raises as `read` does."""
    return _read(path, most)


def _read(path: str | os.PathLike[str], most: int) -> tuple[os.stat_result, bytes]:
    asked_for = _is_device_path(path)
    if not asked_for:
        _need_regular(os.stat(path))  # before it is opened: opening a device may do something
    handle = os.open(path, _READ if asked_for else _READ | _NO_WAIT)
    with open(handle, "rb") as stream:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not asked_for:
            _need_regular(status)
        content = stream.read(most + 1) if status.st_size <= most else b""
    if status.st_size > most or len(content) > most:
        raise Refused(f"has more than {most // 1_000_000} MB, the most that is read of such a file")
    return status, content


def write(path: str | os.PathLike[str], content: bytes) -> None:
    """Replaces or makes a regular file. Raises OSError; Refused where the path is a link, or leads through one below the current folder.

    Devices below /dev are written to as they are: only the command line can name them.
    """
    asked_for = _is_device_path(path)
    if not asked_for and (link := link_on(path)) is not None:
        raise Refused(f"{link} is a link, and links are not written through")
    if not asked_for and os.path.lexists(path):
        _need_regular(os.lstat(path))
    handle = os.open(path, _WRITE if asked_for else _WRITE | _NO_WAIT | _NO_LINK, 0o666)
    with open(handle, "wb") as stream:
        if not asked_for:
            _need_regular(os.fstat(handle))
            stream.truncate(0)
        stream.write(content)


def link_on(path: str | os.PathLike[str], top: str | None = None) -> str | None:
    """Returns the first link on the way to a path below `top` (by default the current folder), or the path itself where it is one."""
    top = os.path.abspath(os.getcwd() if top is None else top)
    file = os.path.abspath(path)
    if is_below(file, top):
        current = top
        for part in os.path.relpath(file, top).split(os.sep):
            current = os.path.join(current, part)
            if _is_link(current):
                return current
    return file if _is_link(file) else None


def leads_out(path: str | os.PathLike[str]) -> str | None:
    """Returns where a path below the current folder really is, if that is not below it; for another path, if that is not in its folder."""
    file = os.path.abspath(path)
    top = os.getcwd() if is_below(file, os.getcwd()) else os.path.dirname(file)
    real = os.path.realpath(file)
    return None if is_below(real, os.path.realpath(top)) else real


def is_below(path: str, top: str) -> bool:
    """Whether an absolute path lies below an absolute folder, by name."""
    return os.path.normpath(path).startswith(os.path.normpath(top).rstrip(os.sep) + os.sep)


def _is_link(path: str) -> bool:
    return os.path.islink(path) or getattr(os.path, "isjunction", lambda path: False)(path)


def _is_device_path(path: str | os.PathLike[str]) -> bool:
    return os.path.abspath(path).startswith("/dev/")


def _need_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise Refused("is a pipe, a socket or a device, not a file")
