"""`relu-between`."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView, commonest
from vglint.fix.imagined import HE, Imagined, initialised, is_shallow, with_ops
from vglint.value import Unknown


def relu_between(model: ModelView) -> Imagined | None:
    """Puts ReLU in the place of the activations between layers, and initialises the weights to match it."""
    kind = commonest(model, model.activations)
    graph = model.view.graph
    if isinstance(kind, Unknown) or kind == "relu":
        return None
    activations = [index for index in model.activations if graph.nodes[index].op == kind]
    if 2 * len(activations) < len(model.activations):
        return None
    changed = with_ops(initialised(graph, model.path.weights, HE), dict.fromkeys(activations, "relu"))
    return Imagined(
        changed,
        f"replace {kind} between layers with ReLU, and initialise every weight with "
        "nn.init.kaiming_normal_(weight, nonlinearity='relu') and every bias with zeros",
        is_shallow(model),
    )
