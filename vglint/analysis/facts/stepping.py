"""Facts of how often an optimiser steps: never, at every k-th turn, or anew with each one that is built."""

from __future__ import annotations

from collections.abc import Iterator

from vglint import origin
from vglint.analysis.facts.domain import constant
from vglint.analysis.facts.loop import LoopView, optimizer, places_of
from vglint.analysis.facts.model import ADAPTIVE
from vglint.analysis.facts.order import always_with, loops_of, repeats
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View, number
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import kind
from vglint.value import Unknown

_FEW = 3
"""Turns of a loop that may be one of phases."""
_STATEFUL = ADAPTIVE | {"Adadelta", "ASGD", "Rprop", "LBFGS"}


# ---- never stepped


@fact("loop", "flag")
def never_stepped(loop: LoopView) -> bool | Unknown:
    """Backward passes that reach its parameters run in a loop, and nothing steps it: no `step`, no closure, no other optimiser that holds the
    same parameters. Unknown where a call in the training code is not understood, or who calls the function may step it."""
    if loop.steps or not loop.params or not _repeated_backwards(loop):
        return False
    if loop.view.graph.steps_outside:
        return unknown("the code that calls the function may take the step")
    if loop.unexplained or loop.view.cut_short:
        return unknown("a call in the training code is not understood")
    others = [each for each in loop.view.nodes("optimizer") if each.index != loop.optimizer.index]
    stepping = {index for step in loop.view.nodes("step") for index in step.inputs}
    if any(not step.inputs for step in loop.view.nodes("step")):
        return unknown("a step of an optimiser that is not known")
    moved = {param for each in others if each.index in stepping for _, param in each.params}
    given = any(each.get("complete") is False and each.index in stepping for each in others)
    return not given and not (loop.params & moved)


@fact("loop", "flag")
def schedule_stepped(loop: LoopView) -> bool:
    """A learning-rate schedule of it is stepped."""
    schedules = {node.index for node in loop.view.nodes("scheduler") if loop.optimizer.index in node.inputs}
    return any(set(node.inputs) & schedules for node in loop.view.nodes("scheduler_step"))


@fact("loop", "flag")
def never_backward(loop: LoopView) -> bool | Unknown:
    """It steps in a loop that computes a loss from its parameters, and no backward pass runs anywhere. Unknown where a call in the training
    code is not understood."""
    view = loop.view
    if not loop.params or not loop.steps:
        return False
    if any(True for _ in view.nodes("backward", "grad", "param_grad", "opaque")) or not _repeated(loop, loop.steps):
        return False
    if view.graph.gaps and any(step.get("closure") is True for step in loop.steps):
        return unknown("the closure may not be followed")
    if loop.unexplained or view.cut_short or any(isinstance(gap.origin, origin.CALLS) for gap in view.graph.gaps):
        return unknown("a call in the training code is not understood")
    losses = [node for node in view.graph.nodes if view.kinds[node.index] == "loss" and loops_of(view, node)]
    handed = view.before(source for node in view.nodes("handed") for source in node.inputs)
    if any(node.index in handed for node in losses):
        return unknown("a loss is handed to code that is not followed")
    return any(loop.reaches(node) for node in losses if not view.in_region(node, "no_grad"))


@fact("loop", "flag")
def returns_no_loss(loop: LoopView) -> bool:
    """Its steps are a trainer's, after a `training_step` that returns nothing."""
    around = {index for step in loop.steps for index in loop.view.regions_of(step.region)}
    return never_backward(loop) is True and any(loop.view.graph.regions[index].role == "trainer" for index in around)


@fact("loop", "places")
def never_moved_at(loop: LoopView) -> tuple[Place, ...]:
    """The `training_step` that returns nothing, else where the optimiser is built."""
    return places_of(loop, loop.steps[:1] if returns_no_loss(loop) else [loop.optimizer])


@fact("loop", "flag")
def never_reached(loop: LoopView) -> bool | Unknown:
    """It steps in a loop whose backward passes train other networks, and no loss of any of them is computed from its parameters, not even by a
    way that is cut. Unknown where a call in the training code is not understood, or gradients are put in place by hand."""
    view = loop.view
    passes = list(view.nodes("backward"))
    if not loop.params or not passes or any(step.get("closure") is True for step in loop.steps):
        return False
    if not _repeated(loop, loop.steps) or not any(view.graph.parameters[index].trainable for index in loop.params):
        return False
    if loop.elsewhere or loop.unexplained or view.cut_short or any(True for _ in view.nodes("grad", "param_grad")):
        return unknown("gradients may come from elsewhere")
    if any(isinstance(gap.origin, origin.CALLS) for gap in view.graph.gaps) or any(not node.inputs for node in passes):
        return unknown("a call in the training code is not understood")
    around = {index for node in passes for index in view.regions_of(node.region)}
    if any(view.graph.regions[index].role == "modules" for index in around):
        return unknown("the turn of one network stands for those of the others")
    behind = view.before(index for node in passes for index in node.inputs)
    if any(view.graph.nodes[index].op == "opaque" or view.hides_operand(index) for index in behind):
        return unknown("the way from the loss to the parameters is not followed")
    if not all(any(view.trains(index) for index in view.before(node.inputs)) for node in passes):
        return unknown("a loss is computed from nothing that is known to train")
    reached = {param for index in behind for _, param in view.graph.nodes[index].params}
    return not loop.params & reached and not loop.by_hand


def _repeated_backwards(loop: LoopView) -> bool:
    return any(
        node.inputs and loop.reaches(node, surely=True) and loops_of(loop.view, node) and _in_loop_after(loop, node)
        for node in loop.view.nodes("backward")
    )


def _in_loop_after(loop: LoopView, node: Node) -> bool:
    return repeats(loop.view, node, loop.optimizer)


def _repeated(loop: LoopView, nodes: tuple[Node, ...]) -> bool:
    return any(repeats(loop.view, node, loop.optimizer) for node in nodes)


# ---- accumulation


@fact("loop", "places")
def zeroed_each_turn(loop: LoopView) -> tuple[Place, ...]:
    """Zeroings that run at every turn before a backward pass, where the step runs only at every k-th turn or after the loop: the gradients of
    the turns between are thrown away."""
    found = _zeroed_in_vain(loop)
    for step, branch, inner in _periodic(loop):
        zeros = [zero for zero in loop.zeros if inner in loop.view.regions_of(zero.region)]
        always = [zero for zero in zeros if branch not in loop.view.regions_of(zero.region)]
        added = _added(loop, branch, inner)
        always = [zero for zero in always if any(always_with(loop.view, zero, node) for node in added)]
        always = [zero for zero in always if not loop.view.exclusive(zero, step)]
        if frozenset().union(*map(loop.zeroed_by, always)) >= loop.params:  # at once, or parameter by parameter
            found += always
    return places_of(loop, found)


@fact("loop", "flag")
def steps_once_over(loop: LoopView) -> bool:
    """What `zeroed_each_turn` names runs in a loop after whose end the step runs."""
    return bool(_zeroed_in_vain(loop))


def _zeroed_in_vain(loop: LoopView) -> list[Node]:
    """Returns the zeroings that run before the backward pass of each turn, where the step waits for the end of that loop."""
    view, found = loop.view, list[Node]()
    if any(True for _ in view.nodes("param_grad")):
        return []  # what is read of the gradients at each turn is perhaps what the step gets
    for step in loop.steps:
        last = next((node for node in reversed(loop.possible_backwards) if node.index < step.index), None)
        inner = loops_of(view, last)[:1] if last is not None else ()
        if last is None or not inner or loops_of(view, last)[1:] != loops_of(view, step) or step.get("closure") is True:
            continue
        region = view.graph.regions[inner[0]]
        if any(inner[0] in view.regions_of(each.region) for each in loop.steps):
            continue
        if isinstance(region.count, int) and region.count < 2:
            continue
        if region.role == "modules" and _all_sent_to(loop, last):
            continue  # each turn has an optimiser of its own
        zeros = [zero for zero in loop.zeros if inner[0] in view.regions_of(zero.region) and zero.index < last.index]
        always = [zero for zero in zeros if always_with(view, zero, last)]
        if always and frozenset().union(*map(loop.zeroed_by, always)) >= loop.params:
            found += always
    return found


def _all_sent_to(loop: LoopView, backward: Node) -> bool:
    """Whether a backward pass reaches every parameter of the optimiser."""
    behind = loop.view.before(backward.inputs)
    return loop.params <= {param for index in behind for _, param in loop.view.graph.nodes[index].params}


@fact("loop", "places")
def unscaled_passes(loop: LoopView) -> tuple[Place, ...]:
    """Backward passes of a loss that is a mean of its batch and is divided by nothing, where the step runs at every k-th turn, or after their loop, and
    the gradients are kept in between: it follows the sum of k means."""
    found: list[Node] = []
    if any(True for _ in loop.view.nodes("param_grad")):
        return ()  # gradients are divided by hand
    for _, branch, inner in _periodic(loop):
        zeros = [zero for zero in loop.zeros if inner in loop.view.regions_of(zero.region)]
        if not zeros or any(branch not in loop.view.regions_of(zero.region) for zero in zeros):
            continue
        found += [node for node in _added(loop, branch, inner) if _mean_of_batch(loop.view, node)]
    found += [node for node, _ in _before_step(loop) if _mean_of_batch(loop.view, node)]
    return places_of(loop, found)


@fact("loop", "number", "passes")
def passes_added(loop: LoopView) -> float | Unknown:
    """Of how many backward passes a step gets the sum, where that is a number in the program."""
    counts = [loop.view.graph.regions[inner].count for _, inner in _before_step(loop)]
    known = [count for count in counts if isinstance(count, int)]
    return float(known[0]) if known and len(known) == len(counts) else turns_per_step(loop)


def _before_step(loop: LoopView) -> Iterator[tuple[Node, int]]:
    """Yields the backward passes of each turn of a loop after whose end the step runs, and that loop: a batch that is cut into pieces. The zeroing
    stands beside the step. Not the terms of one loss, which a pass before the loop made, nor the steps of a recurrence."""
    view = loop.view
    for step in loop.steps:
        last = next((node for node in reversed(loop.backwards) if node.index < step.index), None)
        inner = loops_of(view, last)[:1] if last is not None else ()
        if last is None or not inner or loops_of(view, last)[1:] != loops_of(view, step) or step.get("closure") is True:
            continue
        within = [node for node in view.graph.nodes if inner[0] in view.regions_of(node.region)]
        region = view.graph.regions[inner[0]]
        if region.role is not None or (isinstance(region.count, int) and region.count < 2):
            continue
        if any(node in within for node in (*loop.steps, *loop.zeros)) or any(
            kind(node.op) == "recurrent" for node in within
        ):
            continue
        turn = loops_of(view, step)
        zeroed = any(loops_of(view, zero) == turn and always_with(view, zero, step) for zero in loop.zeros)
        computed = any(view.is_weight(node) and view.trains(node.index) for node in within)
        if zeroed and computed and sum(node.op == "backward" for node in within) == 1:
            yield last, inner[0]


@fact("loop", "number", "turns")
def turns_per_step(loop: LoopView) -> float | Unknown:
    """In one of how many turns it steps, where that is a number in the program."""
    for _, branch, _ in _periodic(loop):
        every = loop.view.graph.regions[branch].every
        if every:
            return float(every)
    return unknown("the number of turns is not known")


def _periodic(loop: LoopView) -> Iterator[tuple[Node, int, int]]:
    """Yields the steps that run at every k-th turn of a loop, with the branch and that loop."""
    view = loop.view
    for step in loop.steps:
        around = view.regions_of(step.region)
        for position, index in enumerate(around):
            region = view.graph.regions[index]
            if region.kind == "loop":
                break
            inner = next((outer for outer in around[position:] if view.graph.regions[outer].kind == "loop"), None)
            if region.kind == "branch" and region.every is not None and inner is not None:
                yield step, index, inner


def _added(loop: LoopView, branch: int, inner: int) -> list[Node]:
    """Returns the backward passes of each turn of a loop; none where the branch has one of its own."""
    passes = [node for node in loop.possible_backwards if inner in loop.view.regions_of(node.region)]
    if any(branch in loop.view.regions_of(node.region) for node in passes):
        return []
    return [node for node in passes if loops_of(loop.view, node)[0] == inner]


def _mean_of_batch(view: View, backward: Node) -> bool:
    """Whether a loss is the mean of a batch as it is: a loss function with `reduction='mean'`, or a mean, divided or multiplied by nothing."""
    index = backward.inputs[0] if backward.inputs else None
    while index is not None:
        node = view.graph.nodes[index]
        if view.kinds[index] == "loss":
            return node.get("reduction") == "mean"
        if node.op == "mean":
            return node.get("dim") is None
        if node.op == "add":
            return all(_plain_mean(view, each) for each in node.inputs)
        if not (node.op == "scale" or node.op == "neg" or node.op == "requires_grad"):
            return False
        index = node.inputs[0] if node.inputs else None
    return False


def _plain_mean(view: View, index: int) -> bool:
    """Whether a term is a mean, perhaps with a weight above one half: a smaller factor may be the division that is looked for."""
    node = view.graph.nodes[index]
    if node.op == "mul" and len(node.inputs) == 1:
        factor = constant(node)
        return factor is not None and factor > 0 and _plain_mean(view, node.inputs[0])
    return (view.kinds[index] == "loss" and node.get("reduction") == "mean") or node.op == "mean"


# ---- built again and again


@fact("loop", "places")
def rebuilt_in(loop: LoopView) -> tuple[Place, ...]:
    """Of an optimiser with a state that is built anew in every turn of a loop, although what it moves was made before the loop: where it is
    built. Not in a branch, in a loop of few turns, or where the turn is a training of its own, with loops within loops."""
    view, node = loop.view, loop.optimizer
    if not loop.steps or not loop.params or not _has_state(loop):
        return ()
    around = loops_of(view, node)
    if not around or any(
        view.graph.regions[index].kind in ("branch", "handler") for index in _within(view, node, around[0])
    ):
        return ()
    outer = around[0]
    count = view.graph.regions[outer].count
    if (isinstance(count, int) and count <= _FEW) or view.graph.regions[outer].role == "modules":
        return ()
    for param in loop.params:
        made = view.graph.parameters[param]
        if outer in view.regions_of(made.made) or made.late or made.init.scheme == "unknown":
            return ()
    depths = []
    for step in loop.steps:
        inside = loops_of(view, step)
        if outer not in inside:
            return ()
        depths.append(inside.index(outer))
    return places_of(loop, [node]) if max(depths) <= 1 else ()


def _has_state(loop: LoopView) -> bool:
    name = optimizer(loop)
    if name == "SGD":
        momentum = number(loop.optimizer.get("momentum"))
        return momentum is not None and momentum > 0
    return name in _STATEFUL


def _within(view: View, node: Node, loop: int) -> tuple[int, ...]:
    """Returns the regions between a node and a loop around it."""
    around = view.regions_of(node.region)
    return around[: around.index(loop)]
