"""`--watch`: lints again when a file changes.

Files are looked at in turns, and not through the system's notices: that needs no other package, sees the same in containers and on drives of other
machines, and stays below a tenth of one processor, since the pause grows with what a look costs.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import click

from vglint.cli.output import tell
from vglint.cli.wrong import plain_errors
from vglint.report.summary import plural

Seen: TypeAlias = Mapping[str, tuple[int, int, int]]
_PAUSE = 0.3
"""Seconds between two looks, at least."""
_SHARE = 10
"""How many times as long as a look the pause is, at least."""


def watch(once: Callable[[], None], files: Callable[[], Iterable[str]]) -> None:
    """Calls `once` now and whenever one of the `files` changed, until the user interrupts; what goes wrong is shown, and watched on."""
    try:
        while True:
            before = _look(files)
            if sys.stdout.isatty():
                click.clear()
            try:
                plain_errors(once)()
            except click.ClickException as error:
                error.show()
            tell(f"watching {plural(len(before), 'file')}; Ctrl-C ends")
            _wait(files, before)
    except KeyboardInterrupt:
        tell("")


def _wait(files: Callable[[], Iterable[str]], before: Seen) -> None:
    """Returns when files are not as before, and have been left alone for one look: programs write in several steps."""
    last = before
    while True:
        start = time.monotonic()
        now = _look(files)
        if now != before and now == last:
            return
        last = now
        time.sleep(max(_PAUSE, _SHARE * (time.monotonic() - start)))


def _look(files: Callable[[], Iterable[str]]) -> Seen:
    found = {}
    try:
        names = list(files())
    except Exception:  # a configuration that is being written: its file changes once more
        names = []
    for file in names:
        try:
            status = os.stat(file)
        except OSError:
            continue
        found[file] = status.st_mtime_ns, status.st_size, status.st_ino
    return found
