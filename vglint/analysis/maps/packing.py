"""Tensors that `einops.unpack` takes out of one sequence again."""

from __future__ import annotations

from vglint.analysis.state import AbstainError, Focus, Grad, Step
from vglint.analysis.use import Use


def unpacked(use: Use, source: int) -> Step:
    """Returns the map of one of the tensors that were packed: the positions that it had among all of them."""
    state, place = use.state(), use.get("index")
    lengths = packed_lengths(use, source)
    if lengths is None or not isinstance(place, int) or not 0 <= place < len(lengths):
        raise AbstainError("what was packed is not known")
    if len(lengths) == 1:
        return state._replace(law=None, parts=((use.index, 1.0),)), lambda grad: [grad]
    whole = sum(lengths)
    start, stop = sum(lengths[:place]) / whole, sum(lengths[: place + 1]) / whole
    lone = lengths[place] == 1.0
    axes = state.axes
    if lone:
        axes = None if axes is None or "*" in axes else axes.replace("s", "", 1)
    out = state._replace(law=None, parts=((use.index, 1.0),), axes=axes, places=lengths[place], map=None)
    return out, lambda grad: [taken_from_row(grad, Focus(start, stop, 1.0), lone)]


def taken_from_row(grad: Grad, row: Focus, lone: bool) -> Grad:
    """Returns the gradient of a sequence of which only these positions are read."""
    share = row.stop - row.start
    pairs = 0.0 if lone else share * share
    inner = grad._replace(
        g=grad.g * share, gs=grad.gs * pairs, gb=grad.gb * share, gx=grad.gx * pairs, gr=grad.gr * share
    )
    return inner._replace(focus=row) if grad.focus is None else inner


def packed_lengths(use: Use, source: int) -> list[float] | None:
    """Returns the positions of each of the tensors that the nearest `pack` before with as many of them joined."""
    taken = use.taken.get(source, ())
    least = 1 + max((index for index in taken if isinstance(index, int)), default=0)
    for node in reversed(use.graph.nodes[:source]):
        if (
            node.op != "einops_pack"
            or len(node.inputs) < least
            or node.get("pattern") != use.graph.nodes[source].get("pattern")
        ):
            continue
        names = str(node.get("pattern")).split()
        dim = names.index("*") if "*" in names else 0
        found = []
        for index in node.inputs:
            shape, state = use.graph.nodes[index].shape, use.term(index)
            size = shape[dim] if shape is not None and len(shape) == len(names) else None
            if shape is not None and len(shape) < len(names):
                size = 1
            known = (
                float(size)
                if isinstance(size, int) and size > 0
                else state.places
                if state is not None and state.places
                else use.length
            )
            found.append(known)
        return found
    return None
