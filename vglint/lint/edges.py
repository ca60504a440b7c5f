"""Ways along imports, from file to file."""

from __future__ import annotations

from collections.abc import Mapping

from vglint.lint.cache import Index


def led_to(edges: Mapping[Index, list[Index]], files: set[Index]) -> set[Index]:
    """Returns the files that the imports of some files lead to, directly or through others."""
    reached: set[Index] = set()
    waiting = list(files)
    while waiting:
        for to in edges.get(waiting.pop(), ()):
            if to not in reached:
                reached.add(to)
                waiting.append(to)
    return reached


def reaching(edges: Mapping[Index, list[Index]], changed: set[Index]) -> set[Index]:
    """Returns `changed` and every file whose imports lead there."""
    importers: dict[Index, list[Index]] = {}
    for source, found in edges.items():
        for to in found:
            importers.setdefault(to, []).append(source)
    return changed | led_to(importers, changed)
