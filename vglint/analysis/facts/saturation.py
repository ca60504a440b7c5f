"""Facts of sigmoids and tanhs that are saturated before training starts."""

from __future__ import annotations

import math

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.numeric import input_scale
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node, Parameter
from vglint.ops import has
from vglint.value import Unknown

EDGE = 5.0
"""Beyond this a sigmoid's slope is below 1/150, a tanh's below 1/5000."""


@fact("node", "places")
def saturating_start(found: NodeView) -> tuple[Place, ...]:
    """Of a sigmoid or tanh whose argument a weight layer makes directly: where the program fills that layer's weight."""
    if not (found.node.op == "sigmoid" or found.node.op == "tanh"):
        return ()
    layer = _layer(found.view, found.node)
    weight = found.view.parameter(layer, "weight") if layer is not None else None
    span = None if weight is None else weight.init.span or (weight.span if _own(layer, weight) else None)
    return () if span is None else (Place(span, "the weight is filled here"),)


@fact("node", "number", "%")
def saturated_percent(found: NodeView) -> float | Unknown:
    """Predicted share of its units whose argument lies beyond ±5 before training starts, for standardised inputs, in per cent."""
    source = found.node.inputs[0] if found.node.inputs else None
    signal = found.view.trace.signals[source] if source is not None else None
    if signal is None:
        return unknown("the argument's size is not predicted")
    spread = math.sqrt(max(signal.q - signal.mu**2, 1e-30))
    return 100 * (_above((EDGE - signal.mu) / spread) + _above((EDGE + signal.mu) / spread))


@fact("node", "places")
def saturated_at(found: NodeView) -> tuple[Place, ...]:
    """Where the cause of its saturation is: its own place where its argument is multiplied by a literal, else what `saturating_start` names."""
    if not isinstance(input_scale(found), Unknown):
        return (found.view.place(found.node.index),)
    return saturating_start(found) or (found.view.place(found.node.index),)


def _above(score: float) -> float:
    return 0.5 * math.erfc(score / math.sqrt(2))


def _layer(view: View, node: Node) -> Node | None:
    """Returns the weight layer whose result is a value, beyond the addition of a bias and a factor that is a number."""
    index = node.inputs[0] if node.inputs else None
    while index is not None:
        found = view.graph.nodes[index]
        if view.is_weight(found):
            return found
        if found.op == "add" and len(found.inputs) == 2 and view.graph.nodes[found.inputs[1]].op == "parameter":
            index = found.inputs[0]
        elif view.kinds[index] == "shape" or (has(found.op, "scales") and len(found.inputs) == 1):
            index = found.inputs[0] if found.inputs else None
        else:
            return None
    return None


def _own(layer: Node | None, weight: Parameter) -> bool:
    """Whether a weight is a parameter that the program made itself, not a layer's own."""
    return layer is not None and not layer.params and weight.span is not None
