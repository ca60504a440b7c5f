"""A project that remembers which imports were followed, for the cache."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from vglint.finding import Problem
from vglint.lint.cache import importable, imports_of
from vglint.lint.outcome import Sources
from vglint.lint.statements import written
from vglint.source.module import Module
from vglint.source.project import Project
from vglint.source.search import Search


class TrackedProject(Project):
    """Notes for each file the files that its imports led to and the names that it asked for, found or not."""

    def __init__(self, root: str, paths: Sequence[str], resolve: Sequence[str] = ()) -> None:
        super().__init__(root, paths, resolve)
        self._asker: str | None = None
        self._noted = Sources()
        self._told: set[str] = set()
        self._follows = True

    @contextmanager
    def asking(self, file: str) -> Iterator[None]:
        """Attributes what is found by absolute name alone to `file`, the one that is being linted."""
        outer, self._asker = self._asker, file
        try:
            yield
        finally:
            self._asker = outer

    def resolve(self, module: Module, dotted: str, level: int = 0) -> Module | None:
        with self.asking(str(module.file)):
            self._note(dotted)
            return super().resolve(module, dotted, level)

    def find(self, dotted: str) -> Module | None:
        self._note(dotted)
        return super().find(dotted)

    @contextmanager
    def looking_through(self) -> Iterator[None]:
        outer, self._follows = self._follows, False
        try:
            yield
        finally:
            self._follows = outer

    def note_search(self, search: Search, found: Iterable[str], readers: Iterable[str]) -> None:
        for file in search.files:
            if file not in self._noted.imports and isinstance(module := self._modules.get(file), Module):
                self._noted.imports[file] = imports_of(module.content)
        for asker in {*readers, *((self._asker,) if self._asker is not None else ())}:
            self._noted.searches.setdefault(asker, set()).add(search)
            others = {file for file in found if file != asker}
            self._noted.files.setdefault(asker, set()).update(others)
            self._noted.found.setdefault(asker, set()).update(others)

    def note_look(self, file: str) -> None:
        if self._follows and self._asker is not None and file != self._asker:
            self._noted.whole.add(file)

    def note_statements(self, path: str) -> None:
        """Notes the statements of a file that was linted, if anybody asked for them, so that another run knows which of them changed."""
        file = os.path.abspath(path)
        if self.store is not None and isinstance(module := self._modules.get(file), Module):
            self._noted.statements[file] = written(module)

    def sources(self) -> Sources:
        """Returns what was noted since the last call, and the folders that were searched for the first time."""
        taken, self._noted = self._noted, Sources()
        new = self._listings.keys() - self._told
        taken.folders = {folder: importable(self._listings[folder]) for folder in new}
        self._told |= new
        return taken

    def _readable(self, file: str | None) -> Module | None:
        if file is not None and self._follows and self._asker is not None and file != self._asker:
            self._noted.files.setdefault(self._asker, set()).add(file)
        return super()._readable(file)

    def among_roots(self, dotted: str) -> str | None:
        file = super().among_roots(dotted)
        if self._asker is not None:
            self._noted.rooted.setdefault(self._asker, {})[dotted] = file or ""
        return file

    def _note(self, dotted: str) -> None:
        if dotted and self._asker is not None:
            self._noted.names.setdefault(self._asker, set()).add(dotted)

    @contextmanager
    def instead(self, module: Module, content: bytes) -> Iterator[Module | Problem]:
        """Lets other content stand for a module's file for a while; what is kept of the modules is as it was afterwards."""
        file = str(module.file)
        kept, before = self.kept, self._modules.get(file)
        self.kept = {}
        try:
            self._modules[file] = self._parse(module.path, file, content)
            yield self._modules[file]
        finally:
            self.kept = kept
            if before is None:
                self._modules.pop(file, None)
            else:
                self._modules[file] = before
