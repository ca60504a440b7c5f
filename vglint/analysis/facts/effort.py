"""How much the facts of one file may take: what is not worked out is not known."""

from __future__ import annotations

from msgspec import Struct

VISITS = 2_000_000
"""Nodes that walks through the graphs of a file may come to, some seconds; the largest files of transformers take a twentieth of it."""


class SpentError(Exception):
    """The facts of a file have used up their budget."""


class Effort(Struct):
    """What is left of a budget: counted in nodes, so that it ends at the same place on every machine."""

    left: int = VISITS

    def spend(self, nodes: int) -> None:
        """Takes nodes that are or were visited from the budget; raises SpentError where none is left, also for none."""
        self.left -= nodes
        if self.left < 0:
            raise SpentError
