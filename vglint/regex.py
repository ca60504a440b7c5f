"""Regular expressions that are compiled when they are first used: a run uses few of those that the program has."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def regex(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Returns what answers as `re.compile(pattern, flags)` does."""
    return cast(re.Pattern[AnyStr], _Late(pattern, flags))


class _Late:
    """Stands for a pattern. Once that is there, its methods are attributes, so that a call costs no more than the pattern's own."""

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self._written = pattern, flags

    def __getattr__(self, name: str) -> Any:
        if name not in _NAMES:
            raise AttributeError(name)
        compiled: Any = re.compile(*cast(tuple[str, int], self._written))
        self.__dict__.update({each: getattr(compiled, each) for each in _NAMES})
        return self.__dict__[name]


_NAMES = frozenset(
    "match fullmatch search finditer findall sub subn split pattern flags groups groupindex scanner".split()
)
