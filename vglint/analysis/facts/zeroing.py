"""Facts of how often a loop sets its gradients to zero: never, once for many steps, or only in the other arm of a condition."""

from __future__ import annotations

from vglint.analysis.facts.loop import LoopView, places_of
from vglint.analysis.facts.order import always_with, repeats, turning
from vglint.analysis.facts.spec import fact, unknown
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.value import Unknown

_UNCLEAR = "a call in the training code is not understood"


@fact("loop", "flag")
def repeated(loop: LoopView) -> bool:
    """It steps more than once: inside a loop."""
    return any(repeats(loop.view, node, loop.optimizer) for node in loop.steps)


@fact("loop", "places")
def unzeroed_steps(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """Steps that follow the gradients of several turns: a backward pass runs before each, and nothing sets the gradients to zero in
    between. Unknown where a call in the training code is not understood."""
    if loop.unexplained or loop.view.cut_short or (loop.params and not loop.backwards):
        return unknown(_UNCLEAR)
    return places_of(loop, [step for step in loop.steps if _never(loop, step) or _elsewhere(loop, step)])


@fact("loop", "places")
def zeroed_elsewhere(loop: LoopView) -> tuple[Place, ...]:
    """Where the gradients of its steps that are not in time zeroed are zeroed: around their loop, or in another arm of a condition."""
    return places_of(loop, loop.zeros)


@fact("loop", "flag")
def zeroed_in_other_arm(loop: LoopView) -> bool:
    """Its gradients are zeroed in another arm of a condition than the step."""
    late = [step for step in loop.steps if _elsewhere(loop, step)]
    return bool(late) and all(any(loop.view.exclusive(zero, step) for zero in loop.zeros) for step in late)


@fact("loop", "flag")
def given_optimizer(loop: LoopView) -> bool:
    """The optimiser, or the model whose parameters it moves, is an argument of the code and not known."""
    return not loop.params


@fact("loop", "flag")
def learns_nothing(loop: LoopView) -> bool:
    """Its losses are computed of tensors of zeros and of ones alone, beside what the model holds, as where time or memory is measured: there are
    no data."""
    nodes = loop.view.graph.nodes
    before = loop.view.before(source for node in loop.backwards for source in node.inputs)
    first = [nodes[index] for index in before if not nodes[index].inputs and not nodes[index].path]
    return bool(first) and all(has(node.op, "same_numbers") for node in first)


def _never(loop: LoopView, step: Node) -> bool:
    """Whether a step and a backward pass run more than once, and nothing zeroes at all."""
    if loop.zeros or not repeats(loop.view, step, loop.optimizer):
        return False
    if not loop.params:
        return _adds_up(loop, step)
    return any(repeats(loop.view, node, loop.optimizer) for node in loop.backwards)


def _elsewhere(loop: LoopView, step: Node) -> bool:
    """Whether every turn of the innermost loop around a step runs it and a backward pass, and no zeroing runs in such a turn."""
    return bool(loop.zeros) and _adds_up(loop, step)


def _adds_up(loop: LoopView, step: Node) -> bool:
    inner = next(iter(turning(loop.view, step, loop.optimizer)), None)
    if inner is None or _short(loop.view.graph.regions[inner].count):
        return False
    added = [node for node in loop.backwards if inner in loop.view.regions_of(node.region)]
    added = [node for node in added if always_with(loop.view, node, step) and _after(loop, step, node)]
    in_turn = [zero for zero in loop.zeros if inner in loop.view.regions_of(zero.region)]
    return bool(added) and all(loop.view.exclusive(zero, step) for zero in in_turn)


def _after(loop: LoopView, step: Node, backward: Node) -> bool:
    """Whether a step runs whenever a backward pass does, but for a check of the gradients between the two."""
    if always_with(loop.view, step, backward):
        return True
    shared = frozenset(loop.view.regions_of(backward.region))
    around = [loop.view.graph.regions[index] for index in loop.view.regions_of(step.region) if index not in shared]
    return all(region.role == "gradient_norm" for region in around)


def _short(count: object) -> bool:
    """Whether a loop has so few turns that it may be one of phases, not of batches."""
    return isinstance(count, int) and count <= 3
