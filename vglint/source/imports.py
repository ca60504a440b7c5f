"""Which files import which, as the text of their import statements alone tells: quick enough for a whole project, and never too little."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator

from vglint import disk
from vglint.finding import Problem
from vglint.source.notebook import read_notebook
from vglint.source.project import Project


class Imports:
    """The files that each file of a project imports; `gone` are files, by absolute path, that were there before."""

    def __init__(self, project: Project, gone: Iterable[str] = ()) -> None:
        self._project = project
        self._gone = {_parts(file): file for file in gone}
        self._known: dict[str, frozenset[str]] = {}

    def of(self, file: str) -> frozenset[str]:
        """Returns the absolute paths of the files that a file, by absolute path, imports anywhere in it."""
        if file not in self._known:
            folder = os.path.dirname(file)
            found = {self._located(folder, name, level) for name, level in _imported(_text(file))}
            self._known[file] = frozenset(path for path in found if path is not None and path != file)
        return self._known[file]

    def leading_to(self, starts: Collection[str], is_wanted: Callable[[str], bool]) -> set[str]:
        """Returns those of the files `starts` that import a wanted file, directly or through others."""
        importers: dict[str, set[str]] = {}
        waiting = deque(starts)
        seen = set(starts)
        while waiting:
            file = waiting.popleft()
            for imported in self.of(file):
                importers.setdefault(imported, set()).add(file)
                if imported not in seen:
                    seen.add(imported)
                    waiting.append(imported)
        reached: set[str] = set()
        waiting.extend(file for file in importers if is_wanted(file))
        while waiting:
            for importer in importers.get(waiting.popleft(), ()):
                if importer not in reached:
                    reached.add(importer)
                    waiting.append(importer)
        return reached & set(starts)

    def _located(self, folder: str, name: str, level: int) -> str | None:
        file = self._project.locate(folder, name, level)
        if file is not None or not self._gone:
            return file
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            wanted = (*_parts(folder), *name.split("."))
            return self._gone.get(tuple(part for part in wanted if part))
        tail = tuple(name.split("."))
        return next((gone for parts, gone in self._gone.items() if parts[-len(tail) :] == tail), None)


def _parts(file: str) -> tuple[str, ...]:
    """Returns a path's parts as a dotted name would have them: without suffix, a package by its folder."""
    parts = tuple(part for part in os.path.splitext(file)[0].split(os.sep) if part)
    return parts[:-1] if parts[-1:] == ("__init__",) else parts


def _text(file: str) -> str:
    try:
        content = disk.read(file, disk.most_of(file))
    except (OSError, ValueError):
        return ""
    if not file.endswith(".ipynb"):
        return content.decode("utf-8", "replace")
    book = read_notebook(file, content)
    return "" if isinstance(book, Problem) else book.text


_STATEMENT = re.compile(
    r"(?:^|[;:])[ \t\f]*(?:from[ \t]+(?P<dots>\.*)[ \t]*(?P<base>[\w.]*)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^\n;]*)"
    r"|import[ \t]+(?P<modules>[^\n;]*))",
    re.MULTILINE,
)
_COMMENT = re.compile(r"#[^\n]*")
_CONTINUED = re.compile(r"\\\r?\n")
_NAME = re.compile(r"\.*\w[\w.]*|\*")


def _imported(text: str) -> Iterator[tuple[str, int]]:
    """Yields the dotted name and the level of each module that an import may mean: of `from a import b` both `a` and `a.b`."""
    if "import" not in text:
        return
    for found in _STATEMENT.finditer(_CONTINUED.sub(" ", text.replace("\r", "\n"))):
        if found["modules"] is not None:
            for name in _first_words(found["modules"]):
                yield name, 0
            continue
        level, base = len(found["dots"]), found["base"].strip(".")
        yield base, level
        for name in _first_words(found["names"].strip("()")):
            if name != "*":
                yield f"{base}.{name}" if base else name, level


def _first_words(names: str) -> Iterator[str]:
    for part in _COMMENT.sub("", names).split(","):
        if word := _NAME.match(part.strip().strip("()").strip()):
            yield word.group()
