"""Code that is walked to see what comes of it, and kept or taken back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vglint.interp.machine.core import Run
from vglint.interp.machine.journal import Journal, rewind, write_place
from vglint.interp.values.objects import DictV, Instance, ListV, Value


class Attempt:
    """Everything that a run does from here on, until it is kept or undone; what it wrote is in a journal of its own."""

    __slots__ = ("_before", "_fitted", "_gaps", "_made", "_noted", "_passes", "_region", "_roots", "_written")

    def __init__(self, run: Run) -> None:
        self._before, self._written = run.journal, Journal()
        self._made = len(run.nodes), len(run.regions), len(run.modules)
        self._passes, self._fitted, self._roots = len(run.passes.calls), len(run.passes.fitted), dict(run.roots)
        self._gaps, self._region = dict(run.gaps), run.region
        self._noted = run.memory.mark()
        run.journal = self._written

    def keep(self, run: Run) -> None:
        run.journal = None if self._before is None else self._before.absorb(self._written)

    def undo(self, run: Run) -> None:
        """Takes back what was written and the nodes that were made, with everything that names such a node."""
        rewind(self._written)
        run.version += 1
        nodes, regions, modules = self._made
        del run.nodes[nodes:], run.regions[regions:], run.modules[modules:], run.passes.calls[self._passes :]
        del run.passes.fitted[self._fitted :]
        run.roots = self._roots
        for draft in run.nodes:
            for key in [key for key, made in draft.picks.items() if made >= nodes]:
                del draft.picks[key]
        tables: tuple[dict[Any, Any], ...] = (run.constants, run.labels, run.carries)
        for table in tables:
            for key in [key for key in table if (key[0] if isinstance(key, tuple) else key) >= nodes]:
                del table[key]
        run.memory.withdraw(self._noted)
        run.gaps, run.region, run.journal = self._gaps, self._region, self._before


def take_back(run: Run) -> None:
    """Takes back what an entry wrote, save in what later entries are built with."""
    spared: set[int] = set()
    for args, keywords in run.built.values():
        _reach([*args, *keywords.values()], spared)
    for holder, key, before in reversed(run.journal or []):
        if id(holder) not in spared:
            write_place(holder, key, before)


def _reach(values: Iterable[Value], seen: set[int]) -> None:
    for value in values:
        if id(value) in seen:
            continue
        if isinstance(value, Instance):
            seen |= {id(value), id(value.attrs)}
            _reach(value.attrs.values(), seen)
        elif isinstance(value, DictV):
            seen |= {id(value), id(value.items)}
            _reach(value.items.values(), seen)
        elif isinstance(value, ListV):
            seen.add(id(value))
            _reach(value.items, seen)
        elif isinstance(value, tuple):
            _reach(value, seen)
