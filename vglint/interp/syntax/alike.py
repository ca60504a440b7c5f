"""Arms of a condition that run the same layers over the same values, arranged otherwise: `if x.dim() == 3` around a normalisation."""

from __future__ import annotations

from typing import Any

from vglint import ops
from vglint.interp.machine.core import Run

_ARRANGES = ops.having("rearranges") | ops.having("refits") | ops.having("copies") | ops.having("joins")
"""Ops that hand values on, in some order and in one piece or several."""


def the_plainer(run: Run, one: list[int], other: list[int]) -> int | None:
    """Returns which of two arms makes fewer nodes, where both run the same ops with the same weights in the same order; else None."""
    work = [_work(run, nodes) for nodes in (one, other)]
    if not work[0] or work[0] != work[1]:
        return None
    return 0 if len(one) < len(other) else 1


def _work(run: Run, nodes: list[int]) -> list[tuple[str, Any]]:
    """Returns what an arm does beyond arranging values: ops, and the identity of their weights."""
    drafts = [run.graph.nodes[number] for number in nodes]
    return [
        (draft.op, tuple(id(param) for _, param in draft.params))
        for draft in drafts
        if not draft.setup and draft.op not in _ARRANGES and draft.op != "getitem" and draft.op != "join"
    ]
