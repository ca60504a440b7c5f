"""A graph as it would be: other initialisations, other operations, nodes put in behind others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from vglint.analysis.facts.model import ModelView
from vglint.graph import Config, Graph, Init, Node, Parameter


class Imagined(Struct, frozen=True):
    """What an action would make of a model's graph, and what its reader has to do for that, in the imperative.

    It is not `proved` where models as deep as this one often failed in measured trainings, whatever the gradient's size at the start.
    """

    graph: Graph
    text: str
    proved: bool = True


Imagine: TypeAlias = Callable[[ModelView], "Imagined | None"]
"""Makes the graph that an action would lead to; None where the action does not fit the model."""


class Added(Struct, frozen=True):
    """A node to put in behind another one. It reads that one first, then `others`, positions of the graph as it was."""

    op: str
    config: Config = ()
    others: tuple[int, ...] = ()
    params: tuple[tuple[str, Init], ...] = ()
    type: str | None = None


HE = Init("kaiming_normal", (("a", 0.0), ("mode", "fan_in"), ("nonlinearity", "relu")))
ZEROS = Init("zeros")


MOST_PLAIN = 14
"""Linear layers in a row without a skip connection that train with a matching initialisation alone (docs/advice.md): with 16, SGD failed on some seeds, with 20
on most. There the activations of different inputs become alike (Schoenholz et al. 2017, arXiv:1611.01232). Convolutions of 30 layers trained so (He et al. 2015,
arXiv:1502.01852)."""


def is_shallow(model: ModelView) -> bool:
    """Whether no plain stretch of a model has more linear layers than `MOST_PLAIN`."""
    nodes = model.view.graph.nodes
    return all(sum(nodes[index].op == "linear" for index in run) <= MOST_PLAIN for run in model.path.plain_runs)


def initialised(graph: Graph, nodes: Sequence[int], weight: Init) -> Graph:
    """Returns the graph with the weights of some nodes initialised so, and their biases with zeros."""
    inits: dict[int, Init] = {}
    for index in nodes:
        for name, position in graph.nodes[index].params:
            if name in ("weight", "bias"):
                inits[position] = weight if name == "weight" else ZEROS
    return replace(
        graph,
        parameters=tuple(
            replace(one, init=inits[position], late=False) if position in inits else one
            for position, one in enumerate(graph.parameters)
        ),
    )


def with_ops(graph: Graph, ops: Mapping[int, str]) -> Graph:
    """Returns the graph with elementwise operations in the place of some nodes."""
    return replace(
        graph,
        nodes=tuple(
            replace(node, op=ops[node.index], config=(), type=None, params=()) if node.index in ops else node
            for node in graph.nodes
        ),
    )


def extended(graph: Graph, behind: Mapping[int, Sequence[Added]]) -> Graph:
    """Returns the graph with nodes put in behind others: who read those reads the last of the new ones."""
    nodes: list[Node] = []
    parameters: list[Parameter] = list(graph.parameters)
    place: dict[int, int] = {}
    for node in graph.nodes:
        moved = replace(node, index=len(nodes), inputs=tuple(place[each] for each in node.inputs))
        nodes.append(moved)
        place[node.index] = moved.index
        for added in behind.get(node.index, ()):
            params = []
            for name, init in added.params:
                width = node.shape[1 if len(node.shape) == 4 else -1] if node.shape else None
                params.append((name, len(parameters)))
                parameters.append(Parameter(f"{node.path}.{added.op}.{len(parameters)}", (width,), init))
            inputs = (place[node.index], *(place[other] for other in added.others))
            own = replace(node, index=len(nodes), op=added.op, inputs=inputs, config=added.config, params=tuple(params))
            nodes.append(replace(own, type=added.type))
            place[node.index] = own.index
    outputs = tuple((name, place[index]) for name, index in graph.outputs)
    return replace(graph, nodes=tuple(nodes), parameters=tuple(parameters), outputs=outputs)
