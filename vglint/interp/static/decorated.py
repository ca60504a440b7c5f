"""Definitions with decorators, and which keys of a registry they may be entered under, by their text alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from msgspec import Struct, field

from vglint.regex import regex
from vglint.source.module import Module


class Decorated(Struct, frozen=True):
    """A definition under a decorator. `key` is its folded name, `text` the folded text that a key may be read from, `computed` whether an
    argument of its decorators is no constant."""

    name: str
    key: str
    text: str
    computed: bool

    def concerns(self, key: str) -> bool:
        """Whether a registry may hold it under a folded key: the key comes from its name, from its text, or is computed."""
        return self.computed or self.key in key or key in self.text


class Filler(Struct, frozen=True):
    """A file that may fill a registry."""

    module: Module
    definitions: tuple[Decorated, ...]

    def concerned(self, key: str) -> frozenset[str]:
        """Returns the names of the definitions that may be entered under a folded key."""
        return frozenset(each.name for each in self.definitions if each.concerns(key))


class Reached(Struct, frozen=True):
    """The files that a file's imports lead to, those of them that may fill registries of another, and the names of its decorators."""

    fillers: tuple[Filler, ...] = ()
    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    answers: dict[str, tuple[tuple[Filler, frozenset[str]], ...]] = field(default_factory=dict)
    """What was found for the keys that were asked for."""

    def concerned(self, key: str) -> tuple[tuple[Filler, frozenset[str]], ...]:
        """Returns the files with definitions that may enter a folded key, and the names of these."""
        if key not in self.answers:
            self.answers[key] = tuple((each, names) for each in self.fillers if (names := each.concerned(key)))
        return self.answers[key]


def decorated(text: str, names: Iterable[str]) -> tuple[Decorated, ...]:
    """Returns the top-level definitions of a text under a decorator that starts with one of some names."""
    return _decorated(text, tuple(sorted(names)))


@lru_cache(maxsize=1024)  # the files of a package reach the same ones
def _decorated(text: str, names: tuple[str, ...]) -> tuple[Decorated, ...]:
    start = re.compile(rf"@[ \t]*(?:{'|'.join(map(re.escape, names))})\b")
    found = []
    for first in filter(None, (start.match(text, at) for at in _decorators(text))):
        head = _DEFINITION.search(text, first.end())
        if head is not None:
            end = _NEXT.search(text, head.end()) if head["word"] == "class" else None
            stop = head.end() if head["word"] != "class" else len(text) if end is None else end.start()
            computed = _COMPUTED.search(text, first.start(), head.start()) is not None
            found.append(Decorated(head["name"], folded(head["name"]), folded(text[first.start() : stop]), computed))
    return tuple(found)


def _decorators(text: str) -> Iterator[int]:
    """Yields where decorators stand at the start of a line: seeking a text takes a tenth of the time of a pattern that is tried at each line."""
    if text.startswith("@"):
        yield 0
    at = text.find("\n@")
    while at >= 0:
        yield at + 1
        at = text.find("\n@", at + 1)


def folded(text: str) -> str:
    """Returns a text without what tells `ResNet` from `res_net`."""
    return text.lower().translate(_SEPARATORS)


_SEPARATORS = str.maketrans("", "", "_-. ")
_DEFINITION = regex(r"^(?:async[ \t]+)?(?P<word>def|class)[ \t]+(?P<name>\w+)", re.MULTILINE)
_NEXT = regex(r"^[@\w]", re.MULTILINE)
_COMPUTED = regex(
    r"""[(\[{,=]\s*(?:(?!(?:True|False|None)\b)[A-Za-z_]\w*(?!\w|\s*=[^=]|['"])|(?:f|rf|fr)['"])""", re.IGNORECASE
)
"""An argument of a decorator that is more than a constant."""
