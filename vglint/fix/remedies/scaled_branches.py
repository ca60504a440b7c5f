"""`scaled-branches`."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView
from vglint.fix.imagined import Added, Imagined, extended
from vglint.number import plain


def scaled_branches(model: ModelView) -> Imagined | None:
    """Multiplies each residual branch by one over the root of their number."""
    graph, trunk = model.view.graph, frozenset(model.path.trunk)
    behind: dict[int, list[Added]] = {}
    scale = len(model.sums) ** -0.5 if model.sums else 1.0
    for index in model.sums:
        branch = [source for source in graph.nodes[index].inputs if source not in trunk]
        if len(branch) != 1 or set(model.view.readers[branch[0]]) != {index}:
            return None
        behind[branch[0]] = [Added("mul", (("other", scale),))]
    if len(behind) < 2:
        return None
    text = f"multiply each branch by 1/sqrt({len(behind)} blocks): x = x + {plain(scale)} * branch(x)"
    return Imagined(extended(graph, behind), text)
