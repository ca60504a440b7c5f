"""Splits a log ratio of gradients over the nodes that made it, and over causes.

The gradient at a node is the sum of what its consumers send. Its log is the consumers' logs, weighted by their shares, plus the log of what each
consumer multiplies by, plus what the meeting of several paths adds. Followed from `first` (weight +1) and from `last` (weight −1) to the
outputs, this is exact: the parts sum to the ratio.
"""

from __future__ import annotations

import math

from vglint.analysis.ratio import is_weighted, ratio
from vglint.graph import Graph, Node
from vglint.ops import has, kind
from vglint.ops.spec import Kind
from vglint.signal import Attribution, Cause, Trace
from vglint.value import Expr, divided


def attribute(graph: Graph, trace: Trace, first: int | None = None, last: int | None = None) -> Attribution:
    """Returns the ratio between two nodes, by default the first and the last weight layer, split over nodes and causes; nothing where
    the ratio is not known."""
    if first is None or last is None:
        found = ratio(graph, trace)
        first, last = found.first, found.last
    if first is None or last is None or first == last or not trace.flows:
        return Attribution(None, (), ())
    top, base = trace.gradients[first], trace.gradients[last]
    if top is None or base is None:
        return Attribution(None, (), ())
    weight = [0.0] * len(graph.nodes)
    weight[first] += 1.0
    weight[last] -= 1.0
    received: list[list[tuple[int, float]]] = [[] for _ in graph.nodes]
    for index, sent in enumerate(trace.flows):
        for source, value in sent:
            received[source].append((index, value))
    parts: list[tuple[int, Cause, float]] = []
    for index in range(len(graph.nodes)):
        w = weight[index]
        own = trace.gradients[index]
        if abs(w) < 1e-12 or own is None:
            continue
        shares = _shares(received[index])
        if not shares:
            parts.append((index, "loss", w * own))
            continue
        meeting = own
        for consumer, value, share in shares:
            above = trace.gradients[consumer]
            meeting -= share * value
            if above is None:
                # Products of queries and keys have no gradient of their own: the way through them ends here.
                parts.append((consumer, "attention", w * share * value))
                continue
            parts += [
                (consumer, cause, w * share * decades)
                for cause, decades in _causes(graph, graph.nodes[consumer], value - above)
            ]
            weight[consumer] += w * share
        if abs(meeting) > 1e-9:
            parts.append((index, "residual" if len(shares) > 1 else "other", w * meeting))
    nodes = _merged(parts)
    causes: dict[Cause, float] = {}
    for _, cause, decades in nodes:
        causes[cause] = causes.get(cause, 0.0) + decades
    return Attribution(top - base, nodes, tuple(sorted(causes.items(), key=lambda item: -abs(item[1]))))


def _shares(sent: list[tuple[int, float]]) -> list[tuple[int, float, float]]:
    """Returns (consumer, log10 RMS sent, share of the second moment)."""
    if not sent:
        return []
    top = max(value for _, value in sent)
    powers = [100.0 ** (value - top) for _, value in sent]
    total = math.fsum(powers)
    return [
        (index, value, power / total)
        for (index, value), power in zip(sent, powers, strict=True)
        if power / total > 1e-15
    ]


def _causes(graph: Graph, node: Node, decades: float) -> list[tuple[Cause, float]]:
    """Returns what one node's gain is due to; a weight layer's is its init and its change of width."""
    cause: Cause = "init" if _is_weighing(graph, node) else _cause(node.op)
    if cause == "init":
        width = _width(graph, node)
        if width:
            return [("init", decades - width), ("width", width)]
    return [(cause, decades)] if decades else []


def _is_weighing(graph: Graph, node: Node) -> bool:
    """Whether a node is a product with a weight, written by hand, or multiplies one by a number: the weight might have started so."""
    if has(node.op, "scales") and len(node.inputs) == 1:
        node = graph.nodes[node.inputs[0]]
    return has(node.op, "matrix_product") and is_weighted(graph, node)


def _width(graph: Graph, node: Node) -> float:
    """Returns ½ log10(fan_out / fan_in): what is left of a layer's gain if its init keeps the signal."""
    for name, index in node.params:
        if name == "weight":
            shape = graph.parameters[index].shape
            if (
                shape is not None
                and len(shape) >= 2
                and isinstance(shape[0], (int, Expr))
                and isinstance(shape[1], (int, Expr))
            ):
                quotient = divided(shape[0], shape[1])
                if isinstance(quotient, (int, float)) and quotient > 0:
                    sign = -1 if node.op.startswith("conv_transpose") else 1
                    return sign * 0.5 * math.log10(quotient)
    return 0.0


def _merged(parts: list[tuple[int, Cause, float]]) -> tuple[tuple[int, Cause, float], ...]:
    total: dict[tuple[int, Cause], float] = {}
    for index, cause, decades in parts:
        total[index, cause] = total.get((index, cause), 0.0) + decades
    return tuple((index, cause, decades) for (index, cause), decades in sorted(total.items()) if abs(decades) > 1e-12)


_OF_KIND: dict[Kind, Cause] = {
    "activation": "activation",
    "weight": "init",
    "norm": "norm",
    "attention": "attention",
    "recurrent": "recurrence",
    "pool": "pooling",
    "dropout": "dropout",
    "loss": "loss",
}


def _cause(op: str) -> Cause:
    """Returns what the gain of an op is put down to."""
    if has(op, "composite"):
        return "other"
    if kind(op) in _OF_KIND:
        return _OF_KIND[kind(op)]
    if has(op, "bends"):
        return "activation"
    if has(op, "matrix_product") or op == "einsum":
        return "attention"
    if has(op, "sums") or has(op, "takes_largest") or op == "interpolate":
        return "pooling"
    return "gate" if op == "mul" else "other"
