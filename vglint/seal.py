"""Files that vglint keeps for itself: believed only where a key of the user's sealed them, so that none comes with a repository."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from time import time

from vglint import disk
from vglint.regex import regex

NAME = regex(r"(?:findings|code|rules)-[0-9a-f]{32}\.vglint")
"""The form of every name that is read, written over or removed."""
MOST = 200_000_000
"""Most bytes of one file that is read."""
AGE = 30 * 86_400
"""Seconds for which a file is kept that nothing reads."""
SIZE = 1_000_000_000
"""Bytes that one folder keeps."""
KEY = "VGLINT_CACHE_KEY"
"""Names the variable that stands for the user's key where several machines share what they keep."""

_MARK = b"vglint\x001"
_SEAL = 32
_DAY = 86_400


def read(folder: Path, name: str) -> bytes | None:
    """Returns what was kept under a name; None where nothing was, or where what lies there was not sealed by this user."""
    secret = key()
    if secret is None or not _is_ours(folder):
        return None
    path = folder / name
    try:
        handle = os.open(path, _flags(os.O_RDONLY))
        with open(handle, "rb") as stream:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_size > MOST:
                return None
            content = stream.read(MOST + 1)
    except OSError:
        return None
    start = len(_MARK) + _SEAL
    body = content[start:]
    if content[:start] != _MARK + _sealed(secret, name, body):
        return None
    if status.st_mtime < time() - _DAY:
        with suppress(OSError):
            os.utime(path)
    return body


def write(folder: Path, name: str, body: bytes) -> None:
    """Keeps bytes under a name in one step; a folder that cannot be written to is no fault."""
    secret = key()
    if secret is None or len(body) > MOST or disk.link_on(folder) is not None:
        return
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        for label, text in (
            (".gitignore", b"*\n"),
            ("CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55\n"),
        ):
            if not os.path.lexists(folder / label):
                _made(folder / label, text)
        partial = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            _made(partial, _MARK + _sealed(secret, name, body) + body)
            os.replace(partial, folder / name)  # a link of that name is replaced, not followed
        finally:
            partial.unlink(missing_ok=True)


def prune(folder: Path, everything: bool = False) -> int:
    """Removes what was not read for long, and the longest unread beyond the size, or everything; returns how many files went."""
    found: list[tuple[float, int, str]] = []
    if not _is_ours(folder):
        return 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                found.append((status.st_mtime, status.st_size, entry.path))
    gone = held = 0
    oldest = time() - AGE
    for read_at, size, path in sorted(found, reverse=True):
        held += size
        if everything or read_at < oldest or held > SIZE:
            with suppress(OSError):
                os.unlink(path)
                gone += 1
    return gone


@cache
def key() -> bytes | None:
    """Returns the user's key, which is made when it is first asked for; None where there is no place for one that only the user can read."""
    if given := os.environ.get(KEY):
        return blake2b(given.encode("utf-8", "surrogateescape"), digest_size=32).digest()
    path = _state() / "key"
    for _ in range(2):
        with suppress(OSError):
            handle = os.open(path, _flags(os.O_RDONLY))
            with open(handle, "rb") as stream:
                status = os.fstat(handle)
                secret = stream.read(33) if stat.S_ISREG(status.st_mode) else b""
            return secret if len(secret) == 32 and _is_private(status) else None
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = path.parent / f".key.{os.getpid()}.{secrets.token_hex(4)}"
            try:
                _made(partial, secrets.token_bytes(32))
                os.link(partial, path)  # fails where another process was first
            finally:
                partial.unlink(missing_ok=True)
    return None


def _state() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or os.path.expanduser("~")) / "vglint"
    return Path(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")) / "vglint"


def _is_private(status: os.stat_result) -> bool:
    """Whether a file is the user's and nobody else's to read."""
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o077)


def _is_ours(folder: Path) -> bool:
    return disk.link_on(folder) is None and folder.is_dir()


def _made(path: Path, content: bytes) -> None:
    handle = os.open(path, _flags(os.O_WRONLY | os.O_CREAT | os.O_EXCL), 0o600)
    with open(handle, "wb") as stream:
        stream.write(content)


def _flags(how: int) -> int:
    """Returns flags that follow no link and wait for no pipe."""
    for more in ("O_CLOEXEC", "O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"):
        how |= getattr(os, more, 0)
    return how


def _sealed(secret: bytes, name: str, body: bytes) -> bytes:
    return blake2b(name.encode() + b"\0" + body, digest_size=_SEAL, key=secret).digest()
