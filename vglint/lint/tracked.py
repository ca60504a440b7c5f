"""A project that remembers which imports were followed, for the cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vglint.lint.cache import importable
from vglint.lint.outcome import Sources
from vglint.source.module import Module
from vglint.source.project import Project


class TrackedProject(Project):
    """Notes for each file the files that its imports led to and the names that it asked for, found or not."""

    _asker: str | None = None
    _led_to: dict[str, set[str]]
    _asked_for: dict[str, set[str]]

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

    def sources(self) -> Sources:
        """Returns everything noted since the last call, and the folders that were searched."""
        led_to, asked_for = self._notes()
        taken = Sources(dict(led_to), dict(asked_for))
        taken.folders = {folder: importable(names) for folder, names in self._listings.items()}
        led_to.clear()
        asked_for.clear()
        return taken

    def _readable(self, file: str | None) -> Module | None:
        if file is not None and self._asker is not None and file != self._asker:
            self._notes()[0].setdefault(self._asker, set()).add(file)
        return super()._readable(file)

    def _note(self, dotted: str) -> None:
        if dotted and self._asker is not None:
            self._notes()[1].setdefault(self._asker, set()).add(dotted)

    def _notes(self) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
        if "_led_to" not in self.__dict__:
            self._led_to, self._asked_for = {}, {}
        return self._led_to, self._asked_for
