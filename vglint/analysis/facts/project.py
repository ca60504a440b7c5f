"""What one graph says that matters to another: which optimisers train a class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from vglint.graph import Graph


@dataclass(frozen=True, slots=True)
class Context:
    """The names of the optimisers (`Adam`, `SGD`) by the qualified name of the module class that they train."""

    optimizers: Mapping[str, frozenset[str]] = field(default_factory=dict)


def context_of(graphs: Iterable[Graph]) -> Context:
    """Returns what the training code among the graphs says of the classes that it trains."""
    found: dict[str, set[str]] = {}
    for graph in graphs:
        names = {(node.type or "").rpartition(".")[2] for node in graph.nodes if node.op == "optimizer" and node.type}
        for module in graph.modules if names else ():
            found.setdefault(module.type, set()).update(names)
    return Context({key: frozenset(value) for key, value in found.items()})
