"""What a value is, found by walking the graph back from it: logits, probability, log-probability, label, input."""

from __future__ import annotations

from dataclasses import dataclass

from vglint.analysis.facts.view import View, number
from vglint.graph import Node
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

_TRANSPARENT = frozenset(
    {
        "getitem", "to", "type", "float", "double", "half", "bfloat16", "contiguous", "clone", "dropout", "identity",
        "detach", "requires_grad", "cpu", "cuda", "checkpoint", "interpolate", "upsample", "variable", "alias",
    }
)  # fmt: skip
_RECTIFIED = frozenset({"relu", "relu6", "softplus", "abs", "threshold", "hardswish"})
_SQUASHED = frozenset({"tanh", "softsign", "hardtanh"})
_JOINED = frozenset({"join", "cat", "stack", "concat", "hstack", "vstack", "dstack", "unbind", "split", "chunk"})
_MOVING = frozenset({"mean", "max_pool1d", "max_pool2d", "max_pool3d"})
_LABELS = frozenset({"argmax", "argmin", "one_hot", "randint", "bernoulli", "multinomial"})
_TINY = 1e-3


@dataclass(frozen=True, slots=True)
class Source:
    """The kind of a value and the node that made it so."""

    kind: str
    node: int


def source_of(view: View, index: int) -> Source | Unknown:
    """Returns what the output of a node is; Unknown where the way back meets a gap."""
    return _walk(view, index, {})


def _walk(view: View, index: int, seen: dict[int, Source | Unknown]) -> Source | Unknown:
    if index not in seen:
        seen[index] = Unknown("branches differ", "a value that depends on itself")
        seen[index] = _kind(view, view.graph.nodes[index], seen)
    return seen[index]


def _kind(view: View, node: Node, seen: dict[int, Source | Unknown]) -> Source | Unknown:
    kind = view.kinds[node.index]
    if node.op == "opaque":
        return Unknown("unmodelled call", "a value passes through code that is not modelled")
    if node.op == "input":
        return Source("input", node.index)
    if not node.inputs:
        return Source("other", node.index)
    if node.op in _TRANSPARENT or (kind == "shape" and node.op not in _JOINED) or kind in ("pool", "dropout"):
        return _walk(view, node.inputs[0], seen)
    if node.op in ("softmax", "gumbel_softmax", "softmin"):
        return Source("probability", node.index)
    if node.op in ("log_softmax",):
        return Source("log_probability", node.index)
    if node.op in ("sigmoid", "hardsigmoid", "expit"):
        return Source("unit", node.index)
    if node.op == "logsigmoid":
        return Source("log_unit", node.index)
    if node.op in _RECTIFIED:
        return Source("rectified", node.index)
    if node.op in _SQUASHED:
        return Source("squashed", node.index)
    if node.op in _LABELS or kind == "cut":
        return Source("label", node.index)
    if node.op in _JOINED:
        return _joined(view, node, seen)
    if node.op in ("log", "exp", "logit"):
        return _logarithm(view, node, seen)
    if node.op in _MOVING or node.op in ("clamp", "clip", "clamp_min", "clamp_max", "add", "sub", "mul", "div"):
        return _shifted(view, node, seen)
    if node.op in ("masked_fill", "where"):
        found = _walk(view, node.inputs[0], seen)
        return found if isinstance(found, Unknown) or found.kind in ("logits", "input") else Source("other", node.index)
    if view.is_weight(node):
        return Source("logits", node.index)
    if node.op in ("matmul", "bmm", "mm") and len(node.inputs) == 2:
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
    becomes = {
        "log": {"probability": "log_probability", "unit": "log_unit"},
        "exp": {"log_probability": "probability", "log_unit": "unit"},
        "logit": {"unit": "logits"},
    }
    return Source(becomes[node.op].get(found.kind, "other"), node.index)


def _shifted(view: View, node: Node, seen: dict[int, Source | Unknown]) -> Source | Unknown:
    """A clamp, an average or a tiny shift keeps what a value is; logits stay logits under any affine map."""
    found = _walk(view, node.inputs[0], seen)
    if isinstance(found, Unknown):
        return found
    if len(node.inputs) > 1 and node.op in ("add", "sub", "mul", "div"):
        other = _walk(view, node.inputs[1], seen)
        if isinstance(other, Unknown):
            return other
        return (
            found if found.kind == other.kind == "logits" and node.op in ("add", "sub") else Source("other", node.index)
        )
    if found.kind == "logits" or node.op in _MOVING or node.op.startswith("cl"):
        return found
    constant = number(node.get("other"))
    if node.op in ("add", "sub") and constant is not None and abs(constant) <= _TINY:
        return found
    if node.op in ("mul", "div") and constant == 1.0:
        return found
    return Source("other", node.index)
