"""`zero-branches`."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView
from vglint.fix.imagined import ZEROS, Imagined, initialised


def zero_branches(model: ModelView) -> Imagined | None:
    """Starts the last layer of each residual branch at zero."""
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
    if len(last) < len(model.sums) or not last:
        return None
    return Imagined(
        initialised(graph, last, ZEROS),
        "start the last layer of each branch at zero: nn.init.zeros_(last.weight) and nn.init.zeros_(last.bias)",
    )
