"""Code that is walked to see what comes of it, and kept or taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vglint.interp.machine.core import Run
from vglint.interp.machine.journal import Log, write_place
from vglint.interp.values.inside import inside
from vglint.interp.values.objects import DictV, Instance


class Attempt:
    """Everything that a run does from here on; what it wrote is in a log of its own."""

    __slots__ = (
        "_called",
        "_fitted",
        "_gaps",
        "_made",
        "_noted",
        "_passes",
        "_region",
        "_roots",
        "_told",
        "_written",
        "undone",
    )

    def __init__(self, run: Run, written: Log) -> None:
        graph = run.graph
        self.undone = False
        self._written = written
        self._made = len(graph.nodes), len(graph.regions), len(graph.modules)
        self._passes, self._fitted = len(graph.passes.calls), len(graph.passes.fitted)
        self._roots, self._gaps, self._region = dict(graph.roots), dict(graph.gaps), graph.region
        self._told = graph.trained, graph.asked_turn
        self._called = len(graph.called)
        self._noted = run.memory.mark()

    def undo(self, run: Run) -> None:
        """Takes back what was written and the nodes that were made, with everything that names such a node."""
        self.undone = True
        self._written.taken_back()
        run.journal.version += 1
        graph = run.graph
        nodes, regions, modules = self._made
        del graph.nodes[nodes:], graph.regions[regions:], graph.modules[modules:]
        del graph.passes.calls[self._passes :], graph.passes.fitted[self._fitted :]
        for draft in graph.nodes:
            for key in [key for key, made in draft.picks.items() if made >= nodes]:
                del draft.picks[key]
        tables: tuple[dict[Any, Any], ...] = (graph.constants, graph.labels, graph.carries)
        for table in tables:
            for key in [key for key in table if (key[0] if isinstance(key, tuple) else key) >= nodes]:
                del table[key]
        for name in [name for name, made in graph.given.items() if made >= nodes]:
            del graph.given[name]
        for part in list(graph.called)[self._called :]:
            del graph.called[part]
        run.memory.withdraw(self._noted)
        graph.roots, graph.gaps, graph.region = self._roots, self._gaps, self._region
        graph.trained, graph.asked_turn = self._told


@contextmanager
def attempted(run: Run) -> Iterator[Attempt]:
    """Keeps what is done inside, however it ends, save where the attempt is undone there."""
    with run.journal.recorded() as written:
        yield Attempt(run, written)


_DEPTH, _WIDEST = 64, 20_000
"""Levels and entries of arguments that are looked at."""


def take_back(run: Run, written: Log) -> None:
    """Takes back what an entry wrote, save in what later entries are built with."""
    spared: set[int] = set()
    later = (*run.journal.built.values(), *(called.built for called in run.journal.called.values()))
    for each in (built for built in later if not built.plain):
        for value in inside(*each.args, *each.keywords.values(), depth=_DEPTH, widest=_WIDEST):
            spared.add(id(value))
            match value:
                case Instance():
                    spared.add(id(value.attrs))
                case DictV():
                    spared.add(id(value.items))
                case _:
                    pass
    for holder, key, before in reversed(written):
        if id(holder) not in spared:
            write_place(holder, key, before)
