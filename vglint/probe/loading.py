"""Imports the user's file, as the copied tree holds it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from vglint.finding import Problem
from vglint.source.notebook import read_notebook

_notebooks: dict[str, Path] = {}
"""Where notebooks lie that were run, by the names of their modules: a notebook has no `__file__`."""


def file_of(module: ModuleType) -> Path | None:
    """Returns the file that a module was made of, None where nothing tells."""
    file = getattr(module, "__file__", None)
    return _notebooks.get(module.__name__) if file is None else Path(file)


def module_path(source: Path, file: str) -> Path:
    """Returns the place of `file` in the copied tree, from which its own imports are found afterwards."""
    path = source / file
    sys.path[:] = dict.fromkeys([*map(str, (_top(path, source), path.parent, source, source / "src")), *sys.path])
    return path


def load(source: Path, file: str) -> ModuleType:
    """Imports `file` of the copied tree under the name that its packages give it.

    Where a package's own `__init__` misses something that the file does without, the file is imported without running it.
    """
    path = source / file
    top = _top(path, source)
    if path.suffix == ".ipynb":
        module = ModuleType(path.stem)
        sys.modules[path.stem] = module
        _notebooks[path.stem] = path
        exec(compile(code_of(path), str(path), "exec"), module.__dict__)
        return module
    sys.path[:] = dict.fromkeys([*map(str, (top, source, source / "src")), *sys.path])
    name = ".".join(path.relative_to(top).with_suffix("").parts).removesuffix(".__init__")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        try:
            if "relative import" in str(error):
                return importlib.import_module(".".join(path.relative_to(source).with_suffix("").parts))
            return _without_packages(top, name)
        except Exception:
            raise error from None


def code_of(path: Path) -> bytes | str:
    """Returns the Python of a file; raises SyntaxError for a notebook that has none."""
    content = path.read_bytes()
    if path.suffix != ".ipynb":
        return content
    book = read_notebook(path.name, content)
    if isinstance(book, Problem):
        raise SyntaxError(book.message)
    return book.text


def _without_packages(top: Path, name: str) -> ModuleType:
    """Imports a file whose packages are folders only, as namespace packages are."""
    first, *inner = name.split(".")[:-1] or [""]
    for other in [other for other in sys.modules if f"{other}.".startswith(f"{first}.")]:
        del sys.modules[other]
    for count in range(len(inner) + 1 if first else 0):
        parts = [first, *inner[:count]]
        package = ModuleType(".".join(parts))
        package.__path__ = [str(top.joinpath(*parts))]
        sys.modules[package.__name__] = package
    return importlib.import_module(name)


def _top(path: Path, source: Path) -> Path:
    """Returns the folder that the outermost package of a file lies in."""
    top = path.parent
    while (top / "__init__.py").exists() and top != source:
        top = top.parent
    return top
