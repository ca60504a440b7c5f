"""When what is open is linted: a moment after the last change, the newest text first, and never a text that has changed since."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from vglint import disk
from vglint.config import Settings
from vglint.finding import Problem
from vglint.lint.outcome import Outcome
from vglint.server.documents import Document, Documents
from vglint.server.message import Described, Ended, Fault, Job, Linted, Message, Options, Ready
from vglint.server.session import Worker

DELAY = 0.3
"""Seconds after a change in which another may follow."""


class Analyst:
    """What is known of each file, and what has yet to be linted; `news` is called when there is more to show."""

    def __init__(self, documents: Documents, news: Callable[[], None]) -> None:
        self.documents = documents
        self.options = Options()
        self.linted: dict[str, Linted] = {}
        self.described: dict[str, Described] = {}
        self.faults: dict[str, Fault] = {}
        self._news = news
        self.worker = Worker()
        self._wanted: dict[str, None] = {}
        self._is_deep = False
        self._known: dict[str, tuple[Document, int]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._turn: asyncio.Task[None] | None = None
        self._told = asyncio.Event()

    def want(self, paths: Iterable[str], delay: float = 0.0, deep: bool = False) -> None:
        """Has files linted, and those that are open and import them; a job that is under way gives way to it."""
        for path in self._with_dependents(paths):
            self._wanted.pop(path, None)
            self._wanted[path] = None
        self._is_deep = self._is_deep or deep
        self.worker.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay, self._begin)

    def want_everything(self, delay: float = 0.0) -> None:
        """Has every open file linted anew: something that is not open has changed."""
        self.want([document.path for document in self.documents], delay, deep=True)

    def forget(self, document: Document) -> None:
        """Drops what is known of a file that is no longer open; what imports it is linted with what is on the disk."""
        for known in (self.linted, self.described, self.faults, self._known):
            known.pop(document.path, None)
        self._wanted.pop(document.path, None)
        self._wake()
        dependents = [path for path in self._with_dependents([document.path]) if path != document.path]
        if dependents and differs(document):
            self.want(dependents)
        self._news()

    def is_current(self, document: Document) -> bool:
        """Whether what is known of a file is so of the text that is on the screen."""
        return self._known.get(document.path) == (document, document.revision)

    async def current(self, document: Document, seconds: float) -> bool:
        """Waits until the text on the screen is linted; gives up after some seconds."""

        async def wait() -> None:
            while not self.is_current(document) and self.documents.at(document.path) is document:
                await self._told.wait()

        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(wait(), seconds)
        return self.is_current(document)

    async def close(self) -> None:
        """Ends the worker."""
        self._wanted.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._turn is not None:
            self._turn.cancel()
        await self.worker.close()

    def _with_dependents(self, paths: Iterable[str]) -> list[str]:
        """Returns the paths, and the open files whose imports lead to one of them."""
        given = list(paths)
        files = {os.path.abspath(path) for path in given}
        found = [
            path
            for path, linted in self.linted.items()
            if path not in given and self.documents.at(path) is not None and not files.isdisjoint(linted.sources)
        ]
        return [*found, *given]

    def _begin(self) -> None:
        self._timer = None
        if self._turn is None or self._turn.done():
            self._turn = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        """Does what is wanted, job after job, unless more is about to come."""
        while self._wanted and self._timer is None:
            wanted = [path for path in reversed(self._wanted) if self.documents.at(path) is not None]
            deep, documents = self._is_deep, list(self.documents)
            self._wanted, self._is_deep = {}, False
            if not wanted:
                break
            await self._job(wanted, documents, deep)

    async def _job(self, wanted: list[str], documents: list[Document], deep: bool) -> None:
        revisions = {document.path: (document, document.revision) for document in documents}
        left = dict.fromkeys(wanted)
        told: set[str] = set()

        def take(message: Message) -> None:
            if isinstance(message, Ended | Ready):
                return

            begun = revisions.get(message.path)
            now = self.documents.at(message.path)
            if begun is not None and (now is not begun[0] or now.revision != begun[1]):
                return  # the text has changed since
            match message:
                case Linted():
                    self.linted[message.path] = message
                    self.faults.pop(message.path, None)
                    told.add(message.path)
                case Fault():
                    self.faults[message.path] = message
                    self.described.pop(message.path, None)
                case Described():
                    self.described[message.path] = message
            if not isinstance(message, Linted):
                left.pop(message.path, None)
                self._finish(message.path, begun)
            self._news()

        texts = tuple((document.path, document.content()) for document in documents)
        how = await self.worker.run(Job(texts, tuple(wanted), tuple(self.documents.folders), deep, self.options), take)
        if how == "cancelled":
            for path in left:
                self._wanted.setdefault(path, None)
            self._is_deep = self._is_deep or deep
        elif how == "lost" and left:
            path = next(iter(left))  # what the process ended on is not tried again until it changes
            take(Linted(path, Outcome(problems=(Problem(path, None, _LOST, "internal"),)), Settings()))
            take(Described(path))
            for other in left:
                self._wanted.setdefault(other, None)
        elif how == "done" and deep:
            self._drop(told, {os.path.abspath(path) for path in wanted})

    def _finish(self, path: str, begun: tuple[Document, int] | None) -> None:
        if begun is not None:
            self._known[path] = begun
        self._wake()

    def _wake(self) -> None:
        """Has those who wait look again."""
        self._told.set()
        self._told = asyncio.Event()

    def _drop(self, told: set[str], files: set[str]) -> None:
        """Drops what was once found by files that are not open and no longer import what is wanted."""
        gone = [
            path
            for path, linted in self.linted.items()
            if path not in told and self.documents.at(path) is None and not files.isdisjoint(linted.sources)
        ]
        for path in gone:
            del self.linted[path]
        if gone:
            self._news()


def differs(document: Document) -> bool:
    """Whether what is on the screen is not what is on the disk."""
    try:
        return disk.read(document.path, disk.most_of(document.path)) != document.content()
    except (OSError, ValueError):
        return True


_LOST = "is not linted: it takes too much time or memory, or vglint fails on it"
