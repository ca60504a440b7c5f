"""The tables filled: every file of the rooms that answer through them is loaded, so that what it registers is there."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from vglint.interp import kinds, library, syntax, torch


def fill() -> None:
    """Loads the rooms' files; a second answer to one question is an error then."""
    for room in (torch, kinds, library, syntax):
        for each in iter_modules(room.__path__):
            import_module(f"{room.__name__}.{each.name}")
