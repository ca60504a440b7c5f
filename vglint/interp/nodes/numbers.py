"""Tensors that a constructor computes from numbers alone, read back from the operations that made them."""

from __future__ import annotations

from collections.abc import Hashable

from vglint.interp.machine.core import Run
from vglint.interp.values.objects import TensorV
from vglint.ops import has
from vglint.ops.grid import Grid, Moments, moments
from vglint.ops.grids import grid

_STEPS = 400
"""Operations that are read back at most."""
_MOST = 20_000
"""Ways of making tensors that are remembered."""
_WAYS: dict[Hashable, int] = {}
"""Numbers the ways of making tensors from numbers: an op, its config as text (1, 1.0 and True differ), the ways of its inputs."""
_FOUND: dict[tuple[int, tuple[int, ...]], Moments | None] = {}
"""What is known of a tensor that was made in a way, and of the parts of its result."""


def moments_of_numbers(run: Run, value: TensorV) -> Moments | None:
    """Returns the moments of a tensor that is made of numbers alone, looked at once for all tensors that are made alike; else None."""
    order = _sources(run, value)
    if order is None:
        return None
    if len(_WAYS) > _MOST:
        _WAYS.clear()
        _FOUND.clear()
    ways: dict[int, int] = {}
    for number in order:
        draft = run.graph.nodes[number]
        way = (draft.op, repr(draft.config), *[ways[source] for source in draft.inputs])
        ways[number] = _WAYS.setdefault(way, len(_WAYS))
    key = (ways[value.node], value.pick)
    if key not in _FOUND:
        known = _entries(run, value, order)
        _FOUND[key] = None if known is None else moments(known)
    return _FOUND[key]


def _sources(run: Run, value: TensorV) -> list[int] | None:
    """Returns the nodes that a tensor is made by, in order; None where one of them is no number's."""
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
    return sorted(order)


def _entries(run: Run, value: TensorV, order: list[int]) -> Grid | None:
    found: dict[int, Grid] = {}
    for number in order:
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
