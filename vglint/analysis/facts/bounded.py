"""Facts of scores that cannot be large: cosines and results of tanh in the place of logits."""

from __future__ import annotations

import math

from vglint.analysis.facts.domain import constant, cosine, origin
from vglint.analysis.facts.node import NodeView, dim_size
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.value import Unknown


@fact("node", "number")
def score_bound(found: NodeView) -> float | Unknown:
    """Of a cross_entropy: the largest size of its scores where they are cosines or results of tanh, times numbers. Unknown for all others, and for
    targets that are probabilities."""
    if found.node.op != "cross_entropy":
        return unknown("no cross entropy")
    view, node = found.view, found.node
    scores, target = view.argument(node, "input"), view.argument(node, "target")
    aimed = view.graph.nodes[target] if target is not None else None
    if scores is None or aimed is None or (aimed.shape is not None and aimed.shape == view.graph.nodes[scores].shape):
        return unknown("the scores or the target are not followed")
    made = _bounded(view, scores)
    return made[0] if made is not None else unknown("the scores may be large")


@fact("node", "number")
def least_loss(found: NodeView) -> float | Unknown:
    """The least value that a cross entropy of scores between -b and b can have: log(1 + (C - 1) exp(-2 b)); of two classes where their number is
    not known."""
    bound, size = score_bound(found), dim_size(found)
    if isinstance(bound, Unknown):
        return bound
    classes = size if isinstance(size, float) and size > 1 else 2.0
    return math.log1p((classes - 1) * math.exp(-2 * bound))


@fact("node", "text")
def bounded_by(found: NodeView) -> str:
    """What keeps these scores small: `cosine`, `tanh`; `none`."""
    scores = found.view.argument(found.node, "input") if found.node.op == "cross_entropy" else None
    made = _bounded(found.view, scores) if scores is not None else None
    return "none" if made is None else "tanh" if made[1].op == "tanh" else "cosine"


@fact("node", "places")
def bounded_at(found: NodeView) -> tuple[Place, ...]:
    """Where the tanh, or the product of normalised vectors, is."""
    scores = found.view.argument(found.node, "input") if found.node.op == "cross_entropy" else None
    made = _bounded(found.view, scores) if scores is not None else None
    return (found.view.place(made[1].index),) if made is not None else ()


def _bounded(view: View, index: int) -> tuple[float, Node] | None:
    """Returns the largest size of some scores, and what bounds them before factors that are numbers."""
    factor, node = 1.0, origin(view, index)
    for _ in range(_STEPS):
        if node.op == "tanh" or cosine(view, node.index):
            return factor, node
        if has(node.op, "joins"):
            parts = [_bounded(view, each) for each in dict.fromkeys(node.inputs)]
            known = [part for part in parts if part is not None]
            return (
                (factor * max(part[0] for part in known), known[0][1]) if known and len(known) == len(parts) else None
            )
        value = constant(node)
        if not has(node.op, "scales") or len(node.inputs) != 1 or not value:
            return None
        if node.op == "mul":
            factor *= abs(value)
        elif node.get("other") is not None:
            factor /= abs(value)
        else:
            return None
        node = origin(view, node.inputs[0])
    return None


_STEPS = 6
"""The most factors that are followed."""
