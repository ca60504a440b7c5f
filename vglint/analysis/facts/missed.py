"""Facts of what no optimiser is given: layers and parameters that a loss reaches, groups that are left over."""

from __future__ import annotations

from vglint.analysis.facts.klass import RANDOM
from vglint.analysis.facts.loop import LoopView
from vglint.analysis.facts.reach import lone_parameters
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import ModuleInfo
from vglint.value import Unknown


@fact("loop", "places")
def missed_layers(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """Layers that the loss trains through and that no optimiser moves, beside layers that one moves: not those that data is fitted to.
    Frozen ones do not count. In front of all layers that are moved, only a model of which nothing is moved, and that starts at random:
    a backbone that was trained before stands there on purpose. Unknown where an optimiser's parameters are not known."""
    optimizers = list(loop.view.nodes("optimizer"))
    if any(not node.params or node.get("complete") is False for node in optimizers) or loop.unexplained:
        return unknown("an optimiser's parameters are not known")
    if loop.elsewhere:
        return unknown("another function trains too")
    loop.view.effort.spend(sum(len(node.params) for node in optimizers) // 4)
    moved = {index for node in optimizers for _, index in node.params}
    steered = {index for node in optimizers if node.get("listed") is not True for _, index in node.params}
    hidden = tuple(
        module.path
        for module in loop.view.graph.modules
        if not module.registered and (not module.path.startswith("<") or not _of_a_class(module))
    )
    found: dict[Place, None] = {}
    for backward in loop.training_backwards:
        behind = loop.view.before(backward.inputs, lambda node: not loop.view.keeps_history(node))
        behind = {index for index in behind if not loop.view.in_region(loop.view.graph.nodes[index], "no_grad")}
        driven = [i for i in behind if any(param in steered for _, param in loop.view.graph.nodes[i].params)]
        ahead = loop.view.after(driven)
        in_front = _untrained_models(loop, sorted((behind & loop.view.before(driven)) - ahead), moved)
        in_front += [index for index in behind if _is_thawed(loop.view, index)]
        lone = _lone(loop, behind, driven, ahead)
        for index in sorted((behind & ahead).union(in_front, lone)):
            own = [param for _, param in loop.view.graph.nodes[index].params]
            live = [param for param in own if loop.view.graph.parameters[param].trainable]
            if loop.view.graph.nodes[index].path.startswith(hidden):
                continue  # no parameters() shows these: that is a cause of its own
            if live and not any(param in moved for param in own) and not _finished(loop.view, index, moved):
                place = loop.view.place(index)
                found[Place(place.span, loop.view.graph.parameters[own[0]].path) if index in lone else place] = None
    return tuple(found)


def _lone(loop: LoopView, behind: set[int], driven: list[int], ahead: set[int]) -> list[int]:
    """Returns those of some nodes that are parameters of a module by themselves (class centres, the weights of a loss's terms, an adapter) and
    that stand beside or after what an optimiser moves, not in front of all of it."""
    view, found = loop.view, list[int]()
    inside = [index for index in sorted(behind) if view.graph.nodes[index].path]
    for index in lone_parameters(view, inside) if driven else ():
        own = [view.graph.parameters[param] for _, param in view.graph.nodes[index].params]
        joins = {_joined(view, reader) for reader in view.readers[index]}
        held = f"{view.graph.nodes[index].path}.value"  # what a module is given, and does not hold
        if joins & ahead and all(each.registered and not each.leaf and each.path != held for each in own):
            found.append(index)
    return found


def _joined(view: View, index: int) -> int:
    """Returns the first node from a value on that another one enters too."""
    while len(view.graph.nodes[index].inputs) < 2 and len(view.readers[index]) == 1:
        index = view.readers[index][0]
    return index


def _is_thawed(view: View, index: int) -> bool:
    """Whether the program froze the parameters of a layer, and asks for their gradients again."""
    own = [view.graph.parameters[param] for _, param in view.graph.nodes[index].params]
    return bool(own) and all(each.thawed and each.trainable for each in own)


def _untrained_models(loop: LoopView, layers: list[int], moved: set[int]) -> list[int]:
    """Returns those of some layers whose model starts at random and gets no step from any optimiser: nobody takes its features on purpose."""
    view, found = loop.view, list[int]()
    for index in layers:
        root = view.graph.nodes[index].path.split(".")[0]
        own = view.parameters_under(root) if root else frozenset[int]()
        inits = [view.graph.parameters[each].init.scheme for each in own]
        if not own & moved and not RANDOM.isdisjoint(inits) and "unknown" not in inits:
            found.append(index)
    return found


def _of_a_class(module: ModuleInfo) -> bool:
    """Whether a module that no variable names is a model of the program's own, which some object holds, or a part of it."""
    inner = not module.path.endswith(">")
    return inner or (not module.path.endswith(" of forward>") and not module.type.startswith("torch."))


def _finished(view: View, index: int, moved: set[int]) -> bool:
    """Whether a layer belongs to a model of which no optimiser moves anything, and that is loaded or set to evaluate: a critic that was
    trained before."""
    graph = view.graph
    root = graph.nodes[index].path.split(".")[0]
    if any(param in moved for param in view.parameters_under(root)):
        return False
    evaluated = any(node.path == root or node.path.startswith(f"{root}.") for node in view.nodes("eval_mode"))
    own = [graph.parameters[param] for _, param in graph.nodes[index].params]
    return evaluated or all(param.init.scheme == "unknown" for param in own)


@fact("loop", "text")
def forgotten_group(loop: LoopView) -> str | Unknown:
    """The variable of a group of parameters that is filled before the optimiser is built, that the optimiser does not get and that
    nothing reads later. Unknown where there is none."""
    name = loop.optimizer.get("forgotten")
    return name if isinstance(name, str) else unknown("no group is left over")
