"""The process that has torch loaded and forks one child for each probe; its parent is `vglint.probe.nursery`.

    vglint ── server ── keeper ── first ── child       (Linux)

The keeper bounds time, memory and number of processes. `first` is the first process of a namespace of its own where the kernel allows one, else it
adopts orphans: either way nothing that the code starts outlives it, whatever session or environment it hides in. Each process dies with its parent.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from msgspec import Struct

from vglint.probe import child
from vglint.probe.orphans import adopt_orphans, below, die_with_parent, end_below, own_namespace
from vglint.probe.record import Job

MOST = 64
"""Processes of one probe."""
OVERTIME, CROWD, HUNGER = 101, 102, 103
"""What the keeper exits with beside the child's own status (0 to 100) and 128 + signal."""
_LOADED = (
    "torch",
    "torch._dynamo",
    "torch.utils.data",
    "vglint.probe.session",
    "vglint.probe.rehearsal",
    "numpy",
)


class _Running(Struct, frozen=True):
    job: Job
    keeper: int


def serve(parent: int) -> None:
    """Reads jobs from standard input, one a line, until it ends; writes a line for each that has ended."""
    die_with_parent(parent, signal.SIGTERM)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    adopt_orphans()
    for name in _LOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    running: dict[int, _Running] = {}
    try:
        _loop(read, running)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for keeper in running:
            with contextlib.suppress(OSError):
                os.kill(keeper, signal.SIGKILL)
        end_below(os.getpid())
        for one in running.values():
            shutil.rmtree(one.job.folder, ignore_errors=True)
        os._exit(0)


def _loop(wake: int, running: dict[int, _Running]) -> None:
    text = b""
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            _report(running)
        if 0 in ready:
            data = os.read(0, 1 << 16)
            if not data:
                return
            *lines, text = (text + data).split(b"\n")
            for line in lines:
                job = Job(**json.loads(line))
                keeper = _forked(job)
                running[keeper] = _Running(job, keeper)


def _report(running: dict[int, _Running]) -> None:
    for keeper in tuple(running):
        process, status = os.waitpid(keeper, os.WNOHANG)
        if process:
            ended = os.waitstatus_to_exitcode(status)
            os.write(1, json.dumps([running.pop(keeper).job.number, ended]).encode() + b"\n")


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit


def _forked(job: Job) -> int:
    parent = os.getpid()
    keeper = os.fork()
    if keeper == 0:
        status = 100
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
            _redirect(job)
            status = _keep(job, parent)
        finally:
            os._exit(status)
    return keeper


def _keep(job: Job, parent: int) -> int:
    """Returns how the child ended; ends it where it takes too long, too much, or too many."""
    os.setsid()
    die_with_parent(parent)
    adopt_orphans()
    keeper, alone = os.getpid(), own_namespace()
    first = os.fork()
    if first == 0:
        _first(job, keeper, alone)
    deadline, status = time.monotonic() + job.seconds, 0
    while not status:
        with contextlib.suppress(InterruptedError):
            signal.sigtimedwait({signal.SIGCHLD}, 0.1)
        process, raw = os.waitpid(first, os.WNOHANG)
        if process:
            code = os.waitstatus_to_exitcode(raw)
            end_below(keeper)
            return code if code >= 0 else 128 - code
        processes = below(keeper)
        if time.monotonic() > deadline:
            status = OVERTIME
        elif len(processes) > MOST:
            status = CROWD
        elif len(processes) > 3 and sum(processes.values()) > job.memory:
            status = HUNGER
    with contextlib.suppress(OSError):
        os.kill(first, signal.SIGKILL)
    end_below(keeper)
    return status


def _first(job: Job, keeper: int, alone: bool) -> None:
    """Starts the child, waits for it, and ends with its status and everything that it has left behind."""
    status = 100
    try:
        die_with_parent(keeper)
        if not alone:
            adopt_orphans()
        first, worker = os.getpid(), os.fork()
        if worker == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            die_with_parent(first)
            child.run(Path(job.folder))
        while True:
            process, raw = os.wait()
            if process == worker:
                break
        code = os.waitstatus_to_exitcode(raw)
        status = min(code, 100) if code >= 0 else 128 - code
        if not alone:
            end_below(first)
    finally:
        os._exit(status)


def _redirect(job: Job) -> None:
    """Gives the process the job's environment and folder, no standard input, a file for what it prints, and none of the server's files."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    output = os.open(os.path.join(job.folder, "output.txt"), flags, 0o600)
    for number, file in ((0, nothing), (1, output), (2, output)):
        os.dup2(file, number)
    os.closerange(3, 1024)
    os.environ.clear()
    os.environ.update(job.environment)
    os.chdir(os.path.join(job.folder, "work"))
    sys.argv[:] = ["probe"]
