"""Traces that several readers ask for: each graph is predicted once."""

from __future__ import annotations

from vglint.analysis.propagate import propagate
from vglint.graph import Graph
from vglint.signal import Trace


class Predicted:
    """The traces of graphs, predicted when they are asked for and kept as long as this lives."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, tuple[Graph, Trace]] = {}

    def __call__(self, graph: Graph) -> Trace:
        known = self._known.get(id(graph))
        if known is None:
            known = self._known[id(graph)] = graph, propagate(graph)
        return known[1]
