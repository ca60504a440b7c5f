"""The worker: it is called off when newer text comes, and started anew when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from vglint.server.message import Described, Job, Linted, Message
from vglint.server.session import Worker

QUICK = b"from torch import nn\nmodel = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))\n"
NET = """
class Net{0}(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Linear(64 + {0}, 64 + {0}) for _ in range(40)])

    def forward(self, x):
        return self.layers(x)
"""
LONG = ("from torch import nn\n" + "".join(NET.format(number) for number in range(3000))).encode()
"""What takes far longer than a test waits."""


def job(path: Path, content: bytes, deep: bool = False) -> Job:
    return Job(((path.as_posix(), content),), (path.as_posix(),), (path.parent.as_posix(),), deep)


def run(scenario: Callable[[Worker], Awaitable[None]]) -> None:
    async def whole() -> None:
        worker = Worker()
        try:
            await asyncio.wait_for(scenario(worker), 300)
        finally:
            await worker.close()

    asyncio.run(whole())


async def told(worker: Worker, path: Path) -> list[Message]:
    """Returns what the worker tells of a quick file."""
    messages: list[Message] = []
    assert await worker.run(job(path, QUICK), messages.append) == "done"
    return messages


def test_a_job_is_called_off_and_the_next_one_done_by_the_same_process(tmp_path: Path) -> None:
    async def scenario(worker: Worker) -> None:
        path = tmp_path / "a.py"
        linted, described = await told(worker, path)
        assert isinstance(linted, Linted) and isinstance(described, Described) and linted.outcome.findings
        process = worker._process
        long = asyncio.ensure_future(worker.run(job(path, LONG), lambda message: None))
        while not worker._is_busy:
            await asyncio.sleep(0)
        worker.cancel()
        assert await long == "cancelled"
        again = await told(worker, path)
        assert again == [linted, described]
        if (
            worker._process is process
        ):  # a signal that comes before the job has begun is not heeded, and the process ended
            assert process is not None and process.returncode is None

    run(scenario)


def test_a_process_that_dies_costs_its_job_alone(tmp_path: Path) -> None:
    async def scenario(worker: Worker) -> None:
        path = tmp_path / "a.py"
        before = await told(worker, path)
        long = asyncio.ensure_future(worker.run(job(path, LONG), lambda message: None))
        while not worker._is_busy:
            await asyncio.sleep(0)
        assert worker._process is not None
        os.kill(worker._process.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        assert await long == "lost"
        assert await told(worker, path) == before

    run(scenario)


def test_a_job_that_is_called_off_before_it_begins_is_not_begun(tmp_path: Path) -> None:
    async def scenario(worker: Worker) -> None:
        first = asyncio.ensure_future(worker.run(job(tmp_path / "a.py", LONG), lambda message: None))
        await asyncio.sleep(0)
        worker.cancel()
        assert await first == "cancelled"
        await told(worker, tmp_path / "a.py")

    run(scenario)


@pytest.mark.parametrize("cache", [True, False])
def test_what_was_parsed_is_kept_where_the_settings_want_it(tmp_path: Path, cache: bool) -> None:
    (tmp_path / "vglint.toml").write_text(f"cache = {str(cache).lower()}\n")

    async def scenario(worker: Worker) -> None:
        await told(worker, tmp_path / "a.py")
        assert not (tmp_path / ".vglint_cache").exists()
        await worker.run(job(tmp_path / "a.py", QUICK, deep=True), lambda message: None)
        assert (tmp_path / ".vglint_cache").exists() is cache

    run(scenario)
