"""Models whose graph has no gap and whose gradient is not known all the same: theory ends at one of their operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from vglint.analysis.facts.effort import SpentError
from vglint.analysis.facts.model import ModelView, model_views
from vglint.analysis.facts.project import context_of
from vglint.analysis.facts.view import View
from vglint.analysis.propagate import propagate
from vglint.graph import Graph
from vglint.signal import Lack, Trace
from vglint.value import Unknown


def silences(graphs: Iterable[Graph], make_trace: Callable[[Graph], Trace] = propagate) -> Iterator[tuple[Graph, Lack]]:
    """Yields each graph without a gap that has a model whose gradient is not known, with the node at which knowledge ends, and why."""
    graphs = tuple(graphs)
    context = context_of(graphs)
    for graph in graphs:
        if graph.gaps or graph.root in context.parts:
            # A part of a model is judged with the model.
            continue
        found = _first_lack(View(graph, make_trace, context))
        if found is not None:
            yield graph, found


def _first_lack(view: View) -> Lack | None:
    try:
        return next((lack for model in model_views(view) if (lack := lack_of(model)) is not None), None)
    except (SpentError, RecursionError):
        return 0, "the graph is too large"


def lack_of(model: ModelView) -> Lack | None:
    """Returns why a model's gradient is not known, None where it is, or where no weight layer feeds another."""
    path = model.path
    if path.first is None or path.last is None or path.last <= path.first or not isinstance(model.decades, Unknown):
        return None
    causes = model.view.trace.causes
    calls = (path.last, *model.first_calls)
    return next(
        (causes[index] for index in calls if causes and causes[index] is not None), (path.first, "not predicted")
    )


def reason(graph: Graph, lack: Lack) -> str:
    """Returns `model.py:12: where: a choice between two signals`."""
    node = graph.nodes[lack[0]]
    return f"{node.span.file}:{node.span.line}: {node.op}: {lack[1]}"
