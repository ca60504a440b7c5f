"""The probe's own process: reads a request, trains the model, writes a reply. `vglint.probe.isolate` reads it."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

from vglint.probe.decoding import decoded
from vglint.probe.record import Limits, Measured, Order, Reply, Request, to_json


class RefusedError(Exception):
    """The probe cannot be carried out; the text says why."""


def run(folder: Path) -> None:
    """Carries out the order in a folder, writes the reply there, and ends the process."""
    order = decoded((folder / "request.json").read_bytes(), Order)
    owner, forks = os.getpid(), [0]
    _guard_forks(forks)
    source, memory = folder / "source", order.limits.memory
    try:
        measured = _measure(order.request, source, order.limits)
        reply = Reply(measured) if not forks[0] else Reply(None, "the code starts processes of its own (fork)")
    except RefusedError as refusal:
        reply = Reply(None, str(refusal))
    except SystemExit as error:
        reply = Reply(None, f"the code calls sys.exit({error.code!r})")
    except KeyboardInterrupt:
        reply = Reply(None, "the code raises KeyboardInterrupt")
    except MemoryError:
        reply = Reply(None, _memory(memory))
    except BaseException as error:
        traceback.print_exc()
        reply = Reply(None, _reason(error, source, memory))
    if os.getpid() == owner:
        text = json.dumps(to_json(reply), default=str)
        (folder / "reply.part").write_text(text)
        os.replace(folder / "reply.part", folder / "reply.json")
    os._exit(0)  # threads and exit handlers of the code under test have no say


def _measure(request: Request, source: Path, limits: Limits) -> Measured:
    try:
        import torch
    except ImportError:
        raise RefusedError("PyTorch is not installed: pip install 'vglint[probe]'") from None
    torch.set_num_threads(limits.threads)
    _limit(limits, request.device)
    return carry_out(request, source)


def carry_out(request: Request, source: Path) -> Measured:
    """Returns what the request measures on the tree in `source`, in this process; raises what the code raises."""
    from vglint.probe.rehearsal import NoTrainingError, rehearse
    from vglint.probe.script import without_progress
    from vglint.probe.session import probe_request

    if not request.training:
        with without_progress():
            return probe_request(request, source)
    try:
        return rehearse(request, source)
    except NoTrainingError as refusal:
        raise RefusedError(str(refusal)) from None


def _limit(limits: Limits, device: str) -> None:
    """Bounds memory, file sizes, processor time and core dumps where the platform can; CUDA reserves more addresses than any bound."""
    try:
        import resource
    except ImportError:
        return
    wanted = [
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, int(limits.seconds * max(limits.threads, 1)) + 1),
    ]
    if sys.platform.startswith("linux") and device == "cpu":
        wanted.append((resource.RLIMIT_AS, limits.memory))
    for kind, bound in wanted:
        _, hard = resource.getrlimit(kind)
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        try:
            resource.setrlimit(kind, (bound, bound))
        except (ValueError, OSError):
            continue


def _guard_forks(count: list[int]) -> None:
    """Ends forked children at once, so that a fork bomb fizzles out, and counts them."""
    if not hasattr(os, "register_at_fork"):
        return

    def counted() -> None:
        count[0] += 1

    os.register_at_fork(after_in_child=lambda: os._exit(0), after_in_parent=counted)


def _memory(limit: int) -> str:
    return f"out of memory: more than {limit / (1 << 30):g} GiB are needed"


def _reason(error: BaseException, source: Path, limit: int) -> str:
    """Returns what was raised, and the last line of the user's code on the way to it."""
    text = " ".join(str(error).split())
    if "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text:
        return _memory(limit)
    if isinstance(error, EOFError) and text in ("", "EOF when reading a line"):
        text = "the code reads standard input"
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(str(source)):
            where = f" at {Path(frame.filename).relative_to(source).as_posix()}:{frame.lineno}"
    return f"{type(error).__name__}: {text[:300]}{where}"
