"""Facts of a model whose depth is not known: from how many turns of a loop on its gradient has vanished or exploded."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView
from vglint.analysis.facts.spec import fact, unknown
from vglint.finding import Place
from vglint.signal import Depth
from vglint.value import Unknown


def _critical(model: ModelView) -> Depth | Unknown:
    """Returns the loop on the model's way that needs the fewest turns to take the gradient below 1e-3 or beyond 1e3."""
    found = [depth for depth in model.depths if _turns(depth) is not None and _layers(model, depth)]
    if not found:
        return unknown("no loop of unknown length that would do so")
    return min(found, key=lambda depth: _turns(depth) or 0)


def _turns(depth: Depth) -> int | None:
    return depth.below_1e3 if depth.below_1e3 is not None else depth.above_1e3


def _layers(model: ModelView, depth: Depth) -> list[int]:
    return [index for index in depth.nodes if index in model.path.weights]


@fact("model", "places")
def repeated_layers(model: ModelView) -> tuple[Place, ...] | Unknown:
    """The weight layers that a loop of unknown length repeats, where enough turns of it make the gradient vanish or explode."""
    found = _critical(model)
    return found if isinstance(found, Unknown) else model.view.places(_layers(model, found))


@fact("model", "number", "layers")
def critical_depth(model: ModelView) -> float | Unknown:
    """From so many weight layers on in a loop of unknown length, the gradient that leaves its start is predicted to be below 1e-3 or beyond
    1e3 of the one that enters at its end."""
    found = _critical(model)
    if isinstance(found, Unknown):
        return found
    return (_turns(found) or 0) * len(_layers(model, found))


@fact("model", "number", "decades")
def decades_per_turn(model: ModelView) -> float | Unknown:
    """What one turn of that loop does to the gradient, as a decimal logarithm."""
    found = _critical(model)
    return found if isinstance(found, Unknown) else found.per_turn


@fact("model", "text")
def turns(model: ModelView) -> str | Unknown:
    """How often that loop turns, as the source writes it: `depth - 1`. Unknown where it does not say."""
    found = _critical(model)
    if isinstance(found, Unknown):
        return found
    count = model.view.graph.regions[found.region].count
    return unknown("the number of turns is not known") if count is None else str(count)
