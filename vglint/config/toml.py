"""The one reader of TOML: a regular file of bounded size, without arrays or tables nested too deeply to be walked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import tomli

from vglint import disk

_DEEPEST = 50
_LARGEST = 1 << 63


class NotToml(Exception):
    """Why a file gives no table, as the rest of a sentence that starts with the file's name."""


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Returns the file's bytes. Raises NotToml."""
    try:
        return disk.read(path, disk.TEXT)
    except disk.Refused as error:
        raise NotToml(str(error.strerror)) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise NotToml(f"cannot be read: {why.lower()}") from None


def table_of(content: bytes) -> dict[str, Any]:
    """Returns the table that bytes hold. Raises NotToml."""
    try:
        table = tomli.loads(content.decode())
    except UnicodeDecodeError as error:
        raise NotToml(f"is not UTF-8: {error.reason}") from None
    except (
        ValueError,
        RecursionError,
        MemoryError,
    ) as error:  # tomli's own error is a ValueError, as is a number without end
        raise NotToml(f"is not valid TOML: {error}") from None
    _check(table)
    return table


def _check(table: Mapping[str, Any]) -> None:
    level: list[object] = [table]
    for _ in range(_DEEPEST):
        inside = [item for value in level for item in _inside(value)]
        if any(isinstance(item, int) and not -_LARGEST <= item < _LARGEST for item in inside):
            raise NotToml("holds a whole number of more than 64 bits")
        level = [item for item in inside if isinstance(item, (dict, list))]
    if level:
        raise NotToml(f"is nested more than {_DEEPEST} deep")


def _inside(value: object) -> list[object]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []
