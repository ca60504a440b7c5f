"""Facts of recurrent layers that see one time step at a time, and of which output stands for a whole sequence."""

from __future__ import annotations

from vglint.analysis.facts.axes import last_along, leaves_axes
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.order import loops_of
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has


@fact("node", "flag")
def never_carries(found: NodeView) -> bool:
    """A recurrent layer or cell that forward calls step by step, with one time step and without a state each time: its state starts at zero in every
    call, and its recurrent weights get no gradient. Called once it may be meant so."""
    view, node = found.view, found.node
    if view.kinds[node.index] != "recurrent" or not node.params:
        return False
    if not _stateless(view, node):
        return False
    same = [each for each in view.nodes(node.op) if each.params == node.params]
    if same[0].index != node.index or not all(_stateless(view, each) and _one_step(view, each) for each in same):
        return False
    loops = loops_of(view, node)
    turns = [
        each
        for each in same
        if each.span == node.span and each.inputs[0] != node.inputs[0] and loops_of(view, each) == loops
    ]
    sliced = _slice_of(view, node)
    if turns:
        return sliced is not None and all(_slice_of(view, each) == sliced for each in turns)
    trained = {index for each in view.nodes("backward", "step") for index in view.regions_of(each.region)}
    # A loop of unknown length shows its first turn, whose state may be the zeros that it starts from.
    return bool(loops) and loops[0] not in trained and sliced is not None and len(node.inputs) == 1


def _one_step(view: View, node: Node) -> bool:
    if not has(node.op, "over_sequence"):
        return True
    shape = view.graph.nodes[node.inputs[0]].shape if node.inputs else None
    return shape is not None and len(shape) == 3 and shape[_time(node)] == 1


def _time(node: Node) -> int:
    """Returns the axis of time."""
    return 1 if node.get("batch_first") is True else 0


def _stateless(view: View, node: Node) -> bool:
    """Whether a layer is given no state, or one of zeros that its own loop makes: others may be those that a loop starts from."""
    if view.hides_operand(node.index) or not node.inputs:
        return False
    states = [view.graph.nodes[index] for index in node.inputs[1:]]
    return all(has(each.op, "zeros") and loops_of(view, each) == loops_of(view, node) for each in states)


def _slice_of(view: View, node: Node) -> int | None:
    """Returns the sequence of which a layer is given a step: `x[:, t]`, `x[:, t:t + 1]`, after layers of one input."""
    index = node.inputs[0]
    for _ in range(_STEPS):
        made = view.graph.nodes[index]
        if has(made.op, "picks") and made.inputs:
            return made.inputs[0]
        if len(made.inputs) != 1:
            return None
        index = made.inputs[0]
    return None


_STEPS = 6
"""The most operations between a step's slice and the layer."""


@fact("node", "places")
def padded_end(found: NodeView) -> tuple[Place, ...]:
    """Of `pad_packed_sequence`: where the last entry of its result is taken along time, which is padding for all but the longest sequences."""
    view, node = found.view, found.node
    if node.op != "pad_packed_sequence":
        return ()
    return _last_entries(view, node)


@fact("node", "places")
def half_read_end(found: NodeView) -> tuple[Place, ...]:
    """Of a bidirectional layer whose final states nothing reads: where the last entry of its output is taken along time. There the backward direction
    has read one step."""
    view, node = found.view, found.node
    if not has(node.op, "over_sequence") or node.get("bidirectional") is not True or not node.inputs:
        return ()
    parts = [view.graph.nodes[reader] for reader in view.readers[node.index]]
    if any(part.op != "getitem" or (part.get("index") != 0 and view.readers[part.index]) for part in parts):
        return ()
    given = view.graph.nodes[node.inputs[0]]
    packed = given.op == "pack_padded_sequence" or given.op == "pack_sequence"
    if packed or (given.shape is not None and len(given.shape) != 3):
        return ()
    if given.shape is not None and given.shape[_time(node)] == 1:
        return ()
    return _last_entries(view, node)


@fact("node", "places")
def read_at_end(found: NodeView) -> tuple[Place, ...]:
    """What `padded_end` names, else what `half_read_end` names."""
    return padded_end(found) or half_read_end(found)


def _last_entries(view: View, node: Node) -> tuple[Place, ...]:
    """Returns where the last entry of a layer's output is taken along time and used."""
    found = []
    given = {index for _, index in view.graph.outputs}
    for output in view.readers[node.index]:
        if view.graph.nodes[output].op == "getitem" and view.graph.nodes[output].get("index") == 0:
            reads = [read for read in _reads(view, output) if last_along(view, view.graph.nodes[read]) == _time(node)]
            found += [read for read in reads if view.readers[read] or read in given]
    return view.places(found)


def _reads(view: View, index: int) -> list[int]:
    """Returns what takes a part of a value, beyond what leaves its axes as they are."""
    found = []
    for reader in view.readers[index]:
        node = view.graph.nodes[reader]
        if has(node.op, "picks"):
            found.append(reader)
        elif leaves_axes(view, node):
            found += _reads(view, reader)
    return found
