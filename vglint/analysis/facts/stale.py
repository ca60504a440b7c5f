"""Facts of a backward pass that needs weights as they were before a step changed them."""

from __future__ import annotations

from vglint.analysis.facts.loop import LoopView, places_of
from vglint.analysis.facts.order import always_with, loops_of
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has


@fact("loop", "places")
def stale_backwards(loop: LoopView) -> tuple[Place, ...]:
    """Backward passes, after a step of it, through a layer that ran before that step and whose weight the pass needs as it was."""
    found = []
    for backward in loop.view.nodes("backward"):
        if _stale(loop, backward):
            found.append(backward)
    return places_of(loop, found)


@fact("loop", "places")
def stale_layers(loop: LoopView) -> tuple[Place, ...]:
    """Those layers."""
    nodes = {node.index: node for backward in loop.view.nodes("backward") for node in _stale(loop, backward)}
    return places_of(loop, list(nodes.values()))


@fact("loop", "places")
def stale_steps(loop: LoopView) -> tuple[Place, ...]:
    """The steps between those layers and those backward passes."""
    pairs = ((backward, _stale(loop, backward)) for backward in loop.view.nodes("backward"))
    between = {step.index for backward, nodes in pairs for node in nodes for step in _steps(loop, node, backward)}
    return places_of(loop, [step for step in loop.steps if step.index in between])


@fact("loop", "places")
def resent_layers(loop: LoopView) -> tuple[Place, ...]:
    """Layers that ran once before a loop and whose graph the backward pass of its first turn frees, while each turn sends a gradient through it."""
    nodes = {node.index: node for backward in loop.view.nodes("backward") for node in _resent(loop, backward)}
    return places_of(loop, list(nodes.values()))


@fact("loop", "places")
def outdated_backwards(loop: LoopView) -> tuple[Place, ...]:
    """What `stale_backwards` names, else backward passes that go through `resent_layers`."""
    return stale_backwards(loop) or places_of(
        loop, [backward for backward in loop.view.nodes("backward") if _resent(loop, backward)]
    )


def _resent(loop: LoopView, backward: Node) -> list[Node]:
    """The layers behind what a loop around a backward pass reads of before it, in each turn anew."""
    view = loop.view
    if not loop.params or backward.get("retain_graph") not in (None, False) or backward.get("inputs") is not None:
        return []
    around = view.regions_of(backward.region)
    behind = view.before(backward.inputs, lambda node: not view.keeps_history(node) or node.op == "join")
    open_: set[int] = set()
    for mark in view.nodes("resent"):
        if behind.isdisjoint(mark.inputs):
            continue
        inner = around[: around.index(mark.region)] if mark.index > backward.index and mark.region in around else ()
        kinds = {view.graph.regions[each].kind for each in inner}
        counts = [view.graph.regions[each].count for each in inner if view.graph.regions[each].kind == "loop"]
        again = any(not isinstance(count, int) or count > 1 for count in counts)
        if again and kinds.isdisjoint(("branch", "handler")):
            open_ |= view.before(mark.inputs, lambda node: not view.keeps_history(node) or node.op == "join")
    return [
        node
        for node in (view.graph.nodes[index] for index in sorted(open_))
        if view.is_weight(node)
        and any(param in loop.params and view.graph.parameters[param].trainable for _, param in node.params)
        and not view.in_region(node, "no_grad")
        and not view.exclusive(node, backward)
    ]


def _steps(loop: LoopView, node: Node, backward: Node) -> list[Node]:
    """The steps that change the weights between a layer and a backward pass through it."""
    view = loop.view
    return [
        step
        for step in loop.steps
        if _between(loop, step, backward) and _since(view, node, step, backward) and not view.exclusive(node, step)
    ]


def _stale(loop: LoopView, backward: Node) -> list[Node]:
    view = loop.view
    if not loop.params or not any(_between(loop, step, backward) for step in loop.steps):
        return []
    open_ = view.before(backward.inputs, lambda node: not view.keeps_history(node))
    if backward.get("inputs") is not None:
        return []
    found = []
    for index in sorted(open_):
        node = view.graph.nodes[index]
        if _needs_weight(view, node, loop.params) and not _cast(view, node) and _steps(loop, node, backward):
            found.append(node)
    return found


def _since(view: View, node: Node, step: Node, backward: Node) -> bool:
    """Whether a layer ran before a step: in the same turn, or before a loop in whose next turn its graph is used again."""
    if step.index < backward.index:
        return node.index < step.index
    inner = loops_of(view, backward)
    return bool(inner) and inner[0] not in view.regions_of(node.region)


def _between(loop: LoopView, step: Node, backward: Node) -> bool:
    """Whether a step runs before a backward pass whenever that runs: in the same turn, or in the turn before of a graph that is retained. Of one of
    several optimisers that a loop builds, the step of the turn before is another one's."""
    view = loop.view
    if not always_with(view, step, backward) or view.exclusive(step, backward):
        return False
    if step.index < backward.index:
        return True
    inner = loops_of(view, backward)
    count = view.graph.regions[inner[0]].count if inner else 1
    again = bool(inner) and inner[0] in view.regions_of(step.region) and not (isinstance(count, int) and count < 2)
    if not again or view.graph.regions[inner[0]].role == "modules":
        return False
    one_of_several = not {*loops_of(view, loop.optimizer)} <= {*loops_of(view, step)}
    return backward.get("retain_graph") is True and not one_of_several


def _needs_weight(view: View, node: Node, moved: frozenset[int]) -> bool:
    """Whether the gradient that passes a node to what trains before it is computed with a weight that the optimiser moves."""
    if view.in_region(node, "no_grad"):
        return False
    if node.op == "parameter":
        return False  # what multiplies with it may have run later
    if any(_is_moved(view, index, moved) and _multiplies(view, node, index) for index in node.inputs):
        return True
    own = {param for name, param in node.params if not name.startswith("bias")}
    if not own & moved or view.kinds[node.index] == "train":
        return False
    # A recurrent layer keeps its weights for the backward pass whatever it is given.
    saves = view.kinds[node.index] == "recurrent"
    return saves or (not has(node.op, "looks_up") and _wants(view, node.inputs[:1]))


def _is_moved(view: View, index: int, moved: frozenset[int]) -> bool:
    """Whether a value is a parameter by itself that the optimiser moves."""
    node = view.graph.nodes[index]
    return node.op == "parameter" and any(param in moved for _, param in node.params)


def _multiplies(view: View, reader: Node, parameter: int) -> bool:
    others = [index for index in reader.inputs if index != parameter]
    product = has(reader.op, "multiplies") or has(reader.op, "adds_product") or reader.op == "prelu"
    return product and _wants(view, others)


def _wants(view: View, inputs: list[int] | tuple[int, ...]) -> bool:
    """Whether a gradient has to reach one of some values."""
    behind = view.before(inputs, lambda node: not view.keeps_history(node))
    return any(view.trains(index) and not view.in_region(view.graph.nodes[index], "no_grad") for index in behind)


def _cast(view: View, node: Node) -> bool:
    """Whether autocast runs a node on a copy of its weight."""
    return view.in_region(node, "autocast")
