"""Facts of what an optimiser is built with, beside its learning rate, and of the type of the weights that it moves."""

from __future__ import annotations

from vglint.analysis.facts.loop import LoopView, optimizer, places_of
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import number
from vglint.finding import Place
from vglint.value import Unknown


@fact("loop", "number")
def momentum(loop: LoopView) -> float | Unknown:
    """The literal share of the last step that the next one keeps, as `momentum=` gives it."""
    value = number(loop.optimizer.get("momentum"))
    return value if value is not None else unknown("the momentum is no literal")


@fact("loop", "number")
def coupled_decay(loop: LoopView) -> float | Unknown:
    """The literal weight decay of an optimiser that adds it to the gradient (Adam, SGD), not of one that shrinks the weights by themselves (AdamW)."""
    value = number(loop.optimizer.get("weight_decay"))
    by_itself = loop.optimizer.get("decoupled_weight_decay") is True or "W" in optimizer(loop)
    return value if value is not None and not by_itself else unknown("no weight decay that is added to the gradient")


@fact("loop", "places")
def half_weights(loop: LoopView) -> tuple[Place, ...]:
    """Where the program turns a model into float16 before it steps on its parameters; none where they are frozen, or where an engine moves copies in
    float32, or may move them."""
    if loop.unexplained or any(step.get("copies") is True for step in loop.steps):
        return ()
    first = min((step.index for step in loop.steps), default=-1)
    every = loop.view.graph.parameters
    moved = {index for index in loop.params if every[index].trainable and every[index].frozen is None}
    found = [node for node in loop.view.nodes("half_weights") if node.index < first]
    return places_of(loop, [node for node in found if moved & {index for _, index in node.params}])


@fact("loop", "number")
def epsilon(loop: LoopView) -> float | Unknown:
    """The literal number that it adds to the root by which it divides."""
    value = number(loop.optimizer.get("eps"))
    return value if value is not None else unknown("its epsilon is no literal")
