"""vglint says from source which line of a PyTorch model kills the gradient, by how much, and how to mend it."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vglint.api import PredictedGraph, graph, lint, lint_text
    from vglint.finding import Finding, Report
    from vglint.probe import probe

    __version__: str

__all__ = ["Finding", "PredictedGraph", "Report", "graph", "lint", "lint_text", "probe"]

HOME = "https://github.com/vglint/vglint"
"""Where the project lives: its pages are linked from reports and from the documents; `pyproject.toml` says it once more."""


def rule_page(rule: str) -> str:
    """Returns the address of the page of a bundled rule."""
    return f"{HOME}/blob/main/docs/rules/{rule}.md"


def load_ipython_extension(shell: Any) -> None:
    """Registers the cell magic `%%vglint`: what `%load_ext vglint` calls."""
    import_module("vglint.magic").load(shell)


class _Callable(ModuleType):
    """A module that shares its name with a function of `vglint.api`, and may be called as that function."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(import_module("vglint.api"), self.__name__.rpartition(".")[2])(*args, **kwargs)


class _Package(ModuleType):
    """Makes `vglint.lint` and `vglint.graph` callable when they are imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("lint", "graph") and type(value) is ModuleType:
            value.__class__ = _Callable
        super().__setattr__(name, value)


def _installed() -> str | None:
    """Returns the version that the name of the installation's folder bears; `importlib.metadata` takes a fifth of `vglint --version`."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:  # an archive, or nothing
            continue
        for name in sorted(names):
            if name.startswith("vglint-") and name.endswith(".dist-info"):
                return name.removeprefix("vglint-").removesuffix(".dist-info")
    return None


def __getattr__(name: str) -> Any:
    """Imports what `import vglint` offers on first use: `vglint --version` needs none of it but that."""
    if name == "__version__":  # that of the installation, which the tag gives
        if (version := _installed()) is not None:
            return version
        metadata = import_module("importlib.metadata")
        try:
            return metadata.version("vglint")
        except metadata.PackageNotFoundError:
            return "0.0.0"
    if name in ("graph", "lint", "probe"):  # modules that may be called
        return import_module(f"vglint.{name}")
    if name in ("PredictedGraph", "lint_text"):
        return getattr(import_module("vglint.api"), name)
    if name in ("Finding", "Report"):
        return getattr(import_module("vglint.finding"), name)
    raise AttributeError(f"module 'vglint' has no attribute {name!r}")


sys.modules[__name__].__class__ = _Package
