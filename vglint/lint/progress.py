"""How far a long run is, on a terminal: nothing in a pipe, nothing of a short one."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TextIO

_PATIENCE = 2.0
"""Seconds before anything is shown."""
_PAUSE = 0.2
"""Seconds between two lines."""


class Progress:
    """One line of standard error that is written over."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._done = 0
        self._begin = self._last = monotonic()
        self._width = 0
        try:
            self._shows = self._stream.isatty()
        except (AttributeError, ValueError):  # no stream, or one that is closed
            self._shows = False

    def advance(self, files: int) -> None:
        """Says that some more files are done."""
        self._done += files
        now = monotonic()
        if not self._shows or now - self._begin < _PATIENCE or now - self._last < _PAUSE:
            return
        self._last = now
        rate = self._done / (now - self._begin)
        self._write(f"{self._done} of {self._total} files, {rate:.1f} a second")

    def close(self) -> None:
        """Takes the line away."""
        if self._width:
            self._write("")
            self._stream.write("\r")
            self._stream.flush()

    def _write(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)
