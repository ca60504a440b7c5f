"""Writes that can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from vglint.interp.values.objects import ListV, SetV


class Missing(Enum):
    """What stands where nothing is."""

    MISSING = "MISSING"


MISSING: Final = Missing.MISSING
LIST: Final = object()
"""The key of all items of a list or set."""


@dataclass(frozen=True, slots=True)
class FieldKey:
    name: str


def rewind(log: list[tuple[Any, Any, Any]]) -> dict[tuple[int, Any], tuple[Any, Any, Any]]:
    """Undoes logged writes and returns what the written places held: by place, (holder, key, value after)."""
    after: dict[tuple[int, Any], tuple[Any, Any, Any]] = {}
    for holder, key, _ in log:
        place = (id(holder), key)
        if place not in after:
            after[place] = (holder, key, read_place(holder, key))
    for holder, key, old in reversed(log):
        write_place(holder, key, old)
    return after


def read_place(holder: Any, key: Any) -> Any:
    if key is LIST:
        return list(holder.items)
    if isinstance(key, FieldKey):
        return getattr(holder, key.name)
    return holder.get(key, MISSING)


def write_place(holder: Any, key: Any, value: Any) -> None:
    if key is LIST:
        holder.items[:] = value
    elif isinstance(key, FieldKey):
        setattr(holder, key.name, value)
    elif value is MISSING:
        holder.pop(key, None)
    else:
        holder[key] = value


class Journal(list[tuple[Any, Any, Any]]):
    """Writes that can be taken back: holder, key, what it held; `touched` are the lists and sets among the holders."""

    __slots__ = ("touched",)

    def __init__(self) -> None:
        super().__init__()
        self.touched: dict[int, ListV | SetV] = {}

    def absorb(self, later: Journal) -> Journal:
        """Returns this journal with the writes of a later one at its end."""
        self += later
        self.touched |= later.touched
        return self
