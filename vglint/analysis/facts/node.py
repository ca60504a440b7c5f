"""Facts of one operation: those whose gradient is infinite or NaN at the edge of their domain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View, number
from vglint.finding import Place
from vglint.graph import Node
from vglint.value import Unknown

_SUBJECTS = frozenset({"softmax", "log_softmax", "backward"})


@dataclass(frozen=True)
class NodeView:
    """One node of a graph."""

    view: View
    node: Node


def node_views(view: View) -> Iterator[NodeView]:
    """Yields the nodes that some fact is about."""
    for node in view.nodes(*_SUBJECTS):
        yield NodeView(view, node)


@fact("node", "text")
def op(found: NodeView) -> str:
    """The operation."""
    return found.node.op


@fact("node", "places")
def place(found: NodeView) -> tuple[Place, ...]:
    """Where it stands."""
    return (found.view.place(found.node.index),)


@fact("node", "number")
def dim_size(found: NodeView) -> float | Unknown:
    """Size of the dimension that a softmax runs over."""
    dim, shape = number(found.node.get("dim")), found.node.shape
    if dim is None or shape is None or not -len(shape) <= dim < len(shape):
        return unknown("the dimension or the shape is not known")
    size = shape[int(dim)]
    return float(size) if isinstance(size, int) else unknown("the size is not known")


@fact("node", "places")
def rewrapped(found: NodeView) -> tuple[Place, ...]:
    """Of a backward pass: where its loss was made a new tensor that requires a gradient, or marked as requiring one although
    nothing connects it to a parameter."""
    view = found.view
    places = []
    for index in sorted(view.before(found.node.inputs, lambda node: not view.carries_gradient(node))):
        node = view.graph.nodes[index]
        if not _marks(node) or not node.inputs or _depends(view, node, through_cuts=False):
            continue
        if _depends(view, node, through_cuts=True):
            places.append(view.place(index))
    return tuple(places)


@fact("node", "places")
def cut_before(found: NodeView) -> tuple[Place, ...]:
    """Of a backward pass: the ops that cut its loss from the parameters."""
    view = found.view
    behind = view.before(found.node.inputs, lambda node: view.kinds[node.index] == "cut")
    return view.places(index for index in sorted(behind) if view.kinds[index] == "cut")


def _marks(node: Node) -> bool:
    return node.get("requires_grad") is True or (node.op == "requires_grad" and node.get("value") is True)


def _depends(view: View, node: Node, *, through_cuts: bool) -> bool:
    """Whether a value is computed from a trainable parameter; code that is not understood may have done so."""
    behind = view.before(node.inputs, None if through_cuts else lambda other: not view.carries_gradient(other))
    return any(
        view.graph.nodes[index].op == "opaque"
        or any(view.graph.parameters[param].trainable for _, param in view.graph.nodes[index].params)
        for index in behind
    )
