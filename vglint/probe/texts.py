"""Texts that are not there: made-up sentences of common words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_WORDS = "the of and a to in is you that it he was for on are as with his they I at be this have from or one had by word but not what all were we when".split()
TEXT = "".join(
    f"{_WORDS[7 * number * number % 37]}{'.' if number % 11 == 10 else ''}" + {11: "\t", 22: "\n"}.get(number % 23, " ")
    for number in range(4000)
)
"""A text of several lines, each of two parts beside a tab, as pairs of sentences come."""
_COLUMNS = ("text", "review", "sentence", "tweet", "comment", "content", "title", "message", "headline", "question")


def is_text(column: str) -> bool:
    """Whether a column of a table most likely holds texts, by its name."""
    return any(part in column.lower() for part in _COLUMNS)


def sentences(count: int) -> list[str]:
    """Returns as many sentences, of four to eleven words."""
    return [
        " ".join(_WORDS[(7 * number * number + 5 * place * place + place) % 37] for place in range(4 + number % 8))
        for number in range(count)
    ]


class Texts(list[str]):
    """A column of texts: what code does to prepare it leaves it as it is, save a function that is applied to each."""

    @property
    def values(self) -> Texts:
        return self

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int):
            return super().__getitem__(key % len(self))
        return Texts(super().__getitem__(key)) if isinstance(key, slice) else self

    def apply(self, function: Callable[[str], Any], *_: Any, **__: Any) -> Any:
        """Returns what a function makes of each text."""
        made = [function(one) for one in self]
        return Texts(made) if all(isinstance(one, str) for one in made) else _Made(made)

    map = progress_apply = apply

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: Any, **__: Any) -> Texts:
        return self


class _Made(list[Any]):
    """What a function made of each text of a column."""

    @property
    def values(self) -> list[Any]:
        return self

    def tolist(self) -> list[Any]:
        return self

    to_list = tolist
