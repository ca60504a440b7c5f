"""vglint says from source which line of a PyTorch model kills the gradient, by how much, and how to mend it."""

from __future__ import annotations

from types import ModuleType

__version__ = "0.1.0"

HOME = "https://github.com/vglint/vglint"
"""Where the project lives: its pages are linked from reports."""


def rule_page(rule: str) -> str:
    """Returns the address of the page of a bundled rule."""
    return f"{HOME}/blob/main/docs/rules/{rule}.md"


def __getattr__(name: str) -> ModuleType:
    """Imports `vglint.probe`, which is also a function, on first use."""
    if name != "probe":
        raise AttributeError(f"module 'vglint' has no attribute {name!r}")
    from importlib import import_module

    return import_module("vglint.probe")
