"""The model that a finding is about, as its rule saw it, and what its layers are called in the file."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView, model_views
from vglint.analysis.facts.view import View
from vglint.analysis.propagate import propagate
from vglint.fix.change import Request


def model_of(request: Request) -> ModelView | None:
    """Returns the model of the finding's entry, of several that it makes the one at the finding's place; None where that is not one."""
    views = (View(graph, propagate) for graph in request.graphs if graph.entry == request.finding.entry)
    found = [model for view in views for model in model_views(view)]
    if len(found) > 1:
        place = request.finding.span
        found = [model for model in found if any(node.span == place for node in model.view.graph.nodes)][:1]
    return found[0] if len(found) == 1 else None


def layer_types(request: Request, model: ModelView) -> list[str] | None:
    """Returns how the file writes the classes of the model's weight layers; None where one is no layer of torch that it imports."""
    nodes = [model.view.graph.nodes[index] for index in model.path.weights]
    spelled = [request.names.spelled(node.type) if node.type else None for node in nodes]
    known = list(dict.fromkeys(name for name in spelled if name is not None))
    return known if known and None not in spelled else None
