"""Facts of losses that are kept with their graph from batch to batch."""

from __future__ import annotations

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.order import always_with, loops_of
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.graph import Node
from vglint.ops import has


@fact("node", "flag")
def keeps_graph(found: NodeView) -> bool:
    """A loss that a loop has sent back, or something made of it, is added to a running sum, or put into a list that was made before the loop, and
    no backward pass uses the sum or the list: each turn's graph stays in memory for a number. The loop must take steps: the parts of one loss,
    each sent back by itself, are few."""
    view, node = found.view, found.node
    around = loops_of(view, node)
    if not around or view.in_region(node, "no_grad") or not (node.op == "kept" or _running_sum(view, node)):
        return False
    if view.learning.isdisjoint(node.inputs):
        return False
    inner = around[0]
    if not any(inner in view.regions_of(step.region) for step in view.nodes("step")):
        return False
    sent = [each for each in view.nodes("backward") if inner in view.regions_of(each.region)]
    losses = {index for each in sent for index in view.before(each.inputs)}
    if not losses & _kept(view, node) or any(not each.inputs for each in view.nodes("backward")):
        return False
    return not _used_later(view, node, inner)


@fact("node", "flag")
def sum_sent_back(found: NodeView) -> bool:
    """A sum that a loop goes on with from turn to turn, and on which a backward pass runs in each of these turns: every pass after the first
    goes through the graphs of the turns before, which are freed by then, or need weights that a step has changed."""
    view, node = found.view, found.node
    around = loops_of(view, node)
    if node.op != "kept" or node.get("sum") is not True or not around or view.learning.isdisjoint(node.inputs):
        return False
    added = view.graph.nodes[node.inputs[0]]
    if not has(added.op, "adds") or len(added.inputs) != 1:
        return False  # the last loss takes the place of a number
    count = view.graph.regions[around[0]].count
    if isinstance(count, int) and count < 2:
        return False
    moved = any(around[0] in view.regions_of(step.region) for step in view.nodes("step"))
    return any(
        loops_of(view, each)[:1] == around[:1]
        and always_with(view, each, node)
        and (moved or each.get("retain_graph") is not True)
        and node.inputs[0] in view.before(each.inputs, lambda inner: not view.keeps_history(inner))
        for each in view.nodes("backward")
    )


@fact("node", "flag")
def kept_in_list(found: NodeView) -> bool:
    """A tensor is put into a list."""
    return found.node.op == "kept" and found.node.get("sum") is not True


def _running_sum(view: View, node: Node) -> bool:
    """Whether a value is added to a tensor of zeros that was made before the loop."""
    if node.op != "add" or len(node.inputs) != 2:
        return False
    inner, first = loops_of(view, node), view.graph.nodes[node.inputs[0]]
    return bool(inner) and has(first.op, "zeros") and inner[0] not in view.regions_of(first.region)


def _kept(view: View, node: Node) -> set[int]:
    """Returns the loss behind what is kept, beyond factors."""
    kept, todo = set[int](), list(node.inputs)
    while todo:
        index = todo.pop()
        if index in kept:
            continue
        kept.add(index)
        source = view.graph.nodes[index]
        if has(source.op, "affine") or has(source.op, "sums") or view.kinds[index] == "shape":
            todo += source.inputs
    return kept


def _used_later(view: View, node: Node, loop: int) -> bool:
    """Whether a backward pass runs on the sum or list: on the sum's node, or after the loop on what was put into the list. One of the loss
    itself, perhaps divided, is none."""
    ends = list(view.nodes("backward", "grad"))
    if node.op != "kept" or node.get("sum") is True:
        ahead = view.after([node.index, *(node.inputs if node.op == "kept" else ())])
        return any(each.index in ahead for each in ends)
    later = [each for each in ends if loop not in view.regions_of(each.region) or each.index > node.index]
    return any(set(node.inputs) & view.before(each.inputs) and not _of_itself(view, each, node) for each in later)


def _of_itself(view: View, backward: Node, node: Node) -> bool:
    index = backward.inputs[0] if backward.inputs else None
    while index is not None and index not in node.inputs:
        found = view.graph.nodes[index]
        scaled = (has(found.op, "scales") or found.op == "scale") and len(found.inputs) == 1
        index = found.inputs[0] if scaled else None
    return index is not None
