"""Statements as nodes from run to run: a statement that was read once is not parsed again, wherever it stands in its file."""

from __future__ import annotations

import sys
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

import msgspec

from vglint import seal
from vglint.source.code import Statement
from vglint.source.parse import parsed

_ROOM = 65_536
_SHARE = 8
"""Bytes of nodes that are kept for each character of a file, beside `_ROOM`: twice what is in use."""


class Store:
    """What is known of the files of a project, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bundles: dict[str, Bundle] = {}

    def bundle(self, file: str) -> Bundle:
        """Returns what is known of the file at an absolute path."""
        if file not in self._bundles:
            self._bundles[file] = Bundle(self._folder, file)
        return self._bundles[file]

    def save(self) -> None:
        """Writes what is new, and lets go of what was read."""
        for bundle in self._bundles.values():
            bundle.save()


class Bundle:
    """The statements of one file, by content."""

    def __init__(self, folder: Path, file: str) -> None:
        self._folder = folder
        path = file.encode("utf-8", "surrogatepass")
        self._name = f"code-{blake2b(path, digest_size=16).hexdigest()}.vglint"
        self._known: dict[bytes, bytes] | None = None
        self._asked: dict[bytes, bytes] = {}
        self._size = 0
        self._is_new = False

    def body(self, text: str, deep: bool) -> tuple[Statement, ...]:
        """Returns the nodes of a statement, as `parsed` does."""
        self._size += len(text)
        label = blake2b(
            text.encode("utf-8", "surrogatepass"), digest_size=16, key=_version(), salt=b"\1" if deep else b""
        )
        digest = label.digest()
        if self._known is None:
            self._known = self._read()
        held = self._asked.get(digest) or self._known.get(digest)
        if held is not None:
            try:
                nodes = _decoder().decode(held)
            except (msgspec.DecodeError, ValueError, RecursionError):
                pass
            else:
                self._asked[digest] = held
                return nodes
        nodes = parsed(text, deep)
        try:
            self._asked[digest] = msgspec.msgpack.encode(nodes)
        except (ValueError, OverflowError, RecursionError):  # half a surrogate pair, or nested too deeply to be written
            return nodes
        self._is_new = True
        return nodes

    def save(self) -> None:
        """Writes what is known where some of it is new: what was asked for, and some of the rest."""
        if self._is_new:
            content = dict(self._asked)
            room = _ROOM + _SHARE * self._size
            for digest, held in self._read().items():  # anew: another process may have written since
                room -= len(held)
                if room < 0:
                    break
                content.setdefault(digest, held)
            seal.write(self._folder, self._name, msgspec.msgpack.encode(content))
        self._known, self._asked, self._size, self._is_new = None, {}, 0, False

    def _read(self) -> dict[bytes, bytes]:
        content = seal.read(self._folder, self._name)
        if content is None:
            return {}
        try:
            return msgspec.msgpack.decode(content, type=dict[bytes, bytes])
        except (msgspec.DecodeError, ValueError):
            return {}


@cache
def _decoder() -> msgspec.msgpack.Decoder[tuple[Statement, ...]]:
    return msgspec.msgpack.Decoder(tuple[Statement, ...])


@cache
def _version() -> bytes:
    """Stands for everything that decides which nodes a text gives."""
    here = Path(__file__).parent
    label = blake2b(repr((sys.version_info[:2], _libcst())).encode(), digest_size=32)
    for path in (
        here / "parse.py",
        *sorted(here.glob("code/*.py")),
        *sorted(here.glob("lowering/*.py")),
        *sorted(here.glob("native/*.py")),
    ):
        label.update(path.read_bytes())
    return label.digest()


def _libcst() -> list[str]:
    """Returns the folders of the installed libcst, whose names hold its version; asking for that takes longer than what it decides."""
    spec = find_spec("libcst")
    around = Path(spec.origin).parent.parent if spec is not None and spec.origin else None
    return [] if around is None else sorted(path.name for path in around.glob("libcst*"))
