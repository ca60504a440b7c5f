"""Facts of optimisers whose parameters nothing trains: all of them are frozen, or they belong to a model that was built anew."""

from __future__ import annotations

from vglint.analysis.facts.loop import LoopView
from vglint.analysis.facts.order import loops_of
from vglint.analysis.facts.spec import fact, unknown
from vglint.finding import Place
from vglint.value import Unknown


@fact("loop", "places")
def frozen_at(loop: LoopView) -> tuple[Place, ...]:
    """Of an optimiser whose every parameter is frozen, or that is given those of a model that want a gradient where none does: where the
    program freezes them."""
    if not loop.steps or loop.optimizer.get("unsettled") is True:  # a branch may have put in a layer that trains
        return ()
    graph = loop.view.graph
    if loop.params:
        held = [graph.parameters[index] for index in loop.params if not graph.parameters[index].buffer]
        if any(parameter.trainable for parameter in held):
            return ()
    elif loop.optimizer.get("complete") is True and not loop.optimizer.inputs:
        held = list(graph.parameters)
        if any(parameter.trainable for parameter in held):
            return ()
    else:
        return ()
    behind = loop.view.before(index for node in loop.view.nodes("backward") for index in node.inputs)
    if any(graph.nodes[index].op == "opaque" for index in behind):
        return ()  # a layer that is not read may have parameters that train
    places = dict.fromkeys(parameter.frozen for parameter in held if parameter.frozen is not None)
    return tuple(Place(span, "frozen here") for span in places)


def _given_nothing(loop: LoopView) -> tuple[Place, ...]:
    """Returns where an optimiser is built of an iterator that is used up: it gets no parameter."""
    empty = loop.optimizer.get("exhausted") is True and not loop.optimizer.params and not loop.optimizer.inputs
    return (loop.view.place(loop.optimizer.index),) if empty and loop.optimizer.get("complete") is True else ()


@fact("loop", "places")
def untrained_at(loop: LoopView) -> tuple[Place, ...]:
    """What `frozen_at` names, else where an optimiser is built of an iterator of parameters that something else has used up before."""
    return frozen_at(loop) or _given_nothing(loop)


@fact("loop", "places")
def replaced_model(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """Of an optimiser whose parameters no operation uses save under no_grad, be it only in the last loop of several that step it, while a backward
    pass of that loop trains layers that no optimiser holds: those layers. Unknown where a call in the training code is not understood."""
    view = loop.view
    if not loop.params or not loop.steps:
        return ()
    last = loops_of(view, loop.steps[-1])[-1:]
    used = {
        param
        for node in view.graph.nodes
        if view.kinds[node.index] != "train" and not view.in_region(node, "no_grad")
        if {*last} <= {*loops_of(view, node)}
        for _, param in node.params
    }
    if used & loop.params:
        return ()
    if loop.unexplained or view.cut_short:
        return unknown("a call in the training code is not understood")
    held = {param for each in view.nodes("optimizer") for _, param in each.params}
    if any(each.get("complete") is False for each in view.nodes("optimizer")):
        return unknown("what another optimiser holds is not known")
    found: dict[int, None] = {}
    around = [loops_of(view, step) for step in loop.steps]
    stepping = {region for regions in around if {*last} <= {*regions} for region in regions}
    for backward in view.nodes("backward"):
        if stepping and stepping.isdisjoint(loops_of(view, backward)):
            continue  # it does not belong to these steps: inputs that are fitted to a model which was trained before
        for index in sorted(view.before(backward.inputs, lambda node: not view.carries_gradient(node))):
            node = view.graph.nodes[index]
            if node.op == "opaque":
                return unknown("the way from the loss to the parameters is not followed")
            if (
                view.trains(index)
                and not view.in_region(node, "no_grad")
                and any(param not in held for _, param in node.params)
            ):
                found[index] = None
    return view.places(found)
