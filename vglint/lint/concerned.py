"""Which kept outcomes a change of some files concerns."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from msgspec import Struct

from vglint.config import Settings
from vglint.interp.static.decorated import decorated
from vglint.lint.cache import Index, Memory, folder_of
from vglint.lint.edges import reaching
from vglint.lint.statements import Concerned, Names, Sought, changed_names, has_lost, has_moved, rebound_names
from vglint.source.kept import Store
from vglint.source.module import Module
from vglint.source.project import Project


class Change(Struct, frozen=True):
    """What changed in each changed file, and which names it binds and did not bind, or the other way round."""

    project: Project
    names: dict[Index, Names]
    rebound: dict[Index, Names]
    moved: frozenset[Index]
    """The files whose places may be other ones."""
    lost: frozenset[Index]
    """Those in which a definition that may have entered a key of a registry is not as it was."""

    @staticmethod
    def of(memory: Memory, settings: Settings, paths: Sequence[str], changed: Collection[Index]) -> Change:
        project = Project(settings.top, paths, settings.resolve)
        project.store = Store(folder_of(settings))
        names: dict[Index, Names] = {}
        rebound: dict[Index, Names] = {}
        moved: set[Index] = set()
        lost: set[Index] = set()
        for position in changed:
            module = project.module(memory.files[position])
            before = memory.statements.get(position)
            names[position] = changed_names(before, module) if isinstance(module, Module) else None
            rebound[position] = rebound_names(before, module) if isinstance(module, Module) else None
            if not isinstance(module, Module) or has_moved(before, module):
                moved.add(position)
            if not isinstance(module, Module) or has_lost(before, module):
                lost.add(position)
        return Change(project, names, rebound, frozenset(moved), frozenset(lost))

    def decorates(self, memory: Memory, position: Index, files: Collection[Index]) -> bool:
        """Whether a name that a changed file binds anew, or no longer, may stand above a definition in some files."""
        names = self.rebound[position]
        if names is None:
            return True
        modules = [self.project.module(memory.files[each]) for each in files] if names - {"*"} else []
        return "*" in names or any(isinstance(each, Module) and decorated(each.content, names) for each in modules)


def concerned(memory: Memory, change: Change) -> set[Index]:
    """Returns the changed files, and those for which something that they use means something else.

    An outcome that tells a place in a changed file is no longer right where that is another line; and whether training code forgets an
    initialiser is told by whole texts.
    """
    files = memory.files
    importers: dict[str, list[str]] = {}
    for source, led_to in memory.edges.items():
        for to in led_to:
            importers.setdefault(files[to], []).append(files[source])
    led = {files[source]: [files[to] for to in led_to] for source, led_to in memory.edges.items()}
    found: dict[str, dict[str, list[Sought]]] = {}
    for source, held in memory.found.items():
        sought = [(memory.searched[where], key) for where, key in memory.searches.get(source, ())]
        found[files[source]] = {
            files[to]: [(each.names, key) for each, key in sought if to in each.files] for to in held
        }
    lost = {files[position] for position in change.lost}
    touched = Concerned(change.project, importers, led, found, lost).by(
        {files[position]: names for position, names in change.names.items()}
    )
    result = {position for position, file in enumerate(files) if file in touched} | change.names.keys()
    named = [os.path.basename(files[position]) for position in change.moved]
    for position in reaching(memory.edges, set(change.names)) - result:
        kept = memory.outcomes.get(position)
        if kept is not None and (kept.outcome.training or any(name in repr(kept.outcome) for name in named)):
            result.add(position)
    return result
