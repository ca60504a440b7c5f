"""Facts of random samples that stand between layers and pass no gradient."""

from __future__ import annotations

from vglint.analysis.facts.loop import LoopView
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.ops import has
from vglint.value import Unknown


@fact("loop", "places")
def barring_samples(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """Random samples between layers that the optimiser moves: trained layers give their mean or size, other trained layers read them, and no
    gradient goes back from one to the other, though other terms of the loss train both. None where the sample's probability is used too (a
    score function), or where what is read has another way back (straight-through). Unknown where the way back meets a gap."""
    view = loop.view
    if loop.unexplained or loop.elsewhere:
        return unknown("the training is not followed")
    backwards = view.sent_back()
    reached = view.before(backwards, lambda node: not view.carries_gradient(node))
    if any(view.graph.nodes[index].op == "opaque" for index in reached):
        return unknown("the way from the loss to the parameters is not followed")
    found = dict[Place, None]()
    for index in sorted(reached):
        node = view.graph.nodes[index]
        if has(node.op, "draws") and node.inputs and _bars(loop, index, reached):
            found[Place(node.span, "this sample")] = None
    return tuple(found)


def _bars(loop: LoopView, sample: int, reached: set[int]) -> bool:
    view = loop.view
    given = {each for each in view.before(view.graph.nodes[sample].inputs) if _trained(loop, each) and each in reached}
    if not given:
        return False
    ahead = _up_to_layers(view, sample)
    layers = [each for each in ahead if _trained(loop, each) and each in reached]
    scored = any(
        not view.before([source]).isdisjoint(given)
        for each in ahead - {sample}
        for source in view.graph.nodes[each].inputs
        if source not in ahead
    )
    return bool(layers) and not scored


def _up_to_layers(view: View, start: int) -> set[int]:
    """Returns the nodes that read a value, up to the first layers."""
    seen, todo = {start}, [start]
    while todo:
        index = todo.pop()
        if index != start and view.trains(index):
            continue
        new = [each for each in view.readers[index] if each not in seen]
        seen.update(new)
        todo += new
    return seen


def _trained(loop: LoopView, index: int) -> bool:
    return any(param in loop.params for _, param in loop.view.graph.nodes[index].params)
