"""Facts of a loss that is a sum: terms that change its value and train nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from vglint.analysis.facts.domain import constant
from vglint.analysis.facts.loop import LoopView
from vglint.analysis.facts.order import earlier
from vglint.analysis.facts.reach import (
    DETACHING,
    before_moved,
    cuts_off,
    flattened_layers,
    named,
    severed,
    severed_layers,
    undifferentiable,
)
from vglint.analysis.facts.samples import barring_samples
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.value import Unknown


@fact("loop", "places")
def cut_terms(loop: LoopView) -> tuple[Place, ...]:
    """Of terms of a loss that reach no parameter by a differentiable way, beside terms that do: what cuts them (`.detach()`, `.data`,
    `.item()`, `.numpy()`). A term that is itself a `.detach()` is meant so."""
    return _of_terms(loop, True)


@fact("loop", "places")
def flat_terms(loop: LoopView) -> tuple[Place, ...]:
    """The same, where what cuts them is an op that has no gradient: argmax, a comparison, rounding, an integer cast."""
    return _of_terms(loop, False)


@fact("loop", "places")
def cut_at(loop: LoopView) -> tuple[Place, ...]:
    """What `severed` names, else what `severed_layers` names, else `cut_terms`."""
    for places in (severed(loop), severed_layers(loop), cut_terms(loop)):
        if not isinstance(places, Unknown) and places:
            return places
    return ()


@fact("loop", "flag")
def cut_by_gradients(loop: LoopView) -> bool:
    """What `cut_at` names first are gradients that were taken without a graph of their own."""
    return cut_at(loop)[:1] in [(named(loop.view, node.index),) for node in loop.view.nodes("grad")]


@fact("loop", "flag")
def only_a_term(loop: LoopView) -> bool:
    """Only a term of the loss is cut off, by whatever op."""
    whole = any(
        not isinstance(places, Unknown) and places
        for places in (severed(loop), severed_layers(loop), undifferentiable(loop), flattened_layers(loop))
    )
    return not whole and bool(cut_terms(loop) or flat_terms(loop))


@fact("loop", "places")
def flat_at(loop: LoopView) -> tuple[Place, ...]:
    """What `undifferentiable` names, else what `flattened_layers` names, else `flat_terms`, else `barring_samples`."""
    for places in (undifferentiable(loop), flattened_layers(loop), flat_terms(loop), barring_samples(loop)):
        if not isinstance(places, Unknown) and places:
            return places
    return ()


def _of_terms(loop: LoopView, detaching: bool) -> tuple[Place, ...]:
    if loop.unexplained or not loop.params:
        return ()
    view, found = loop.view, dict[Place, None]()
    for backward in loop.training_backwards:
        terms = [(index, _open(view, index)) for index in dict.fromkeys(_terms(view, backward))]
        if not any(view.trains(each) for _, open_ in terms for each in open_):
            continue
        own = _moved_after(loop, backward)
        for index, open_ in terms:
            if _is_meant(view, index) or any(_settles(view, each, own) for each in open_):
                continue
            off = [each for each in sorted(open_) if cuts_off(view, each)]
            cuts = [each for each in off if before_moved(loop, each)]
            if not cuts or all(view.graph.nodes[each].op in DETACHING for each in cuts) is not detaching:
                continue
            if _of_others(loop).isdisjoint(named(view, each) for each in off):
                found.update((named(view, each), None) for each in cuts)
    return tuple(found)


def _of_others(loop: LoopView) -> frozenset[Place]:
    """Returns what cuts the whole loss of another optimiser off: what is detached beside it may be meant."""
    others = [severed(LoopView(loop.view, each)) for each in loop.view.nodes("optimizer") if each is not loop.optimizer]
    return frozenset(place for places in others if not isinstance(places, Unknown) for place in places)


@fact("loop", "places")
def untrained_terms(loop: LoopView) -> tuple[Place, ...]:
    """Terms of a loss, beside terms that train, that a network or a loss function computes and that reach nothing that an optimiser of this
    backward pass moves, although nothing cuts them off from it: a teacher compared with itself, a loss of the data alone. Numbers, entropies
    of a target and what is detached on purpose are none."""
    if loop.unexplained or not loop.params:
        return ()
    view, found = loop.view, dict[Place, None]()
    for backward in loop.training_backwards:
        own = _moved_after(loop, backward)
        terms = [(index, _trainable(view, index)) for index in dict.fromkeys(_terms(view, backward))]
        if not own or not any(_reaches(view, open_, own) for _, open_ in terms):
            continue
        for index, open_ in terms:
            if _is_meant(view, index) or any(_settles(view, each, own) for each in open_):
                continue
            nodes = [view.graph.nodes[each] for each in sorted(view.before([index]))]
            if any(cuts_off(view, each) and before_moved(loop, each) for each in open_):
                continue
            if any(has(node.op, "logs") for node in nodes if view.kinds[node.index] != "loss") and not _losses(
                view, open_
            ):
                continue
            if view.in_region(view.graph.nodes[index], "no_grad"):
                continue
            if _losses(view, open_) or any(node.params and view.kinds[node.index] != "train" for node in nodes):
                found[view.place(max(_losses(view, open_), default=index))] = None
    return tuple(found)


def _losses(view: View, indices: set[int]) -> list[int]:
    return [index for index in indices if view.kinds[index] == "loss"]


def _trainable(view: View, index: int) -> set[int]:
    """Returns the nodes that a gradient reaches from a term; what runs under no_grad has no history."""
    stop = lambda node: not view.keeps_history(node)  # noqa: E731
    return {each for each in view.before([index], stop) if not view.in_region(view.graph.nodes[each], "no_grad")}


def _reaches(view: View, indices: set[int], params: frozenset[int]) -> bool:
    return any(param in params for index in indices for _, param in view.graph.nodes[index].params)


def _moved_after(loop: LoopView, backward: Node) -> frozenset[int]:
    """Returns the parameters of the optimisers that a step moves after a backward pass before their gradients are zeroed; none where one of
    them is not known."""
    view, found = loop.view, set[int]()
    for other in view.nodes("optimizer"):
        own = LoopView(view, other)
        events = sorted([*view.nodes("backward"), *own.zeros], key=lambda node: node.index)
        if any(
            backward in takewhile(lambda event: event.op == "backward", earlier(view, step, events, other))
            for step in own.steps
        ):
            if other.get("complete") is False or other.inputs:
                return frozenset()
            found.update(param for _, param in other.params)
    return frozenset(found)


def _settles(view: View, index: int, own: frozenset[int]) -> bool:
    """Whether a node trains, or may do so behind what is not known. A tensor made of a list is new, whatever the list holds. Where it is known
    what is moved (`own`), another network's parameters do not count."""
    hidden = view.kinds[index] != "create" and view.hides_operand(index)
    if view.graph.nodes[index].op == "opaque" or hidden:
        return True
    if not own:
        return view.trains(index)
    return any(param in own for _, param in view.graph.nodes[index].params)


def _open(view: View, index: int) -> set[int]:
    return view.before([index], lambda node: not view.carries_gradient(node))


def _is_meant(view: View, index: int) -> bool:
    """Whether a term says itself that it carries no gradient. A number that is made a tensor again does not; one that a sum starts from does."""
    node = view.graph.nodes[index]
    back = [view.graph.nodes[each] for each in node.inputs if node.op == "requires_grad"]
    if has(node.op, "even") or (view.kinds[index] == "create" and isinstance(node.get("data"), (int, float))):
        return True
    return has(node.op, "detaches") and not any(has(each.op, "leaves_torch") for each in (node, *back))


def _is_factor(node: Node) -> bool:
    """Whether an op multiplies its one argument by a number, or by a GradScaler's."""
    return node.op == "neg" or node.op == "scale" or (has(node.op, "scales") and constant(node) is not None)


def _terms(view: View, backward: Node) -> Iterator[int]:
    """Yields what a loss is the sum of, beyond signs and factors that are numbers: each is a number, as the loss is."""
    todo, seen = list(backward.inputs), set[int]()
    while todo:
        index = todo.pop()
        if index in seen:
            continue
        seen.add(index)
        node = view.graph.nodes[index]
        added = has(node.op, "adds") or has(node.op, "subtracts")
        if added or (len(node.inputs) == 1 and _is_factor(node)):
            todo += node.inputs
        elif has(node.op, "sums") and has(view.graph.nodes[node.inputs[0]].op, "joins"):
            todo += view.graph.nodes[node.inputs[0]].inputs
        else:
            yield index
