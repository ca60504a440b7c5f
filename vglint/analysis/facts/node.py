"""Facts of one operation: what it is, where it stands, whether a gradient has to pass it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from vglint import ops
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View, number
from vglint.finding import Place
from vglint.graph import Node
from vglint.value import Unknown


class NodeView(Struct, frozen=True, dict=True):
    """One node of a graph."""

    view: View
    node: Node

    @cached_property
    def input(self) -> Node | None:
        """The node of its first argument."""
        return self.view.graph.nodes[self.node.inputs[0]] if self.node.inputs else None


def node_views(view: View) -> Iterator[NodeView]:
    """Yields every node; a rule says itself which ops it asks about (`op == "exp"`)."""
    return (NodeView(view, node) for node in view.graph.nodes)


@fact("node", "text")
def op(found: NodeView) -> str:
    """The operation, by the name of torch's function: linear, softmax, add. Name it first in a rule's condition: other nodes are then not looked at."""
    return found.node.op


@fact("node", "places")
def place(found: NodeView) -> tuple[Place, ...]:
    """Where it stands."""
    return (found.view.place(found.node.index),)


@fact("node", "text")
def name(found: NodeView) -> str:
    """Its module path, or the op and the module whose forward runs it."""
    return found.view.place(found.node.index).message


@fact("node", "text")
def variable(found: NodeView) -> str | Unknown:
    """Of a `rebind`: the variable of a loop over parameters that is bound to something else, which nothing reads, or the tensor that a step by hand
    replaces. Of a `carried`: the name
    of the state that one turn of a training loop hands to the next one with its history. Of an `idle_init`: the initialiser that is
    defined and never used. Of an `idle_backward`: the module's class."""
    name = found.node.get("name") if found.node.op in ("rebind", "carried", "idle_init", "idle_backward") else None
    return name if isinstance(name, str) else unknown("no variable")


@fact("node", "flag")
def replaces_leaf(found: NodeView) -> bool:
    """Of a `rebind`: a step by hand gives the name of a tensor that requires a gradient to a new one that is computed from it."""
    return found.node.op == "rebind" and found.node.get("by_hand") is True


@fact("node", "flag")
def sends_back(found: NodeView) -> bool:
    """A gradient passes it, and goes on to a parameter, to a tensor that the program marks, or to an input that may be computed by a
    trained model: not to the batches of a training loop, nor to the inputs of a whole model."""
    return not found.view.in_region(found.node, "no_grad") and found.node.index in found.view.sending_back


@fact("node", "flag")
def differentiated(found: NodeView) -> bool:
    """A gradient passes it: it is not under no_grad, its input depends on a parameter or an input of the entry, and its result reaches a
    loss, a backward pass or an output by a differentiable way."""
    return not found.view.in_region(found.node, "no_grad") and found.node.index in found.view.differentiated


@fact("node", "flag")
def sizes_assumed(found: NodeView) -> bool:
    """The sizes are those of a configuration that nobody gave: all defaults of the class that the model's argument is annotated with."""
    return found.view.graph.assumed


@fact("node", "number")
def dim_size(found: NodeView) -> float | Unknown:
    """Size of the dimension that a softmax runs over, that of cross_entropy too: dim 1 of scores (N, C, …)."""
    if found.node.op == "cross_entropy":
        scores = found.view.argument(found.node, "input")
        sizes = found.view.graph.nodes[scores].shape if scores is not None else None
        size = sizes[1] if sizes is not None and len(sizes) > 1 else None
        return float(size) if isinstance(size, int) else unknown("the size is not known")
    dim, shape = number(found.node.get("dim")), found.node.shape
    layer = found.input
    while layer is not None and found.view.kinds[layer.index] == "dropout":
        layer = found.view.graph.nodes[layer.inputs[0]]
    if dim == -1 and layer is not None and layer.op == "linear" and isinstance(layer.get("out_features"), int):
        return float(str(layer.get("out_features")))
    if dim is None or shape is None or not -len(shape) <= dim < len(shape):
        return unknown("the dimension or the shape is not known")
    size = shape[int(dim)]
    return float(size) if isinstance(size, int) else unknown("the size is not known")


@fact("node", "flag")
def doubled(found: NodeView) -> bool:
    """An addition of a value to itself, or to itself after dropout, where the value is what a layer just computed. One line that adds
    different things on other turns (the innermost of a stack of skips) is none."""
    node = found.node
    if node.op != "add" or len(node.inputs) != 2:
        return False
    once, other = node.inputs
    if once != other and not (_dropped(found.view, once) == other or _dropped(found.view, other) == once):
        return False
    if once == other and any(each.span == node.span and len(set(each.inputs)) == 2 for each in found.view.nodes("add")):
        return False
    source = found.view.graph.nodes[other if _dropped(found.view, once) == other else once]
    while found.view.kinds[source.index] == "shape" and source.inputs:
        source = found.view.graph.nodes[source.inputs[0]]
    return (
        found.view.is_weight(source)
        or ops.has(source.op, "matrix_product")
        or found.view.kinds[source.index] in ("norm", "activation", "dropout", "attention", "recurrent")
    )


@fact("node", "number")
def doubled_sums(found: NodeView) -> float:
    """How many additions of its entry add a value to itself so."""
    return float(sum(doubled(NodeView(found.view, node)) for node in found.view.nodes("add")))


def _dropped(view: View, index: int) -> int | None:
    """Returns what a dropout is applied to; None where a value is none."""
    node = view.graph.nodes[index]
    return node.inputs[0] if view.kinds[index] == "dropout" and node.inputs else None


@fact("node", "places")
def operand_place(found: NodeView) -> tuple[Place, ...]:
    """Where its first operand is made."""
    return (found.view.place(found.node.inputs[0]),) if found.node.inputs else ()


@fact("node", "places")
def rewrapped(found: NodeView) -> tuple[Place, ...]:
    """Of a backward pass that reaches no parameter: where its loss was made a new tensor that requires a gradient, or marked as
    requiring one. A new leaf beside which parameters are reached (a gradient penalty's input) is none, nor is one from which the loss
    comes through code that is not followed, which may have parameters of its own, nor one whose own gradient the program reads, to hand
    it on. A new leaf that is itself the loss of code that steps is one in any case: nothing is behind it."""
    view = found.view
    if found.node.op == "backward" and (leaf := _leaf_loss(found)) is not None:
        return view.places([leaf])
    behind = sorted(view.before(found.node.inputs, lambda node: not view.carries_gradient(node)))
    unseen = any(
        view.graph.nodes[index].op == "opaque" or view.hands_on(index) or view.hides_operand(index) for index in behind
    )
    if found.node.op != "backward" or unseen or any(view.trains(index) for index in behind):
        return ()
    marked = [
        index
        for index in behind
        if view.graph.nodes[index].get("value") is True and view.graph.nodes[index].op == "requires_grad"
    ]
    return view.places(index for index in marked if any(view.trains(each) for each in view.before([index])))


def _leaf_loss(found: NodeView) -> int | None:
    """Returns the new leaf that a backward pass starts from, directly, scaled or added up, in code that steps an optimiser."""
    view = found.view
    index = found.node.inputs[0] if found.node.inputs else None
    while index is not None:
        node = view.graph.nodes[index]
        new = node.op == "requires_grad" and node.get("by") != "requires_grad" and node.get("value") is True
        if (
            new
            or _marks_new(view, node)
            or _marks_bare(view, node)
            or (node.op == "tensor" and node.get("requires_grad") is True)
        ):
            moved = any(index in optimizer.inputs for optimizer in view.nodes("optimizer"))
            return index if any(view.nodes("step")) and not moved and _computes(view) else None
        passes = len(node.inputs) == 1 and (_passes_alone(node) or ops.has(node.op, "sums"))
        passes = passes and not view.hides_operand(index)
        index = node.inputs[0] if passes else None
    return None


def _computes(view: View) -> bool:
    """Whether a graph reads a parameter, or code that is not followed may: a step that does nothing on purpose has nothing to lose."""
    return any(node.op == "opaque" or (node.params and view.kinds[node.index] != "train") for node in view.graph.nodes)


def _marks_bare(view: View, node: Node) -> bool:
    """Whether a tensor that is made of numbers which the program makes, and of frozen weights, is marked as one that requires a gradient."""
    if node.op != "requires_grad" or node.get("value") is not True or not node.inputs:
        return False
    behind = [view.graph.nodes[index] for index in view.before(node.inputs)]
    if any(each.op == "opaque" or each.op == "input" or view.hides_operand(each.index) for each in behind):
        return False
    computed = view.kinds[node.inputs[0]] != "create"
    return computed and not any(view.trains(each.index) or view.hands_on(each.index) for each in behind)


def _marks_new(view: View, node: Node) -> bool:
    """Whether a tensor without history, or what is computed of it entry by entry, is marked as one that requires a gradient: `loss.requires_grad = True`."""
    if node.op != "requires_grad" or node.get("value") is not True or not node.inputs:
        return False
    source = view.graph.nodes[node.inputs[0]]
    while source.op != "requires_grad" and len(source.inputs) == 1 and _passes_alone(source):
        source = view.graph.nodes[source.inputs[0]]
    return source.op == "requires_grad" and source.get("value") is False and source.get("by") != "requires_grad"


def _passes_alone(node: Node) -> bool:
    return ops.has(node.op, "affine") or ops.has(node.op, "copies")


@fact("node", "places")
def cut_before(found: NodeView) -> tuple[Place, ...]:
    """Of a backward pass: the ops that cut its loss from the parameters."""
    view = found.view
    behind = view.before(found.node.inputs, lambda node: view.kinds[node.index] == "cut")
    return view.places(index for index in sorted(behind) if view.kinds[index] == "cut")
