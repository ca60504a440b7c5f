"""A search through files for definitions that may enter a key of a registry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Search:
    """What was looked through: `files` by absolute path, for definitions under decorators of some `names`, for a folded `key`."""

    files: tuple[str, ...]
    names: tuple[str, ...]
    key: str
