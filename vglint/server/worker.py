"""The worker: a process that takes jobs from its standard input, one at a time, and writes what it finds to its standard output.

A signal takes it off a job; where there is none (Windows), or where a job does not heed it, the server ends the process and starts another.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType

from vglint.rulebook import load
from vglint.server.analysis import done
from vglint.server.message import Ended, Ending, Job, Message, Ready
from vglint.server.wire import CANCEL, receive, send


class Cancelled(BaseException):
    """Newer text has come; no Exception, so that nothing on the way takes it for a fault of the code under lint."""


def main() -> None:
    """Serves until the standard input ends."""
    given, taken = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not be taken for a message
    state = _State()
    if CANCEL is not None:
        signal.signal(CANCEL, state.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt in a terminal is the server's to answer
    with suppress(BrokenPipeError):
        load()
        gc.disable()
        send(taken, Ready())
        while (job := receive(given)) is not None:
            _serve(job, state, lambda message: send(taken, message))
            gc.collect()


class _State:
    """Whether a job is running that may be cancelled."""

    is_running = False

    def stop(self, number: int, frame: FrameType | None) -> None:
        if self.is_running:
            self.is_running = False
            raise Cancelled


def _serve(job: Job, state: _State, tell: Callable[[Message], None]) -> None:
    """Does a job to its last message."""
    bounds = _bounds()
    how: Ending = "done"
    try:
        messages = done(job)
        while (message := _next(messages, state)) is not None:
            tell(message)
    except Cancelled:
        how = "cancelled"
    except BrokenPipeError:
        raise
    except Exception as error:  # a fault of vglint's own: the server goes on
        print(f"vglint server: {type(error).__name__}: {error}", file=sys.stderr)
        how = "lost"
    _restore(bounds)
    tell(Ended(how))


def _next(messages: Iterator[Message], state: _State) -> Message | None:
    """Returns the next message; only while it is being found out, the job may be cancelled."""
    try:
        state.is_running = True
        return next(messages, None)
    finally:
        state.is_running = False


def _bounds() -> tuple[tuple[int, int], ...]:
    """Returns what this process may use."""
    if sys.platform == "win32":
        return ()
    import resource

    return tuple(resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU))


def _restore(bounds: tuple[tuple[int, int], ...]) -> None:
    """Takes away the bounds of a file from whose middle the worker was called off."""
    if sys.platform == "win32":
        return
    import resource

    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    for kind, bound in zip((resource.RLIMIT_AS, resource.RLIMIT_CPU), bounds, strict=True):
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, bound)
