"""Facts of results that each turn of a loop puts in the place of the one before, so that only the last one counts."""

from __future__ import annotations

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.order import loops_of
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has


@fact("node", "places")
def last_loss_alone(found: NodeView) -> tuple[Place, ...]:
    """Of a loss that each turn of a loop binds to a name anew, and that nothing in the loop reads: the backward pass behind the loop, which sends
    back the last turn's alone."""
    view, node = found.view, found.node
    made = found.input if node.op == "overwritten" else None
    if made is None or made.shape != () or not _has_turns(view, made):
        return ()
    passes = []
    for backward in view.nodes("backward"):
        own = loops_of(view, backward)
        if made.index not in view.before(backward.inputs, lambda each: not view.keeps_history(each)):
            continue
        inside = any(loop in own for loop in loops_of(view, made) if loop not in loops_of(view, node))
        moved = any(step.index > backward.index for step in view.nodes("step"))
        if (
            not inside
            and moved
            and backward.index > node.index
            and any(view.trains(i) for i in view.before([made.index]))
        ):
            passes.append(backward.index)
    return view.places(passes)


@fact("node", "places")
def layers_left_behind(found: NodeView) -> tuple[Place, ...]:
    """Of a result that each turn of a loop over layers binds to a name anew, where no turn reads the one before: the layers of the turns before the
    last, whose results nothing uses."""
    view, node = found.view, found.node
    made = found.input if node.op == "overwritten" else None
    if made is None or not view.readers[made.index]:
        return ()
    idle = [each for each in _alike(view, made) if not _used(view, each)]
    if not idle or made in idle:
        return ()
    behind = view.before([made.index])
    own = {param for index in behind for _, param in view.graph.nodes[index].params}
    layers = [i for each in idle for i in view.before([each.index]) - behind if view.trains(i)]
    layers = [i for i in layers if not any(param in own for _, param in view.graph.nodes[i].params)]
    return view.places(sorted(i for i in dict.fromkeys(layers) if view.is_weight(view.graph.nodes[i])))


@fact("node", "text")
def overwritten_name(found: NodeView) -> str:
    """The name that each turn binds."""
    return str(found.node.get("name") or "") if found.node.op == "overwritten" else ""


@fact("node", "flag")
def stands_still(found: NodeView) -> bool:
    """No optimiser moves parameters of this node, and each turn of the loop around it steps one that moves others: a target network."""
    view, own = found.view, {param for _, param in found.node.params}
    around = set(loops_of(view, found.node))
    steps = any(around & set(loops_of(view, step)) for step in view.nodes("step"))
    makers = view.nodes("optimizer")
    return steps and not any(
        each.get("complete") is False or own & {param for _, param in each.params} for each in makers
    )


@fact("node", "flag")
def trained_beside(found: NodeView) -> bool:
    """The entry steps an optimiser that moves parameters of this node, before it or in a loop around both."""
    view, own = found.view, {param for _, param in found.node.params}
    around = set(loops_of(view, found.node))
    steps = [step for step in view.nodes("step") if step.index < found.node.index or around & set(loops_of(view, step))]
    stepped = {index for step in steps for index in step.inputs}
    return any(each.index in stepped and own & {param for _, param in each.params} for each in view.nodes("optimizer"))


def _alike(view: View, made: Node) -> list[Node]:
    """Returns what the turns of a loop that was walked turn by turn made at one place."""
    return [each for each in view.nodes(made.op) if each.span == made.span and each.region == made.region]


def _has_turns(view: View, made: Node) -> bool:
    """Whether a node lies in a loop of more than one turn, or was made in several turns."""
    inner = loops_of(view, made)
    count = view.graph.regions[inner[0]].count if inner else None
    return len(_alike(view, made)) > 1 or (bool(inner) and not (isinstance(count, int) and count < 2))


def _used(view: View, node: Node) -> bool:
    outputs = {index for _, index in view.graph.outputs}
    return any(
        index in outputs or (view.kinds[index] != "train" and index != node.index)
        for index in view.after([node.index])
        if (index == node.index and index in outputs) or index != node.index
    ) or has(node.op, "leaves_torch")
