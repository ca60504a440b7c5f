"""Gradients that are multiples of one and the same gradient: where two ways of sums and constant factors meet, they add before they are squared.

    y = a·x + b·x:  δx = (a + b)·δy,  so E[δx²] = (a + b)²·E[δy²], not (a² + b²)·E[δy²]

A gradient is written as Σ coefficient · origin plus a remainder that is uncorrelated with all of them; the remainder is an origin of its own
for what lies further back.
"""

from __future__ import annotations

from vglint.analysis.state import Grad, State
from vglint.graph import Node
from vglint.ops import has, kind

_MOST = 24
"""Origins that a gradient remembers."""


class Multiples:
    """The coefficients with which each node's gradient holds the gradients of others, by node and origin."""

    def __init__(self, count: int) -> None:
        self.held: list[dict[int, float]] = [{} for _ in range(count)]
        self.origins: dict[int, Grad] = {}

    def sent(self, node: Node, states: list[State | None], grad: Grad) -> list[dict[int, float]] | None:
        """Returns what a node sends to each of its inputs, None where it does more than add and scale."""
        factors = _factors(node, states)
        if factors is None or grad.units is not None or grad.scale:
            return None
        own = self._own(node.index, grad)
        return [{origin: factor * coefficient for origin, coefficient in own.items()} for factor in factors]

    def _own(self, index: int, grad: Grad) -> dict[int, float]:
        held = self.held[index]
        rest = grad
        for origin, coefficient in held.items():
            rest = shifted(rest, self.origins[origin], -coefficient * coefficient)
        if rest.g <= 1e-6 * grad.g and held:
            return held
        self.origins[index] = rest
        return {**dict(list(held.items())[-_MOST:]), index: 1.0}

    def met(self, index: int, coming: dict[int, float], grad: Grad) -> Grad:
        """Returns the gradient of a node with what the coefficients that meet there add to the sum of squares."""
        held = self.held[index]
        for origin, coefficient in coming.items():
            if origin in held:
                grad = shifted(grad, self.origins[origin], 2.0 * coefficient * held[origin])
            held[origin] = held.get(origin, 0.0) + coefficient
        return grad


def shifted(grad: Grad, other: Grad, factor: float) -> Grad:
    """Returns a gradient with `factor` times the second moments of another added; none becomes negative."""
    return grad._replace(
        g=max(grad.g + factor * other.g, 0.0),
        gs=max(grad.gs + factor * other.gs, 0.0),
        gb=max(grad.gb + factor * other.gb, 0.0),
        gx=max(grad.gx + factor * other.gx, 0.0),
        gr=max(grad.gr + factor * other.gr, 0.0),
    )


def _factors(node: Node, states: list[State | None]) -> list[float] | None:
    """Returns by what a node multiplies each of its inputs before it adds them."""
    if has(node.op, "copies") and kind(node.op) == "shape" and len(node.inputs) == 1:
        return [1.0]
    if node.op == "neg":
        return [-1.0]
    if has(node.op, "scales") and len(node.inputs) == 1:
        value = node.get("other") if node.get("other") is not None else node.get("input") if node.op == "mul" else None
        if not isinstance(value, (int, float)) or isinstance(value, bool) or (node.op == "div" and value == 0):
            return None
        return [float(value) if node.op == "mul" else 1.0 / float(value)]
    if not (has(node.op, "adds") or has(node.op, "subtracts")) or len(node.inputs) > 2:
        return None
    alpha = node.get("alpha")
    if alpha is not None and not isinstance(alpha, (int, float)):
        return None
    by = float(alpha) if alpha is not None else 1.0
    if len(node.inputs) == 1:
        return [1.0 if node.op == "add" or (node.op == "sub" and node.get("other") is not None) else -1.0]
    left, right = (states[source] for source in node.inputs)
    if left is None or right is None or left.spread is not None or right.spread is not None:
        return None
    if left.axes is not None and right.axes is not None and left.axes != right.axes:
        return None
    if (left.places == 1.0) != (right.places == 1.0):
        return None
    return [1.0, by] if node.op == "add" else [1.0, -by] if node.op == "sub" else [-by, 1.0]
