"""The files of one run and what their imports mean, as far as source in reach tells."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from vglint.finding import Problem
from vglint.given import ModelInputs
from vglint.source.kept import Store
from vglint.source.module import Module
from vglint.source.reading import decode, read
from vglint.source.search import Search
from vglint.source.split import Piece, split
from vglint.source.unit import Unit, units


class Project:
    """Finds and keeps modules by path and by dotted name; nothing is ever imported.

    `root` is the project's folder; `paths` the files (or folders) that are linted, as the user gave them; `resolve` names
    installed packages that are read as source too, from `sites` (by default `sys.path`).
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        paths: Iterable[str | os.PathLike[str]] = (),
        resolve: Sequence[str] = (),
        sites: Sequence[str | os.PathLike[str]] | None = None,
    ) -> None:
        self.root = Path(os.path.abspath(root))
        self._given = {os.path.abspath(path): Path(path).as_posix() for path in paths}
        self._resolve = frozenset(resolve)
        self._sites = [os.path.abspath(site) for site in (sys.path if sites is None else sites)]
        self._modules: dict[str, Module | Problem] = {}
        self._added: set[str] = set()
        self._importable: set[str] = set()
        self._listings: dict[str, frozenset[str]] = {}
        self._package_roots: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._found: dict[tuple[str, str], str | None] = {}
        self.inputs: tuple[ModelInputs, ...] = ()
        """Inputs of models that the user fixes by hand; the first that names a model holds."""
        self.store: Store | None = None
        """Where the nodes of statements are kept from run to run."""
        self.kept: dict[str, object] = {}
        """What readers of modules keep from file to file; it goes when modules are dropped."""

    def module(self, path: str | os.PathLike[str], content: bytes | None = None) -> Module | Problem:
        """Returns the module of a file, read once; `content` is what it holds, where that was read already."""
        file = os.path.abspath(path)
        module = self._modules.pop(file, None)
        if module is None:
            given = self._given.get(file) or self._shown(file, path)
            found = read(given, Path(file)) if content is None else content
            module = found if isinstance(found, Problem) else self._parse(given, file, found)
        self._modules[file] = module  # the last in the dict is the last asked for
        return module

    def add(self, path: str, content: bytes | str, importable: bool = False) -> Module | Problem:
        """Returns the module of a text that stands for the file at `path` (standard input, an editor's buffer).

        One that is `importable` is found by imports even where the disk holds no such file.
        """
        file = os.path.abspath(path)
        self._given[file] = path
        self._added.add(file)
        self.kept.clear()
        if importable and file not in self._importable:
            self._importable.add(file)
            self._listings.pop(os.path.dirname(file), None)
            self._found.clear()
        self._modules[file] = self._parse(path, file, content.encode() if isinstance(content, str) else content)
        return self._modules[file]

    def find(self, dotted: str) -> Module | None:
        """Returns a module of the project by its absolute name; None where none has it, or where several might."""
        return self._readable(self._find_absolute(dotted))

    def resolve(self, module: Module, dotted: str, level: int = 0) -> Module | None:
        """Returns the module that `import dotted` (level 0) or `from ..dotted import` (level 2) in `module` means."""
        found = self._readable(self._find_from(str(module.file.parent), dotted, level))
        return found if found is not None or level else self.find(dotted)

    def locate(self, folder: str, dotted: str, level: int = 0) -> str | None:
        """Returns the file of the module that an import in a file of an absolute folder means, without reading it."""
        file = self._find_from(folder, dotted, level)
        return file if file is not None or level else self._find_absolute(dotted)

    @contextmanager
    def looking_through(self) -> Iterator[None]:
        """What imports lead to inside is looked through for something, and not followed."""
        yield

    def note_search(self, search: Search, found: Iterable[str], readers: Iterable[str]) -> None:
        """Something rests on a search, which found what it sought in some files, for what is linted and for `readers`."""

    def note_look(self, file: str) -> None:
        """What is linted rests on all of a file, and not on what some of its names mean."""

    def forget(self, keep: int = 0) -> None:
        """Drops modules, the longest unused first, until at most `keep` characters of source are held.

        Whoever still holds nodes of a dropped module keeps them; asking for the module again reads it again.
        """
        held = 0
        for file, module in reversed(tuple(self._modules.items())):
            if isinstance(module, Module) and file not in self._added:
                held += len(module.text)
                if held > keep:
                    del self._modules[file]
                    self.kept.clear()

    def _parse(self, given: str, file: str, content: bytes) -> Module | Problem:
        name, is_package = self._name(file)
        if file.endswith(".ipynb"):
            from vglint.source.notebook import read_notebook

            book = read_notebook(given, content)
            if isinstance(book, Problem):
                return book
            text, encoding, cells = book.text, "utf-8", book.cells
            pieces: Sequence[Piece] | None = book.pieces
        else:
            decoded = decode(given, content)
            if isinstance(decoded, Problem):
                return decoded
            text, encoding, cells, pieces = decoded.text, decoded.encoding, (), None
        kept = None if self.store is None else self.store.bundle(file)

        def made() -> tuple[Unit, ...]:
            return units(given, text, tuple(split(text)) if pieces is None else pieces, kept)

        return Module(given, Path(file), name, is_package, text, made, encoding, cells, self.note_look)

    def _readable(self, file: str | None) -> Module | None:
        module = None if file is None else self.module(file)
        return module if isinstance(module, Module) else None

    def _shown(self, file: str, path: str | os.PathLike[str]) -> str:
        """Returns how a file that the user did not name is called: from the current folder where it lies below it."""
        if not os.path.isabs(path):
            return Path(path).as_posix()
        here = os.getcwd()
        return Path(os.path.relpath(file, here) if file.startswith(here + os.sep) else file).as_posix()

    def _name(self, file: str) -> tuple[str, bool]:
        folder, base = os.path.split(file)
        stem = os.path.splitext(base)[0]
        parts = self._package_root(folder)[1]
        if not parts:
            parts = self._namespace(folder)
        if stem == "__init__":
            return ".".join(parts) or os.path.basename(folder), True
        return ".".join((*parts, stem)), False

    def _namespace(self, folder: str) -> tuple[str, ...]:
        """Returns the folders between the root (or its `src`) and `folder` where each can be part of a dotted name."""
        relative = os.path.relpath(folder, self.root)
        parts = tuple(relative.split(os.sep)) if relative != "." else ()
        if parts[:1] == ("src",):
            parts = parts[1:]
        return parts if all(part.isidentifier() for part in parts) else ()

    def _package_root(self, folder: str) -> tuple[str, tuple[str, ...]]:
        """Returns the folder that holds the outermost package around `folder`, and the package's parts."""
        known = self._package_roots.get(folder)
        if known is None:
            parent, base = os.path.split(folder)
            if "__init__.py" in self._listing(folder) and base.isidentifier() and parent != folder:
                root, parts = self._package_root(parent)
                known = root, (*parts, base)
            else:
                known = folder, ()
            self._package_roots[folder] = known
        return known

    def _find_absolute(self, dotted: str) -> str | None:
        if dotted.partition(".")[0] in sys.stdlib_module_names:
            return None  # Python looks there first
        file = self._find_in(str(self.root), dotted) or self._find_in(os.path.join(self.root, "src"), dotted)
        if file is None:
            file = self.among_roots(dotted)
        if file is None and dotted.partition(".")[0] in self._resolve:
            file = next(filter(None, (self._find_in(site, dotted) for site in self._sites)), None)
        return file

    def _find_from(self, folder: str, dotted: str, level: int) -> str | None:
        """Returns the file that an import in a file of `folder` means, where its place decides that."""
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return self._find_in(folder, dotted) if dotted else self._package_file(folder)
        top = self._package_root(folder)[0]
        if dotted.partition(".")[0] in sys.stdlib_module_names:
            return self._find_in(folder, dotted) if top == folder else None
        file = self._find_upwards(top, dotted)
        if file is None and top != folder:  # a file of a package that is run as a script
            file = self._find_in(folder, dotted)
        return file

    def _find_upwards(self, folder: str, dotted: str) -> str | None:
        """Returns the file from the closest folder at or above `folder`, or its `src`, up to the project's root."""
        root = str(self.root)
        while True:
            if file := self._find_in(folder, dotted) or self._find_in(os.path.join(folder, "src"), dotted):
                return file
            above = os.path.dirname(folder)
            if folder == root or not folder.startswith(root + os.sep) or above == folder:
                return None
            folder = above

    def among_roots(self, dotted: str) -> str | None:
        """Returns the file of a module by its absolute name, from the folders that the given files are imported from."""
        files = {file for folder in self._search_roots if (file := self._find_in(folder, dotted))}
        return files.pop() if len(files) == 1 else None

    @cached_property
    def _search_roots(self) -> tuple[str, ...]:
        """The folders that given files are imported from: a package's parent, a script's own folder."""
        folders = {file if os.path.isdir(file) else os.path.dirname(file) for file in self._given}
        return tuple(sorted({self._package_root(folder)[0] for folder in folders}))

    def _find_in(self, folder: str, dotted: str) -> str | None:
        key = folder, dotted
        if key not in self._found:
            self._found[key] = self._search(folder, dotted)
        return self._found[key]

    def _search(self, folder: str, dotted: str) -> str | None:
        *parents, last = dotted.split(".")
        for part in parents:
            if part not in self._listing(folder):
                return None
            folder = os.path.join(folder, part)
        names = self._listing(folder)
        if last in names and (file := self._package_file(os.path.join(folder, last))):
            return file
        return os.path.join(folder, f"{last}.py") if f"{last}.py" in names else None

    def _package_file(self, folder: str) -> str | None:
        return os.path.join(folder, "__init__.py") if "__init__.py" in self._listing(folder) else None

    def _listing(self, folder: str) -> frozenset[str]:
        if folder not in self._listings:
            added = {os.path.basename(file) for file in self._importable if os.path.dirname(file) == folder}
            try:
                self._listings[folder] = frozenset(os.listdir(folder)) | added
            except OSError:
                self._listings[folder] = frozenset(added)
        return self._listings[folder]
