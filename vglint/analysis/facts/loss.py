"""Facts of a loss: what reaches it, whether training follows it, and by which ways."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from vglint.analysis.facts.source import Source, source_of
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.value import Unknown


class LossView(Struct, frozen=True, dict=True):
    """One loss node of a graph."""

    view: View
    node: Node

    @cached_property
    def source(self) -> Source | Unknown:
        """What the loss's first argument is."""
        index = self.view.argument(self.node, "log_probs" if self.node.op == "ctc_loss" else "input")
        return unknown("the loss's input is not followed") if index is None else source_of(self.view, index)

    @cached_property
    def target(self) -> Source | Unknown:
        index = self.view.argument(self.node, "target")
        return unknown("the loss's target is not followed") if index is None else source_of(self.view, index)


def loss_views(view: View) -> Iterator[LossView]:
    """Yields the loss nodes of a graph, and each `log_softmax`, which begins one that is written by hand."""
    for node in view.graph.nodes:
        if view.kinds[node.index] == "loss" or node.op == "log_softmax":
            yield LossView(view, node)


@fact("loss", "text")
def loss(found: LossView) -> str:
    """The op: cross_entropy, nll_loss, binary_cross_entropy, binary_cross_entropy_with_logits, mse_loss, …; log_softmax where a loss that is
    written by hand begins with it."""
    return found.node.op


@fact("loss", "text")
def loss_name(found: LossView) -> str:
    """What the program calls it: F.cross_entropy, or the class's name."""
    if found.node.type:
        return found.node.type.rpartition(".")[2]
    return f"F.{found.node.op}"


@fact("loss", "places")
def loss_place(found: LossView) -> tuple[Place, ...]:
    """Where the loss is computed."""
    return (found.view.place(found.node.index),)


@fact("loss", "text")
def input_kind(found: LossView) -> str | Unknown:
    """What the first argument is: logits, probability (softmax), unit (sigmoid), log_probability, log_unit, rectified,
    squashed, mixture (of given values with softmax weights), label, input (of the entry), other. Unknown where the way back meets a gap."""
    return found.source if isinstance(found.source, Unknown) else found.source.kind


@fact("loss", "text")
def input_op(found: LossView) -> str | Unknown:
    """The op that made it so: softmax, sigmoid, log_softmax, linear, …"""
    return found.source if isinstance(found.source, Unknown) else found.view.graph.nodes[found.source.node].op


@fact("loss", "places")
def input_place(found: LossView) -> tuple[Place, ...]:
    """Where that op stands."""
    return () if isinstance(found.source, Unknown) else (found.view.place(found.source.node),)


def pooled(found: LossView) -> bool | Unknown:
    """Between that op and the loss, several positions or steps are pooled into one: its zeros are averaged with what is not zero."""
    if isinstance(found.source, Unknown):
        return found.source
    view = found.view
    between = view.after([found.source.node]) & view.before(found.node.inputs)
    return any(_pools(view, i) for i in between)


def _pools(view: View, index: int) -> bool:
    op = view.graph.nodes[index].op
    return view.kinds[index] == "pool" or has(op, "sums") or has(op, "takes_largest")


@fact("loss", "text")
def input_source(found: LossView) -> str | Unknown:
    """That op and where it is, in words: softmax at act, softmax in model."""
    op = input_op(found)
    if isinstance(op, Unknown) or isinstance(found.source, Unknown):
        return op
    path = found.view.place(found.source.node).message
    return path if path == op or path.startswith(f"{op} in ") else f"{op} at {path}"


@fact("loss", "text")
def target_kind(found: LossView) -> str | Unknown:
    """What the second argument is, in the same words."""
    return found.target if isinstance(found.target, Unknown) else found.target.kind


@fact("loss", "flag")
def log_target(found: LossView) -> bool:
    """A divergence is told that its target is a logarithm."""
    return found.node.get("log_target") is True


@fact("loss", "flag")
def target_mismatched(found: LossView) -> bool:
    """A divergence's target is the logarithm of probabilities where it should be the probabilities, or the other way round."""
    if isinstance(found.target, Unknown):
        return False
    wrong = ("probability", "unit") if log_target(found) else ("log_probability", "log_unit")
    return found.target.kind in wrong


@fact("loss", "flag")
def trained(found: LossView) -> bool:
    """Gradients run from this loss: it is not computed under no_grad, and it reaches a backward call or is returned."""
    view = found.view
    if view.in_region(found.node, "no_grad"):
        return False
    after = view.after([found.node.index])
    ends = {node.index for node in view.nodes("backward", "grad")} | {index for _, index in view.graph.outputs}
    return bool(after & ends)
