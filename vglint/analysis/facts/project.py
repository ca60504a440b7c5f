"""What one graph says that matters to another: which optimisers train a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from vglint import origin
from vglint.graph import Graph
from vglint.span import Span


class Context(Struct, frozen=True):
    """`optimizers` are the names of the optimisers (`Adam`, `SGD`) by the qualified name of the module class that they train; `parts` are
    the classes that some graph uses inside another module, `scheduled` those that training code trains with a learning-rate schedule, or
    by calls that are not understood, or from a checkpoint; `moved` are the places of the parameters that an optimiser is given, with how many
    parameters of one program it is given from there."""

    optimizers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()
    scheduled: frozenset[str] = frozenset()
    moved: Mapping[Span, int] = field(default_factory=dict)


def context_of(graphs: Iterable[Graph]) -> Context:
    """Returns what the training code among the graphs says of the classes that it trains."""
    found: dict[str, set[str]] = {}
    parts: set[str] = set()
    scheduled: set[str] = set()
    graphs = tuple(graphs)
    for graph in (each for each in graphs if not each.alternative):
        roots = graph.kind == "training"
        parts.update(module.type for module in graph.modules if ("." in module.path if roots else module.path))
        names = {(node.type or "").rpartition(".")[2] for node in graph.nodes if node.op == "optimizer" and node.type}
        for module in graph.modules if names else ():
            if module.type.startswith("torch."):
                continue  # a container says nothing of another one
            found.setdefault(module.type, set()).update(names)
        if any(node.op in ("scheduler", "scheduler_step") for node in graph.nodes) or any(
            isinstance(gap.origin, (*origin.CALLS, *origin.UNDEFINED, origin.Budget)) for gap in graph.gaps
        ):
            scheduled.update(module.type for module in graph.modules)
    optimizers = {key: frozenset(value) for key, value in found.items()}
    return Context(optimizers, frozenset(parts), frozenset(scheduled), _moved(graphs))


def _moved(graphs: Iterable[Graph]) -> dict[Span, int]:
    found: dict[Span, int] = {}
    for graph in graphs:
        nodes = (node for node in graph.nodes if node.op in ("optimizer", "param_grad"))
        held = {param for node in nodes for _, param in node.params}
        spans = Counter(span for param in held if (span := graph.parameters[param].span) is not None)
        found.update((span, count) for span, count in spans.items() if count > found.get(span, 0))
    return found
