"""Runs one probe in processes of its own, so that nothing the code under test does can end or harm the caller.

The code runs on a copy of its source tree in a temporary folder, with no standard input, a reduced environment, bounded
time, memory, threads, processes and file sizes; whatever it starts is ended with it. Its reply is not trusted. This protects against
accidents, not against malice: the processes still have their user's rights.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

from vglint.probe.decoding import MalformedError, decoded, plain, read_regular
from vglint.probe.nursery import CROWD, HUNGER, OVERTIME, Nursery, environment, nursery
from vglint.probe.record import Inconclusive, Limits, Measured, Order, Outcome, Reply, Request, to_json
from vglint.probe.tree import copy_tree


def run_isolated(request: Request, limits: Limits | None = None, within: Nursery | None = None) -> Outcome:
    """Returns what the probe measured, or why it could not: never raises on account of the code under test.

    Several probes share the server of a nursery; without one, torch is loaded for this probe alone.
    """
    limits = limits or Limits()
    if within is None:
        with nursery() as own:
            return run_isolated(request, limits, own)
    folder = Path(tempfile.mkdtemp(prefix="vglint-probe-"))
    try:
        copy_tree(Path(request.root), Path(request.file), folder / "source")
        (folder / "work").mkdir()
        (folder / "home").mkdir()
        (folder / "request.json").write_text(json.dumps(to_json(Order(request, limits))))
        ended = within.run(folder, limits.seconds, limits.memory, _environment(folder, request, limits))
        return _outcome(folder, ended, limits)
    except OSError as error:
        return Inconclusive(f"the probe's folder cannot be made: {plain(str(error))}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, request: Request, limits: Limits) -> dict[str, str]:
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "work")}
    hidden = {} if request.device.startswith("cuda") else {"CUDA_VISIBLE_DEVICES": ""}
    return {**environment(), **own, **hidden, "OMP_NUM_THREADS": str(limits.threads)}


def _outcome(folder: Path, ended: int, limits: Limits) -> Outcome:
    tail = _tail(folder / "output.txt")
    reasons = {
        OVERTIME: f"still running after {limits.seconds:g} s",
        CROWD: "the code starts more than 60 processes",
        HUNGER: f"out of memory: the code's processes take more than {limits.memory / (1 << 30):g} GiB together",
    }
    if ended in reasons:
        return Inconclusive(reasons[ended], tail)
    try:
        text = read_regular(folder / "reply.json")
    except OSError:
        return Inconclusive(_ended(ended), tail)
    try:
        reply = decoded(text, Reply)
    except MalformedError as error:
        return Inconclusive(f"the code's process sent a malformed reply: {error}", tail)
    measured: Measured | None = reply.measured
    return measured if measured is not None else Inconclusive(reply.reason or _ended(ended), tail)


def _ended(status: int) -> str:
    if status > 128:
        try:
            name = signal.Signals(status - 128).name
        except ValueError:
            name = f"signal {status - 128}"
        cause = {
            "SIGSEGV": "it crashed",
            "SIGKILL": "it was killed, probably for want of memory",
            "SIGXCPU": "it used up its processor time",
        }
        return f"the process ended by {name}" + (f": {cause[name]}" if name in cause else "")
    return f"the code ended its own process with status {status}"


def _tail(log: Path, size: int = 2000) -> str:
    with contextlib.suppress(OSError), log.open("rb") as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - size))
        return plain(stream.read(size).decode("utf-8", "replace"))
    return ""
