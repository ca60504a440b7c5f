"""What each op does to the moments of a signal and of a gradient: one function per op, in a table."""

from __future__ import annotations

from collections.abc import Callable

from vglint.analysis.state import Step
from vglint.analysis.use import Use

Map = Callable[[Use], Step]

MAPS: dict[str, Map] = {}
"""The map of each op, by its name in the op table; filled by the modules of this package."""


def maps(*names: str) -> Callable[[Map], Map]:
    """Registers a function as the map of these ops."""

    def register(function: Map) -> Map:
        for name in names:
            if name in MAPS:
                raise ValueError(f"{name} has two maps")
            MAPS[name] = function
        return function

    return register
