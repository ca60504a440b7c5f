"""The worker as the server sees it: a process that is started when there is something to do, and anew when it has ended."""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import vglint
from vglint.server.message import Ended, Ending, Job, Message, Ready
from vglint.server.wire import CANCEL, HEAD, packed

_GRACE = 2.0
"""Seconds that a job has to end once it is cancelled; then its process is ended."""
_HOME = os.path.dirname(os.path.dirname(os.path.abspath(vglint.__file__)))
"""The folder that vglint lies in: where the worker starts, so that it imports nothing from the folder of the code under lint."""


class Worker:
    """One process, one job at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._is_cancelled = False
        self._is_busy = False
        self._jobs = 0

    async def run(self, job: Job, tell: Callable[[Message], None]) -> Ending:
        """Has a job done, and says how it ended: `lost` where the process did."""
        self._is_cancelled = False
        self._jobs += 1
        try:
            process = await self._started()
        except OSError:
            process = None
        if process is None:
            return self._gone()
        if self._is_cancelled:
            return "cancelled"
        self._is_busy = True
        try:
            return await self._done(process, job, tell)
        finally:
            self._is_busy = False

    async def _done(self, process: asyncio.subprocess.Process, job: Job, tell: Callable[[Message], None]) -> Ending:
        assert process.stdin is not None
        try:
            process.stdin.write(packed(job))
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return self._gone()
        while (message := await _read(process)) is not None:
            if isinstance(message, Ended):
                return message.how
            tell(message)
        return self._gone()

    def cancel(self) -> None:
        """Takes the worker off its job."""
        process = self._process
        if self._is_cancelled:
            return
        self._is_cancelled = True
        if process is None or not self._is_busy:
            return
        if CANCEL is None:
            _kill(process)
            return
        with suppress(ProcessLookupError):
            process.send_signal(CANCEL)
        number = self._jobs

        def insist() -> None:
            if self._jobs == number and self._is_busy and self._process is process:
                _kill(process)

        asyncio.get_running_loop().call_later(_GRACE, insist)

    def kill(self) -> None:
        """Ends the process."""
        if self._process is not None:
            _kill(self._process)

    async def close(self) -> None:
        """Ends the process, and waits until it has."""
        self.kill()
        if self._process is not None:
            await self._process.wait()

    async def _started(self) -> asyncio.subprocess.Process | None:
        """Returns the process once it takes jobs; None where it ends before."""
        if self._process is not None and self._process.returncode is None:
            return self._process
        path = [each for each in sys.path if each]
        code = f"import sys; sys.path[:] = {path!r}; from vglint.server.worker import main; main()"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_HOME,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        return self._process if isinstance(await _read(self._process), Ready) else None

    def _gone(self) -> Ending:
        self._process = None
        return "cancelled" if self._is_cancelled else "lost"


async def _read(process: asyncio.subprocess.Process) -> Message | None:
    """Returns the next message; None where the process has ended."""
    assert process.stdout is not None
    try:
        (size,) = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
        message: Message = pickle.loads(await process.stdout.readexactly(size))
    except asyncio.IncompleteReadError:
        await process.wait()
        return None
    return message


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
