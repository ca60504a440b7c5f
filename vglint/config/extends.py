"""`extends`: the keys of other configuration files, where a file does not set them itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from vglint.config import schema
from vglint.config.error import ConfigError

Table: TypeAlias = Mapping[str, Any]
Read: TypeAlias = Callable[[str], "tuple[str, Table] | None"]
"""From a path to the name that a file is shown by and its table; None for a file without one."""

_DEEPEST = 5
_MOST = 5
"""Files that one file may extend."""
_ADDED = ("extend-select", "extend-exclude")
"""Arrays that are added to those of the base."""


def with_bases(shown: str, file: str, table: Table, read: Read, above: tuple[str, ...] = ()) -> Table:
    """Returns a table with the keys of the files that it extends, the later ones over the earlier, its own over all. Raises ConfigError."""
    schema.checked(shown, table)
    if len(above) > _DEEPEST:
        raise ConfigError(shown, "extends", f"is the end of a chain of more than {_DEEPEST} files")
    given = table.get("extends", [])
    merged: Table = {}
    names = [given] if isinstance(given, str) else given
    if len(names) > _MOST:
        raise ConfigError(shown, "extends", f"names more than {_MOST} files")
    for name in names:
        base = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(file)), os.path.expanduser(name)))
        if base in (*above, os.path.abspath(file)):
            raise ConfigError(shown, "extends", f"{name!r} extends this file again")
        if not os.path.exists(base):
            raise ConfigError(shown, "extends", f"there is no file {name!r}")
        found = read(base)
        if found is None:
            raise ConfigError(shown, "extends", f"{name!r} has no table [tool.vglint]")
        inner = with_bases(found[0], base, found[1], read, (*above, os.path.abspath(file)))
        merged = _merged(merged, _from(os.path.dirname(base), inner))
    return _merged(merged, {key: value for key, value in table.items() if key != "extends"})


def _merged(base: Table, own: Table) -> Table:
    result = dict(base)
    for key, value in own.items():
        under = result.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            result[key] = _merged(under, value)
        elif key in _ADDED and isinstance(under, list):
            result[key] = [*under, *value]
        else:
            result[key] = value
    return result


def _from(folder: str, table: Table) -> Table:
    """Returns a base's table with its paths, which are relative to its own folder, made absolute."""
    result = dict(table)
    for key in schema.PATHS:
        if key in result:
            value = result[key]
            result[key] = (
                os.path.join(folder, value) if isinstance(value, str) else [os.path.join(folder, one) for one in value]
            )
    return result
