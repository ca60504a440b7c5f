"""Subjects: what a rule's condition is asked of, each with its facts computed when asked and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct, field

from vglint import origin
from vglint.analysis.facts import (
    agents,
    argument_order,
    attention,
    axes,
    bounded,
    broadcast,
    causal,
    class_axis,
    clipping,
    depth,
    edge_values,
    exchanged,
    exponent,
    filling,
    frozen,
    heads,
    inverse,
    keeping,
    missed,
    mixture,
    no_grad,
    numeric,
    one_step,
    overwriting,
    padding,
    pooling_axis,
    reach,
    rectified,
    recurrence,
    regularising,
    same_twice,
    saturation,
    schedules,
    settings,
    stacked,
    stale,
    stepping,
    stream,
    structure,
    terms,
    triangles,
    upkeep,
    zeroing,
)
from vglint.analysis.facts.effort import Effort, SpentError
from vglint.analysis.facts.klass import class_views
from vglint.analysis.facts.loop import loop_views
from vglint.analysis.facts.loss import loss_views
from vglint.analysis.facts.model import model_views
from vglint.analysis.facts.node import node_views
from vglint.analysis.facts.parameter import parameter_views
from vglint.analysis.facts.project import context_of
from vglint.analysis.facts.spec import FACTS, FactValue
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Graph
from vglint.rule import Subject
from vglint.signal import Trace
from vglint.value import Unknown

REGISTERED = (
    agents,
    argument_order,
    attention,
    axes,
    bounded,
    broadcast,
    causal,
    class_axis,
    clipping,
    depth,
    edge_values,
    exchanged,
    exponent,
    filling,
    frozen,
    heads,
    inverse,
    keeping,
    missed,
    mixture,
    no_grad,
    numeric,
    one_step,
    overwriting,
    padding,
    pooling_axis,
    reach,
    recurrence,
    rectified,
    regularising,
    same_twice,
    saturation,
    schedules,
    settings,
    stacked,
    stale,
    stepping,
    stream,
    structure,
    terms,
    triangles,
    upkeep,
    zeroing,
)
"""Modules whose import registers their facts."""


class SubjectFacts(Struct, frozen=True):
    """One subject: facts by name. `entry` is the graph's."""

    subject: Subject
    entry: str
    view: object
    cache: dict[str, FactValue | Unknown] = field(default_factory=dict)

    def value(self, name: str) -> FactValue | Unknown:
        """Returns the fact's value, Unknown where the graph does not settle it. Raises KeyError on a name that is no fact."""
        if name not in self.cache:
            compute = FACTS[f"{self.subject}.{name}"].compute
            try:
                self.cache[name] = compute(self.view)
            except SpentError:
                self.cache[name] = Unknown(origin.Budget("walks through the graph"))
            except RecursionError:  # one op behind the other, a thousand times
                self.cache[name] = Unknown(origin.Budget("nested too deeply"))
        return self.cache[name]

    def places(self, name: str) -> tuple[Place, ...]:
        """Returns the places that a fact names; none where it is unknown or names none."""
        value = self.value(name)
        return tuple(item for item in value if isinstance(item, Place)) if isinstance(value, tuple) else ()


def subjects(
    graphs: Iterable[Graph],
    wanted: frozenset[str] | None = None,
    make_trace: Callable[[Graph], Trace] | None = None,
    beside: View | None = None,
) -> Iterator[tuple[int, SubjectFacts]]:
    """Yields the subjects of the graphs of one file, each with its graph's position; `wanted` limits the kinds. What the file says of its
    classes, and how much its facts may take, is taken from a view `beside` where one is given."""
    graphs = tuple(graphs)
    context = context_of(graphs) if beside is None else beside.context
    effort = Effort() if beside is None else beside.effort
    for position, graph in enumerate(graphs):
        view = View(graph, make_trace or _predict, context, effort)
        for subject, views in _VIEWS.items():
            if wanted is None or subject in wanted:
                for found in _as_far_as_known(views, view):
                    yield position, SubjectFacts(subject, graph.entry, found)


def _as_far_as_known(views: Callable[[View], Iterable[object]], view: View) -> Iterator[object]:
    try:
        yield from views(view)
    except (SpentError, RecursionError):
        return


def _predict(graph: Graph) -> Trace:
    from vglint.analysis.propagate import propagate

    return propagate(graph)


_VIEWS: dict[Subject, Callable[[View], Iterable[object]]] = {
    "model": model_views,
    "node": node_views,
    "parameter": parameter_views,
    "loss": loss_views,
    "loop": loop_views,
    "class": class_views,
}
