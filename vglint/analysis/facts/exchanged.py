"""Reshapes that are taken for transpositions: the sizes of a tensor in another order."""

from __future__ import annotations

from collections import Counter

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact
from vglint.graph import Node
from vglint.ops import has
from vglint.shape import Dim, shape_text


@fact("node", "flag")
def exchanges_axes(found: NodeView) -> bool:
    """Of a view or reshape: it gives a tensor of known shape, of which not every entry is like every other, the same sizes in another order, and a layer
    with weights reads what it gives. Not where only a part of it is read, as relative positions are shifted. Where the first of three axes stays, a layer
    with weights must read it next, and no transpose stand before it: heads that are folded into the batch, (time, batch * heads, size), may have
    the sizes of the width by chance. Nor where a size that is not known is left to `-1` beside numbers, `view(5, -1)`: it may be that number."""
    view, node = found.view, found.node
    if not has(node.op, "reshapes") or not node.inputs:
        return False
    before, after = _sizes(view.graph.nodes[node.inputs[0]]), _sizes(node)
    if before is None or after is None or len(before) < 2 or before == after or Counter(before) != Counter(after):
        return False
    if _may_agree(node):
        return False
    readers = [view.graph.nodes[index] for index in view.readers[node.index]]
    if len(before) == 3 and before[0] == after[0]:
        moved = view.graph.nodes[node.inputs[0]]
        while has(moved.op, "copies") and moved.inputs:
            moved = view.graph.nodes[moved.inputs[0]]
        if has(moved.op, "transposes") or not any(view.is_weight(reader) for reader in readers):
            return False
    if any(has(reader.op, "picks") or has(reader.op, "reshapes") for reader in readers):
        return False
    # A part of a view that is given its old sizes back: positions are shifted.
    source = view.graph.nodes[node.inputs[0]]
    while (has(source.op, "picks") or has(source.op, "refits")) and source.inputs:
        source = view.graph.nodes[source.inputs[0]]
    if has(source.op, "same_numbers") or has(source.op, "reshapes") or source.op == "parameter":
        return False
    return any(view.is_weight(view.graph.nodes[index]) or view.trains(index) for index in view.after([node.index]))


def _may_agree(node: Node) -> bool:
    """Whether a view is given numbers alone and leaves a size to `-1` that is not known, which may then be one of them."""
    written = node.get("size") or node.get("shape")
    if not isinstance(written, tuple) or -1 not in written or node.shape is None or len(node.shape) != len(written):
        return False
    return all(isinstance(size, int) for size in written) and not isinstance(node.shape[written.index(-1)], int)


@fact("node", "text")
def sizes_before(found: NodeView) -> str:
    """The sizes of a node's argument, as they are written: (64, 128, 9)."""
    return shape_text(found.view.graph.nodes[found.node.inputs[0]].shape) if found.node.inputs else "?"


@fact("node", "text")
def sizes_after(found: NodeView) -> str:
    """The sizes of what a node gives."""
    return shape_text(found.node.shape)


def _sizes(node: Node) -> tuple[Dim, ...] | None:
    """Returns the sizes of what a node gives but those of 1, None where one is not known."""
    if node.shape is None or any(size is None for size in node.shape):
        return None
    return tuple(size for size in node.shape if size != 1)
