"""The model that a finding is about, as its rule saw it, and what its layers are called in the file."""

from __future__ import annotations

from vglint.analysis.facts.effort import SpentError
from vglint.analysis.facts.model import ModelView, model_views
from vglint.analysis.facts.view import View
from vglint.analysis.propagate import propagate
from vglint.fix.change import Request


def model_of(request: Request) -> ModelView | None:
    """Returns the model of the finding's entry on whose way one of the finding's places lies; None where there is none, or the graph is
    too large to look through."""
    try:
        return _model_of(request)
    except (SpentError, RecursionError):
        return None


def _model_of(request: Request) -> ModelView | None:
    places = frozenset(request.places)
    for graph in request.graphs:
        if graph.entry == request.finding.entry:
            for model in model_views(View(graph, propagate)):
                if any(graph.nodes[index].span in places for index in model.path.nodes):
                    return model
    for graph in request.graphs:  # the finding stands at what initialises the weights, or at the model's class
        if graph.entry == request.finding.entry and len(found := list(model_views(View(graph, propagate)))) == 1:
            return found[0]
    return None


def layer_types(request: Request, model: ModelView) -> list[str] | None:
    """Returns how the file writes the classes of the model's weight layers; None where one is no layer of torch that it imports."""
    nodes = [model.view.graph.nodes[index] for index in model.path.weights]
    spelled = [request.names.spelled(node.type) if node.type else None for node in nodes]
    known = list(dict.fromkeys(name for name in spelled if name is not None))
    return known if known and None not in spelled else None
