"""Bytes to text."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path

from vglint.finding import Problem


def read(path: str, file: Path) -> str | Problem:
    """Returns a Python file's text, decoded by its coding line (PEP 263) or byte order mark, line ends as they are."""
    try:
        content = file.read_bytes()
    except OSError as error:
        return Problem(path, None, f"cannot be read: {error.strerror or error}")
    return decode(path, content)


def decode(path: str, content: bytes) -> str | Problem:
    """Returns the text of a Python file's bytes without byte order mark."""
    if b"\0" in content:
        return Problem(path, None, "is a binary file, not Python source")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except SyntaxError as error:
        return Problem(path, 1, f"has a coding line that cannot be followed: {error.msg}")
    except (UnicodeDecodeError, LookupError) as error:
        return Problem(path, None, f"cannot be decoded: {error}")
