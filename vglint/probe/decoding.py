"""JSON from a process that is not trusted, as the kinds that it should be: every type is checked, every text is made harmless."""

from __future__ import annotations

import json
import os
import stat
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from msgspec import Struct
from msgspec.structs import FieldInfo, fields

_BYTES = 64 << 20
"""The largest reply that is read."""
_LONGEST = 2000
T = TypeVar("T")


class MalformedError(ValueError):
    """The data are not what they should be; the text says which part."""


def read_regular(path: Path, limit: int = _BYTES) -> bytes:
    """Returns the content of a regular file, at most `limit` bytes; raises OSError for a link, a pipe or a larger file."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    file = os.open(path, flags)
    with os.fdopen(file, "rb") as stream:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode) or about.st_size > limit:
            raise OSError(f"{path.name} is no regular file of at most {limit} bytes")
        return stream.read(limit + 1)


def decoded(text: bytes, kind: type[T]) -> T:
    """Returns what JSON text holds; raises MalformedError."""
    try:
        return _converted(json.loads(text), kind, "reply")  # type: ignore[no-any-return]
    except (ValueError, RecursionError, OverflowError) as error:
        raise MalformedError(plain(str(error))[:200]) from None


def plain(text: str) -> str:
    """Returns the text without anything that a terminal would act upon."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else f"\\x{ord(letter):02x}" for letter in text)


def _converted(value: object, kind: Any, where: str) -> Any:
    origin = get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _structure(value, kind, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise MalformedError(f"{where} is no list")
        item, *_ = get_args(kind)
        return tuple(_converted(part, item, f"{where}[{number}]") for number, part in enumerate(value))
    if origin is dict:
        _, item = get_args(kind)
        if not isinstance(value, dict):
            raise MalformedError(f"{where} is no table")
        return {plain(name)[:_LONGEST]: _converted(part, item, f"{where}.{name}") for name, part in value.items()}
    if origin in (Union, UnionType):
        return _one_of(value, get_args(kind), where)
    if origin is Literal:
        if value in get_args(kind):
            return value
    elif kind in (NoneType, bool) and isinstance(value, kind):
        return value
    elif kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    elif kind is int and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        return value
    elif kind is str and isinstance(value, str):
        return plain(value)[:_LONGEST]
    raise MalformedError(f"{where} has the wrong type")


def _one_of(value: object, kinds: tuple[Any, ...], where: str) -> Any:
    ordered = sorted(kinds, key=lambda kind: kind is float)
    for kind in ordered:
        try:
            return _converted(value, kind, where)
        except MalformedError:
            continue
    raise MalformedError(f"{where} has the wrong type")


def _structure(value: object, kind: type[Struct], where: str) -> Any:
    if not isinstance(value, dict):
        raise MalformedError(f"{where} is no table")
    known = _fields(kind)
    if unknown := value.keys() - known.keys():
        raise MalformedError(f"{where} has an unknown key {plain(str(sorted(unknown)[0]))!r}")
    if missing := [name for name, field in known.items() if field.required and name not in value]:
        raise MalformedError(f"{where} lacks {missing[0]}")
    return kind(**{name: _converted(part, known[name].type, f"{where}.{name}") for name, part in value.items()})


@cache
def _fields(kind: type[Struct]) -> dict[str, FieldInfo]:
    return {field.name: field for field in fields(kind)}
