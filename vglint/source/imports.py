"""Which files import which, as the text of their import statements alone tells: quick enough for a whole project, and never too little."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator

from msgspec import Struct

from vglint import disk
from vglint.finding import Problem
from vglint.regex import regex
from vglint.source.module import Module
from vglint.source.notebook import read_notebook
from vglint.source.project import Project


class Statement(Struct, frozen=True):
    """`from base import names` with `level` dots, each name with what it is bound to; `import base as bound` without names."""

    base: str
    level: int = 0
    names: tuple[tuple[str, str], ...] = ()
    bound: str = ""


class Imports:
    """The files that each file of a project imports; `gone` are files, by absolute path, that were there before.

    Files are nodes of a graph. What `from package import name` needs of a package's `__init__.py` is where that gets the name from, and not everything
    that it imports: then the node is the file's own text alone (`_alone`).
    """

    def __init__(self, project: Project, gone: Iterable[str] = (), shown: Iterable[Module] = ()) -> None:
        """`gone` are files that are no more; `shown` are modules whose text is another than that on the disk."""
        self._project = project
        self._gone = {_parts(file): file for file in gone}
        self._known: dict[str, frozenset[str]] = {}
        self._statements: dict[str, tuple[str, tuple[Statement, ...]]] = {
            os.path.abspath(each.path): (each.text, tuple(_imported(each.text))) for each in shown
        }
        self._sources: dict[tuple[str, str, bool], frozenset[str]] = {}

    def leading_to(self, starts: Collection[str], is_wanted: Callable[[str], bool]) -> set[str]:
        """Returns those of the files `starts`, by absolute path, that import a wanted file, directly or through others."""
        importers: dict[str, set[str]] = {}
        waiting = deque(starts)
        seen = set(starts)
        while waiting:
            file = waiting.popleft()
            for imported in self._of(file):
                importers.setdefault(imported, set()).add(file)
                if imported not in seen:
                    seen.add(imported)
                    waiting.append(imported)
        reached: set[str] = set()
        waiting.extend(node for node in importers if is_wanted(node.removeprefix(_ALONE)))
        while waiting:
            for importer in importers.get(waiting.popleft(), ()):
                if importer not in reached:
                    reached.add(importer)
                    waiting.append(importer)
        return reached & set(starts)

    def spelled(self, file: str, target: str, names: Collection[str]) -> set[str]:
        """Returns how a file writes some names of another one by what it imports: `Net`, `models.Net`; both files by absolute path."""
        folder = os.path.dirname(file)
        found: set[str] = set()
        for one in self._read(file)[1]:
            if not one.names and target in self._file(folder, one.base, 0):
                found |= {f"{one.bound}.{name}" for name in names}
            for name, bound in one.names:
                if target not in self._named(folder, one, name):
                    continue
                if name == "*":
                    found |= {*names}
                elif name in names:
                    found.add(bound)
                elif target in self._file(folder, f"{one.base}.{name}".lstrip("."), one.level):
                    found |= {f"{bound}.{each}" for each in names}
        return found

    def text(self, file: str) -> str:
        """Returns a file's text, of a notebook the code of its cells; nothing where it cannot be read."""
        return self._read(file)[0]

    def _of(self, node: str) -> frozenset[str]:
        """Returns the nodes that a file imports anywhere in it; nothing for a text alone."""
        if node.startswith(_ALONE):
            return frozenset()
        if node not in self._known:
            folder = os.path.dirname(node)
            found: set[str] = set()
            for one in self._read(node)[1]:
                if not one.names:
                    found |= self._file(folder, one.base, 0)
                for name, _ in one.names:
                    found |= self._named(folder, one, name)
            self._known[node] = frozenset(found - {node})
        return self._known[node]

    def _named(self, folder: str, statement: Statement, name: str) -> frozenset[str] | set[str]:
        """Returns the nodes that one name of an import comes from."""
        base, level = statement.base, statement.level
        inner = self._file(folder, f"{base}.{name}" if base else name, level) if name != "*" else set()
        outer = self._file(folder, base, level)
        package = next((file for file in outer if file.endswith(f"{os.sep}__init__.py")), None)
        if package is None or name == "*":
            return inner or outer
        bound = self._bound(package, name, stars=not inner)
        own = inner or (name.startswith("__") and name.endswith("__"))  # such as __version__, which needs nothing else
        return inner | (bound or ({_ALONE + package} if own else {package}))

    def _bound(self, package: str, name: str, stars: bool) -> frozenset[str]:
        """Returns the nodes that a name of a package comes from by the imports of its `__init__.py`; nothing where it is no import's."""
        key = package, name, stars
        if key not in self._sources:
            self._sources[key] = frozenset()  # while it is looked for: packages may import each other
            folder = os.path.dirname(package)
            statements = self._read(package)[1]
            found: set[str] = set()
            for one in statements:
                for imported, bound in one.names:
                    if bound == name:
                        found |= self._named(folder, one, imported)
            for one in statements if stars and not found else ():
                if ("*", "*") in one.names:
                    for file in self._file(folder, one.base, one.level):
                        if re.search(rf"\b{re.escape(name)}\b", self._read(file)[0]):
                            is_package = file.endswith(f"{os.sep}__init__.py")
                            found |= (self._bound(file, name, True) if is_package else None) or {file}
            self._sources[key] = frozenset({*found, _ALONE + package}) if found else frozenset()
        return self._sources[key]

    def _read(self, file: str) -> tuple[str, tuple[Statement, ...]]:
        if file not in self._statements:
            text = _text(file)
            self._statements[file] = text, tuple(_imported(text))
        return self._statements[file]

    def _file(self, folder: str, name: str, level: int) -> set[str]:
        """Returns the file that a name means, or one that is gone."""
        file = self._project.locate(folder, name, level)
        if file is None and self._gone:
            if level:
                for _ in range(level - 1):
                    folder = os.path.dirname(folder)
                file = self._gone.get(tuple(part for part in (*_parts(folder), *name.split(".")) if part))
            else:
                tail = tuple(name.split("."))
                file = next((gone for parts, gone in self._gone.items() if parts[-len(tail) :] == tail), None)
        return set() if file is None else {file}


_ALONE = "\0"
"""Stands before a file of which the text alone counts."""


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


_STATEMENT = regex(
    r"(?:^|[;:])[ \t\f]*(?:from[ \t]+(?P<dots>\.*)[ \t]*(?P<base>[\w.]*)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^\n;]*)"
    r"|import[ \t]+(?P<modules>[^\n;]*))",
    re.MULTILINE,
)
_COMMENT = regex(r"#[^\n]*")
_CONTINUED = regex(r"\\\r?\n")
_NAME = regex(r"(?P<name>\w[\w.]*|\*)(?:\s+as\s+(?P<bound>\w+))?")


def _imported(text: str) -> Iterator[Statement]:
    """Yields what looks like an import statement, wherever it stands."""
    if "import" not in text:
        return
    for found in _STATEMENT.finditer(_CONTINUED.sub(" ", text.replace("\r", "\n"))):
        if found["modules"] is not None:
            for name, bound in _names(found["modules"]):
                yield Statement(name, bound=bound)
        elif names := tuple(_names(found["names"].strip("()"))):
            yield Statement(found["base"].strip("."), len(found["dots"]), names)


def _names(listed: str) -> Iterator[tuple[str, str]]:
    """Yields each name of an import with what it is bound to."""
    for part in _COMMENT.sub("", listed).split(","):
        if found := _NAME.match(part.strip().strip("()").strip()):
            yield found["name"], found["bound"] or found["name"]
