"""`zero-branches`."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView
from vglint.fix.imagined import ZEROS, Imagined, initialised


def zero_branches(model: ModelView) -> Imagined | None:
    """Starts the last layer of each residual branch at zero."""
    last = last_layers(model)
    if last is None:
        return None
    return Imagined(
        initialised(model.view.graph, last, ZEROS),
        "start the last layer of each branch at zero: nn.init.zeros_(last.weight) and nn.init.zeros_(last.bias)",
    )


def last_layers(model: ModelView) -> list[int] | None:
    """Returns the weight layer that ends each residual branch; None where a branch ends otherwise, or there is none."""
    graph, trunk = model.view.graph, frozenset(model.path.trunk)
    last: list[int] = []
    for index in model.sums:
        branch = [source for source in graph.nodes[index].inputs if source not in trunk]
        while branch:
            node = graph.nodes[branch[0]]
            if model.view.is_weight(node):
                last.append(node.index)
                break
            if model.view.kinds[node.index] not in ("dropout", "shape") or not node.inputs or node.index in trunk:
                break
            branch = [node.inputs[0]]
    return last if last and len(last) >= len(model.sums) else None
