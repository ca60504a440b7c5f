"""What a value is, found by walking the graph back from it: logits, probability, log-probability, label, input."""

from __future__ import annotations

from msgspec import Struct

from vglint import origin
from vglint.analysis.facts.view import View, number
from vglint.graph import Node
from vglint.ops import has
from vglint.value import Unknown

KINDS = (
    "logits",  # a weight layer's output, perhaps shifted, averaged or masked
    "probability",  # softmax: sums to one
    "unit",  # sigmoid: each in [0, 1]
    "log_probability",  # log_softmax, log of a probability
    "log_unit",  # logsigmoid, log of a unit
    "rectified",  # ReLU and its kin: never negative
    "squashed",  # tanh and its kin
    "mixture",  # an average of given values with softmax weights
    "label",  # integers or truth values: argmax, comparison, randint
    "input",  # what the entry was given
    "other",  # something else that is understood
)

_TINY = 1e-3


class Source(Struct, frozen=True):
    """The kind of a value and the node that made it so."""

    kind: str
    node: int


def source_of(view: View, index: int) -> Source | Unknown:
    """Returns what the output of a node is; Unknown where the way back meets a gap."""
    return _walk(view, index, {})


def rectifies(node: Node) -> bool:
    """Whether a node is zero for every negative argument: a ReLU, or `clamp(min=0)`."""
    floored = has(node.op, "clamps") and number(node.get("min")) == 0 and node.get("max") is None
    return has(node.op, "cuts_negative") or (floored and len(node.inputs) == 1)


def _walk(view: View, index: int, seen: dict[int, Source | Unknown]) -> Source | Unknown:
    if index not in seen:
        seen[index] = Unknown(origin.Branches("a value that depends on itself"))
        view.effort.spend(8)
        seen[index] = _kind(view, view.graph.nodes[index], seen)
    return seen[index]


def _kind(view: View, node: Node, seen: dict[int, Source | Unknown]) -> Source | Unknown:
    kind = view.kinds[node.index]
    if node.op == "opaque":
        return Unknown(origin.Call("a value passes through code that is not modelled"))
    if node.op == "input":
        return Source("input", node.index)
    if not node.inputs:
        return Source("other", node.index)
    if _is_transparent(view, node):
        return _walk(view, node.inputs[0], seen)
    if has(node.op, "probability"):
        return Source("probability", node.index)
    if node.op == "log_softmax":
        return Source("log_probability", node.index)
    if has(node.op, "unit"):
        return Source("unit", node.index)
    if node.op == "logsigmoid":
        return Source("log_unit", node.index)
    if has(node.op, "rectifies") or rectifies(node):
        return Source("rectified", node.index)
    if has(node.op, "squashes"):
        least = number(node.get("min_val")) if node.op == "hardtanh" else None
        return Source("squashed" if least is None or least < 0 else "other", node.index)
    if has(node.op, "labels") or kind == "cut":
        return Source("label", node.index)
    if _is_joined(node):
        return _joined(view, node, seen)
    if any(op == node.op for op, _ in _BECOMES):
        return _logarithm(view, node, seen)
    if node.op == "mean" or has(node.op, "clamps") or has(node.op, "adds") or has(node.op, "scales"):
        return _shifted(view, node, seen)
    if has(node.op, "masks"):
        found = _walk(view, node.inputs[0], seen)
        return found if isinstance(found, Unknown) or found.kind in ("logits", "input") else Source("other", node.index)
    if view.is_weight(node):
        return Source("logits", node.index)
    if has(node.op, "matrix_product") and len(node.inputs) == 2:
        return _mixed(view, node, seen)
    return Source("other", node.index)


def _mixed(view: View, node: Node, seen: dict[int, Source | Unknown]) -> Source | Unknown:
    left, right = (_walk(view, source, seen) for source in node.inputs)
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return left if isinstance(left, Unknown) else right
    if left.kind == "probability" and right.kind in ("input", "label"):
        return Source("mixture", left.node)
    return Source("other", node.index)


def _joined(view: View, node: Node, seen: dict[int, Source | Unknown]) -> Source | Unknown:
    found = [_walk(view, source, seen) for source in node.inputs]
    for item in found:
        if isinstance(item, Unknown):
            return item
    kinds = {item.kind for item in found if isinstance(item, Source)}
    first = found[0]
    assert isinstance(first, Source)
    return first if len(kinds) == 1 else Source("other", node.index)


def _logarithm(view: View, node: Node, seen: dict[int, Source | Unknown]) -> Source | Unknown:
    found = _walk(view, node.inputs[0], seen)
    if isinstance(found, Unknown):
        return found
    return Source(_BECOMES.get((node.op, found.kind), "other"), node.index)


_BECOMES = {
    ("log", "probability"): "log_probability",
    ("log", "unit"): "log_unit",
    ("exp", "log_probability"): "probability",
    ("exp", "log_unit"): "unit",
    ("logit", "unit"): "logits",
}
"""What an op makes of a value of a kind."""


def _is_transparent(view: View, node: Node) -> bool:
    """Whether an op leaves a value what it is."""
    kind = view.kinds[node.index]
    moves = (kind == "shape" and not _is_joined(node)) or kind in ("pool", "dropout")
    return moves or has(node.op, "copies") or node.op == "checkpoint"


def _is_joined(node: Node) -> bool:
    return has(node.op, "joins") or has(node.op, "splits") or node.op == "join"


def _shifted(view: View, node: Node, seen: dict[int, Source | Unknown]) -> Source | Unknown:
    """A clamp, an average or a tiny shift keeps what a value is; logits stay logits under any affine map."""
    found = _walk(view, node.inputs[0], seen)
    if isinstance(found, Unknown):
        return found
    if len(node.inputs) > 1 and (has(node.op, "adds") or has(node.op, "scales")):
        other = _walk(view, node.inputs[1], seen)
        if isinstance(other, Unknown):
            return other
        both = found.kind == other.kind == "logits" and has(node.op, "adds")
        return found if both else Source("other", node.index)
    if found.kind == "logits" or node.op == "mean" or has(node.op, "clamps"):
        return found
    constant = number(node.get("other"))
    if has(node.op, "adds") and constant is not None and abs(constant) <= _TINY:
        return found
    if has(node.op, "scales") and constant == 1.0:
        return found
    return Source("other", node.index)
