"""Imports of the project's own modules that were not found: what depends on them is not checked, and the report says so."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from vglint.finding import Problem
from vglint.source import code
from vglint.source.module import Module
from vglint.source.project import Project

_MOST_FOLDERS = 2000
"""Folders of a project that are looked through for the names of its modules."""
_LEFT_OUT = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"})


def missing_imports(project: Project, module: Module) -> Iterator[Problem]:
    """Yields what top-level imports of a file ask for, and the project has by that name but not where they look for it."""
    for unit in module.units:
        for statement in unit.body if unit.kind == "import" else ():
            for shown, dotted, level, names in _asked(statement):
                if _is_missing(project, module, dotted, level, names):
                    yield Problem(module.path, unit.line, f"imports {shown}, which was not found from here")


def _asked(statement: code.Statement) -> Iterator[tuple[str, str, int, tuple[str, ...]]]:
    """Yields the module of each import as it is written, its dotted name, its level, and what is taken from it."""
    if isinstance(statement, code.Import):
        for alias in statement.aliases:
            yield alias.name, alias.name, 0, ()
    elif isinstance(statement, code.ImportFrom):
        dotted = statement.module
        names = tuple(alias.name for alias in statement.aliases)
        yield f"{'.' * statement.level}{dotted}" or ".", dotted, statement.level, names


def _is_missing(project: Project, module: Module, dotted: str, level: int, names: tuple[str, ...]) -> bool:
    top = dotted.partition(".")[0]
    if not level and (top in sys.stdlib_module_names or top == "torch"):
        return False
    if project.resolve(module, dotted, level) is not None:
        return False
    if any(project.resolve(module, f"{dotted}.{name}" if dotted else name, level) is not None for name in names):
        return False
    own = project.root in module.file.parents  # a file from elsewhere imports nothing of this project
    return bool(level and dotted) or (not level and own and top in _own_names(project))


def _own_names(project: Project) -> frozenset[str]:
    """Returns the names by which modules and packages in the project's folder are imported from some folder: not those inside packages."""
    known = project.kept.get("own names")
    if not isinstance(known, frozenset):
        known = project.kept["own names"] = _names_in(str(project.root))
    return known


def _names_in(root: str) -> frozenset[str]:
    found: set[str] = set()
    packages: set[str] = set()
    for number, (folder, folders, files) in enumerate(os.walk(root)):
        if number >= _MOST_FOLDERS:
            break
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _LEFT_OUT)
        if "__init__.py" in files:
            packages.add(folder)
        modules = [name[:-3] for name in files if name.endswith(".py")]
        if folder not in packages:
            found.update(modules)
        if modules and os.path.dirname(folder) not in packages:
            found.add(os.path.basename(folder))
    return frozenset(found)
