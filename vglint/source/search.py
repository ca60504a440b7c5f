"""A search through files for definitions that may enter a key of a registry."""

from __future__ import annotations

from msgspec import Struct


class Search(Struct, frozen=True):
    """What was looked through: `files` by absolute path, for definitions under decorators of some `names`, for a folded `key`."""

    files: tuple[str, ...]
    names: tuple[str, ...]
    key: str
