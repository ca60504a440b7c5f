"""What a change of some files means to others, statement by statement.

A statement that is as it was means what it did, unless it mentions a name that means something else now. So a file that imports a
changed one is linted again only where it uses what changed. What is mentioned is told by the words of a text, strings included: too much
may be taken for changed, never too little.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import TypeAlias

import msgspec
from msgspec import Struct

from vglint.interp.static.decorated import decorated
from vglint.regex import regex
from vglint.source import code
from vglint.source.module import Module
from vglint.source.project import Project
from vglint.source.unit import Unit

Names: TypeAlias = frozenset[str] | None
"""Names that may mean something else than before; None where any may."""
Written: TypeAlias = tuple[bytes, int, tuple[str, ...], tuple[str, ...], bool]
"""A statement: a hash of its text, its line, the names that it binds, those that it acts on, and whether it has decorators."""
Sought: TypeAlias = tuple[tuple[str, ...], str]
"""What a search sought: names of decorators, and a key that a definition under them may enter."""

_ANY = frozenset({"*", "__all__", "__getattr__", "globals", "setattr"})
"""What a statement binds or acts on where it may change the meaning of any name of its file."""
_REFLECTS = regex(
    r"(?<![\w.])(?:globals|locals|vars|eval|exec|modules)\s*(?:[(),\[\]}:]|$)|\bsys\s*\.\s*modules\b"
    r"|\b(?:builtins|import_module|__import__|__dict__)\b",
    re.MULTILINE,
)
"""What may read any name of a file without mentioning it; not the `eval()` and `modules()` of a model."""
_ANY_NAME = "*"
_BY_TEXT = regex(r"import_module|__import__|importorskip")
_COMMENT = regex(r"#.*(?:vglint|noqa)", re.IGNORECASE)
_WORD = regex(r"[^\W\d]\w*")


class _Import(Struct, frozen=True):
    """One import: the files that its module may mean, and for each name the files that it may mean as a module; `*` is no module."""

    around: frozenset[str]
    names: tuple[tuple[str, str, frozenset[str]], ...]
    """What is taken, what it is bound to."""
    bound: tuple[str, ...] = ()
    """What a plain `import` binds."""

    @property
    def files(self) -> frozenset[str]:
        return self.around.union(*(files for _, _, files in self.names))


def written(module: Module) -> bytes:
    """Returns the statements of a file as what another run compares with."""
    held: list[Written] = [
        (_hash(unit), unit.line, unit.names, tuple(sorted(unit.acts_on)), unit.source.startswith("@"))
        for unit in module.statements
    ]
    try:
        return msgspec.msgpack.encode((held, _comments(module)))
    except ValueError:  # half a surrogate pair
        return b""


def _read(before: bytes | None) -> tuple[list[Written], bytes] | None:
    try:
        return None if not before else msgspec.msgpack.decode(before, type=tuple[list[Written], bytes])
    except (msgspec.DecodeError, ValueError):
        return None


def _comments(module: Module) -> bytes:
    """Returns a hash of the lines that may hold comments for a linter, with their numbers."""
    found = [each for each in enumerate(module.content.splitlines()) if _COMMENT.search(each[1])]
    return blake2b(repr(found).encode("utf-8", "surrogatepass"), digest_size=12).digest()


def has_moved(before: bytes | None, module: Module) -> bool:
    """Whether a statement that is as it was stands in another line, or a comment for a linter may be another."""
    if (old := _read(before)) is None or old[1] != _comments(module):
        return True
    lines = {held: line for held, line, *_ in old[0]}
    return any(lines.get(_hash(unit), unit.line) != unit.line for unit in module.statements)


def rebound_names(before: bytes | None, module: Module) -> Names:
    """Returns the names that a file binds and did not bind, or the other way round."""
    old = _read(before)
    return None if old is None else frozenset(name for _, _, names, *_ in old[0] for name in names) ^ module.bound


def has_lost(before: bytes | None, module: Module) -> bool:
    """Whether a definition that had decorators is no longer as it was."""
    now = {_hash(unit) for unit in module.statements}
    return (old := _read(before)) is None or any(entered and held not in now for held, *_, entered in old[0])


def changed_names(before: bytes | None, module: Module) -> Names:
    """Returns the names that statements bind or act on which are not as they were, or are gone; `before` is what `written` gave."""
    read = _read(before)
    if read is None:
        return None
    old, new = read[0], [(_hash(unit), unit) for unit in module.statements]
    known, now = {each[0] for each in old}, {each[0] for each in new}
    if [each[0] for each in old if each[0] in now] != [each[0] for each in new if each[0] in known]:
        return None  # in another order
    gone = {name for held, _, names, acts, _ in old if held not in now for name in (*names, *acts)}
    come = {name for held, unit in new if held not in known for name in (*unit.names, *unit.acts_on)}
    return None if _ANY & (gone | come) else frozenset(gone | come)


def _words(source: str) -> frozenset[str]:
    """Returns the words of a statement, and a sign where it may read any name."""
    return frozenset((*_WORD.findall(source), *((_ANY_NAME,) if _REFLECTS.search(source) else ())))


def _hash(unit: Unit) -> bytes:
    return blake2b(unit.source.rstrip().encode("utf-8", "surrogatepass"), digest_size=12).digest()


class Concerned:
    """The files that a change concerns, of those whose imports lead to it."""

    def __init__(
        self,
        project: Project,
        importers: Mapping[str, Iterable[str]],
        led: Mapping[str, Iterable[str]],
        found: Mapping[str, Mapping[str, Collection[Sought]]],
        lost: Collection[str],
    ) -> None:
        """`importers` and `led` say for each file which import it and which its imports led to; `found` in which files searches for it
        found something, and what these sought; in `lost` a definition that may have entered a key is not as it was."""
        self._project = project
        self._importers = importers
        self._led = led
        self._found = found
        self._lost = lost
        self._own: dict[str, Names] = {}
        self._names: dict[str, Names] = {}
        self._touched: set[str] = set()
        self._units: dict[str, tuple[tuple[Unit, frozenset[str]], ...]] = {}
        self._imports: dict[str, tuple[_Import, ...]] = {}

    def by(self, changed: Mapping[str, Names]) -> set[str]:
        """Returns the files in which a statement means something else, or may, since some files changed: what changed in each of them."""
        self._own = dict(changed)
        waiting = deque(changed)
        for file in changed:
            self._names[file] = self._meant(file)
        while waiting:
            for importer in self._importers.get(waiting.popleft(), ()):
                before = self._names.get(importer, frozenset())
                now = self._meant(importer)
                if now != before:
                    self._names[importer] = now
                    waiting.append(importer)
        return self._touched

    def _meant(self, file: str) -> Names:
        """Returns the names that may mean something else in a file, by what is known of the others so far."""
        own = self._own.get(file, frozenset())
        names = None if own is None else self._imported(file)
        module = self._project.module(file)
        if own is None or names is None or not isinstance(module, Module):
            self._touched.add(file)
            return None
        names = {*names, *own}
        rest = list(self._statements(module)) if names else []
        while True:
            hit = [(unit, words) for unit, words in rest if not words.isdisjoint(names) or _ANY_NAME in words]
            if not hit:
                break
            self._touched.add(file)
            rest = [each for each in rest if each not in hit]
            names.update(name for unit, _ in hit for name in (*unit.names, *unit.acts_on))
            if names & _ANY:
                return None
        return frozenset(names)

    def _imported(self, file: str) -> set[str] | None:
        """Returns the names that a file binds by imports of what may mean something else; None where it comes by it in another way."""
        other = {each: self._names[each] for each in self._led.get(file, ()) if each in self._names}
        other = {each: names for each, names in other.items() if names != frozenset()}
        if other and (self._imports_by_text(file) or any(self._enters(file, each, other[each]) for each in other)):
            return None
        bound: set[str] = set()
        explained: set[str] = set()
        for one in self._imports_of(file) if other else ():
            explained |= one.files
            changed = [other[each] for each in one.around & other.keys()]
            if changed:
                bound.update(one.bound)
            for name, as_, files in one.names:
                if name == "*":
                    if None in changed:
                        return None
                    bound.update(*(names or () for names in changed))
                elif files & other.keys() or any(names is None or name in names for names in changed):
                    bound.add(as_)
        return bound if explained >= other.keys() - self._found.get(file, {}).keys() else None

    def _enters(self, file: str, where: str, names: Names) -> bool:
        """Whether what a search for a file found in another one may be another."""
        sought = self._found.get(file, {}).get(where, ())
        if not sought or names is None or where in self._lost:
            return bool(sought)
        module = self._project.module(where)
        return not isinstance(module, Module) or any(
            one.name in names and one.concerns(key)
            for decorators, key in sought
            for one in decorated(module.content, decorators)
        )

    def _imports_by_text(self, file: str) -> bool:
        module = self._project.module(file)
        return not isinstance(module, Module) or _BY_TEXT.search(module.content) is not None

    def _statements(self, module: Module) -> tuple[tuple[Unit, frozenset[str]], ...]:
        """Returns the statements of a file that are no imports, each with its words."""
        file = str(module.file)
        if file not in self._units:
            units = [unit for unit in module.statements if unit.kind != "import"]
            self._units[file] = tuple((unit, _words(unit.source)) for unit in units)
        return self._units[file]

    def _imports_of(self, file: str) -> tuple[_Import, ...]:
        """Returns the imports of a file, wherever they stand in it."""
        if file not in self._imports:
            module = self._project.module(file)
            units = module.statements if isinstance(module, Module) else ()
            folder = os.path.dirname(file)
            self._imports[file] = tuple(
                made
                for unit in units
                if unit.kind == "import" or "import" in unit.source
                for node in code.walk(*unit.body)
                for made in self._import(folder, node)
            )
        return self._imports[file]

    def _import(self, folder: str, node: code.Node) -> Iterator[_Import]:
        match node:
            case code.Import(aliases=aliases):
                for each in aliases:
                    parts = each.name.split(".")
                    dotted = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
                    files = frozenset(file for name in dotted for file in self._files(folder, name, 0))
                    yield _Import(files, (), (each.asname or parts[0],))
            case code.ImportFrom(module=base, level=level, aliases=aliases):
                names = tuple(
                    (
                        each.name,
                        each.asname or each.name,
                        self._files(folder, f"{base}.{each.name}" if base else each.name, level),
                    )
                    for each in aliases
                )
                yield _Import(self._files(folder, base, level), names)
            case _:
                pass

    def _files(self, folder: str, dotted: str, level: int) -> frozenset[str]:
        file = None if dotted.endswith("*") else self._project.locate(folder, dotted, level)
        return frozenset() if file is None else frozenset({file})
