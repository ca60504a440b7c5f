"""Definitions with decorators, and which keys of a registry they may be entered under, by their text alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from vglint.source.module import Module


@dataclass(frozen=True, slots=True)
class Decorated:
    """A definition under a decorator. `heading` is the text of its decorators, `text` what else a key may be read from."""

    name: str
    heading: str
    text: str

    def concerns(self, key: str) -> bool:
        """Whether a registry may hold it under a folded key: the key comes from its name, from its text, or from an argument of
        the decorator that is no constant."""
        return folded(self.name) in key or key in folded(self.text) or _COMPUTED.search(self.heading) is not None


@dataclass(frozen=True, slots=True)
class Filler:
    """A file that may fill a registry."""

    module: Module
    definitions: tuple[Decorated, ...]

    def concerned(self, key: str) -> frozenset[str]:
        """Returns the names of the definitions that may be entered under a folded key."""
        return frozenset(each.name for each in self.definitions if each.concerns(key))


@dataclass(frozen=True, slots=True)
class Reached:
    """The files that a file's imports lead to, those of them that may fill registries of another, and the names of its decorators."""

    fillers: tuple[Filler, ...] = ()
    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def decorated(text: str, names: Iterable[str]) -> tuple[Decorated, ...]:
    """Returns the top-level definitions of a text under a decorator that starts with one of some names."""
    start = re.compile(rf"^@[ \t]*(?:{'|'.join(map(re.escape, sorted(names)))})\b", re.MULTILINE)
    found = []
    for first in start.finditer(text):
        head = _DEFINITION.search(text, first.end())
        if head is not None:
            end = _NEXT.search(text, head.end()) if head["word"] == "class" else None
            stop = head.end() if head["word"] != "class" else len(text) if end is None else end.start()
            found.append(Decorated(head["name"], text[first.start() : head.start()], text[first.start() : stop]))
    return tuple(found)


def folded(text: str) -> str:
    """Returns a text without what tells `ResNet` from `res_net`."""
    return text.lower().translate(_SEPARATORS)


_SEPARATORS = str.maketrans("", "", "_-. ")
_DEFINITION = re.compile(r"^(?:async[ \t]+)?(?P<word>def|class)[ \t]+(?P<name>\w+)", re.MULTILINE)
_NEXT = re.compile(r"^[@\w]", re.MULTILINE)
_COMPUTED = re.compile(
    r"""[(\[{,=]\s*(?:(?!(?:True|False|None)\b)[A-Za-z_]\w*(?!\w|\s*=[^=]|['"])|(?:f|rf|fr)['"])""", re.IGNORECASE
)
"""An argument of a decorator that is more than a constant."""
