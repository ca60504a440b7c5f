"""Facts of layers and losses that are computed while gradients are switched off."""

from __future__ import annotations

from vglint.analysis.facts.loop import LoopView, places_of
from vglint.analysis.facts.order import earlier
from vglint.analysis.facts.reach import listed_layers, under_no_grad
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node


@fact("loop", "places")
def switched_off(loop: LoopView) -> tuple[Place, ...]:
    """`torch.set_grad_enabled(False)` as a statement that still holds when the next turn of a training loop computes its loss: nothing sets it
    back before."""
    view = loop.view
    switches = list(view.nodes("grad_mode"))
    if not switches or view.cut_short or loop.unexplained:
        return ()
    found = []
    for backward in loop.training_backwards:
        layers = [view.graph.nodes[index] for index in sorted(view.before(backward.inputs))]
        first = next((node for node in layers if node.params and view.kinds[node.index] != "train"), None)
        if first is None or any(view.in_region(node, "grad") or view.in_region(node, "no_grad") for node in layers):
            continue
        last = next(earlier(view, first, switches, loop.optimizer), None)
        if last is not None and last.get("value") is False and last.index > backward.index:
            found.append(last)
    return places_of(loop, found)


def layers_under_no_grad(loop: LoopView) -> tuple[Place, ...]:
    """Layers that the optimiser was given by name, as a group of their own or as another model than the rest, and that every loss reaches only
    through no_grad, where other layers are trained; or all that it was given, where the losses train the layers of another one. Not where another function
    trains too, nor where the program reads them in another way, nor layers of a teacher, which are written where layers are that train."""
    view = loop.view
    backwards = view.sent_back()
    if loop.unexplained or loop.elsewhere or not loop.steps or not loop.params or not backwards:
        return ()
    whole = view.before(backwards, lambda node: not view.carries_gradient(node))
    live = {i for i in view.before(backwards, lambda node: not view.keeps_history(node)) if not _off(view, i)}
    if any(view.graph.nodes[index].op == "opaque" or view.hides_operand(index) for index in whole):
        return ()
    reached = {param for index in live for _, param in view.graph.nodes[index].params} & loop.params
    used = [index for index in sorted(whole - live) if view.trains(index) and _off(view, index)]
    if not reached:
        held = {p for node in view.nodes("optimizer") if node.index != loop.optimizer.index for _, p in node.params}
        others = any(param in held for index in live for _, param in view.graph.nodes[index].params)
        others = others and not any(True for _ in view.nodes("grad", "param_grad"))
        own = [i for i in used if any(param in loop.params for _, param in view.graph.nodes[i].params)]
        alone = others and own and not any(_elsewhere(view, index) for index in own)
        return places_of(loop, [view.graph.nodes[i] for i in own]) if alone else ()
    lost = [i for i in used if not any(param in reached for _, param in view.graph.nodes[i].params)]
    lost = [i for i in lost if any(param in loop.params for _, param in view.graph.nodes[i].params)]
    trained = {(view.graph.nodes[i].op, view.graph.nodes[i].span) for i in live if view.trains(i)}
    lost = [i for i in lost if (view.graph.nodes[i].op, view.graph.nodes[i].span) not in trained]
    return places_of(loop, [view.graph.nodes[i] for i in listed_layers(loop, lost, reached) if not _elsewhere(view, i)])


@fact("loop", "places")
def without_graph(loop: LoopView) -> tuple[Place, ...]:
    """What `under_no_grad` names, else what `switched_off`, else what `layers_under_no_grad` names."""
    return under_no_grad(loop) or switched_off(loop) or layers_under_no_grad(loop)


def _off(view: View, index: int) -> bool:
    return view.in_region(view.graph.nodes[index], "no_grad")


def _elsewhere(view: View, index: int) -> bool:
    """Whether a node's parameters are used where gradients are kept too, in whatever the program computes."""
    own = {param for _, param in view.graph.nodes[index].params}
    others: list[Node] = [view.graph.nodes[each] for param in own for each in view.users.get(param, ())]
    return any(view.kinds[node.index] != "train" and not _off(view, node.index) for node in others)
