"""Whatever text comes, reading, interpreting and linting it neither raises nor hangs.

`VGLINT_EXAMPLES=5000 pytest tests/test_robust.py` looks longer and elsewhere each time.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, given, settings
from mutations import mutated, programs

from vglint.finding import Problem
from vglint.graph import Graph
from vglint.interp import entries
from vglint.source.project import Project

EXAMPLES = int(os.environ.get("VGLINT_EXAMPLES", "0"))
SECONDS = 20.0
"""CPU time that one text of a few kilobytes may take; the slowest known takes a tenth."""

FEW = settings(
    max_examples=EXAMPLES or 60,
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class Hang(BaseException):
    """Not an Exception, so that nothing below can swallow it."""


@contextmanager
def bounded(seconds: float = SECONDS) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def interpreted(text: str) -> tuple[Graph, ...]:
    project = Project(Path.cwd())
    module = project.add("mutant.py", text)
    if isinstance(module, Problem):
        assert module.message
        return ()
    return entries(project, module)


@given(mutated())
@FEW
def test_interpreting_mutants(text: str) -> None:
    with bounded():
        for graph in interpreted(text):
            str(graph)


@given(programs())
@FEW
def test_interpreting_programs(text: str) -> None:
    with bounded():
        for graph in interpreted(text):
            str(graph)


def test_bound_can_fail() -> None:
    with pytest.raises(Hang), bounded(0.05):
        while True:
            pass
