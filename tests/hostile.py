"""What hostile repositories are made of, and the bound that no test of them may pass."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SECONDS = 20.0
"""CPU time that one file may take; what is tested here takes a hundredth of it, so that a slow machine changes nothing."""


class Hang(BaseException):
    """Not an Exception, so that nothing below can swallow it."""


@contextmanager
def bounded(seconds: float = SECONDS) -> Iterator[None]:
    """Ends what takes more CPU time."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
