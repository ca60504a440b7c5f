"""Bytes to text."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path

from msgspec import Struct

from vglint import disk
from vglint.finding import Problem


class Text(Struct, frozen=True):
    """A file's decoded text with its line ends as they are, and the codec that turns it back into the same bytes."""

    text: str
    encoding: str


def read(path: str, file: Path) -> bytes | Problem:
    """Returns a file's bytes, or why there are none."""
    try:
        return disk.read(file, disk.most_of(file))
    except disk.Refused as error:
        return Problem(path, None, str(error.strerror))
    except (OSError, ValueError) as error:
        return Problem(path, None, f"cannot be read: {(getattr(error, 'strerror', None) or str(error)).lower()}")


def decode(path: str, content: bytes) -> Text | Problem:
    """Returns the text of Python source, decoded by its byte order mark or coding line (PEP 263), else as UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem(path, None, "is UTF-16, which Python does not read: save it as UTF-8")
    if b"\0" in content:
        return Problem(path, None, "is binary, not Python source")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        if encoding in _SLOW:
            return Problem(path, 1, f"cannot be decoded: nobody writes Python in {encoding}")
        return Text(content.decode(encoding), encoding)
    except UnicodeDecodeError as error:
        return _undecodable(path, error)
    except SyntaxError as error:
        if not str(error).startswith("invalid or missing"):
            return Problem(path, 1, f"cannot be decoded: {error.msg}")
    except (UnicodeError, LookupError) as error:
        return Problem(path, 1, f"cannot be decoded: {error}")
    try:
        return Text(content.decode(), "utf-8")
    except UnicodeDecodeError as error:
        return _undecodable(path, error)


_SLOW = frozenset({"punycode", "idna"})
"""Codecs of host names, whose time grows with the square of the length."""


def _undecodable(path: str, error: UnicodeDecodeError) -> Problem:
    line = error.object.count(b"\n", 0, error.start) + 1
    byte = error.object[error.start]
    return Problem(
        path, line, f"byte 0x{byte:02x} is not {error.encoding}: a coding line must name the file's encoding"
    )
