"""Tensors that a constructor computes from numbers alone, read back from the operations that made them."""

from __future__ import annotations

from vglint.interp.machine.core import Run
from vglint.interp.values.objects import TensorV
from vglint.ops import has
from vglint.ops.grid import Grid
from vglint.ops.grids import grid

_STEPS = 400
"""Operations that are read back at most."""


def made_of_numbers(run: Run, value: TensorV) -> Grid | None:
    """Returns the entries of a tensor; None where it is made of anything but numbers."""
    order: list[int] = []
    seen: set[int] = set()
    todo = [value.node]
    while todo:
        number = todo.pop()
        if number in seen:
            continue
        seen.add(number)
        order.append(number)
        draft = run.graph.nodes[number]
        if draft.params or draft.op in ("input", "opaque") or len(seen) > _STEPS:
            return None
        todo += draft.inputs
    found: dict[int, Grid] = {}
    for number in sorted(order):
        draft = run.graph.nodes[number]
        picked = draft.op == "getitem" and _is_side_by_side(run.graph.nodes[draft.inputs[0]].op)
        config = {"index": (draft.config.get("index"),)} if picked else draft.config
        made = grid(draft.op, config.get, [found[source] for source in draft.inputs])
        if made is None:
            return None
        found[number] = made
    whole = found[value.node]
    for place in value.pick:
        if not _is_side_by_side(run.graph.nodes[value.node].op):
            return None
        part = grid("getitem", {"index": (place,)}.get, [whole])
        if part is None:
            return None
        whole = part
    return whole


def _is_side_by_side(op: str) -> bool:
    """Whether an op's results lie along the first dimension of one grid."""
    return has(op, "splits") or op == "meshgrid"
