"""Facts of learning-rate schedules: what they leave of the rate, and how often they are stepped."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

from vglint import origin
from vglint.analysis.facts.loop import LoopView, of_unseen_trainer, places_of
from vglint.analysis.facts.order import loops_of
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import number
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.value import Unknown

_PERIODIC = {"StepLR": "step_size", "CosineAnnealingLR": "T_max"}
_EPOCHS = 100
"""The longest count of epochs between two drops that is taken for one where the number of epochs is not known."""


@fact("loop", "places")
def zero_factors(loop: LoopView) -> tuple[Place, ...]:
    """Schedules whose factor is 0, so that the first drop sets the learning rate to 0 for good."""
    return places_of(loop, [node for node in _schedules(loop) if _factor(node) == 0 and not _too_late(loop, node)])


@fact("loop", "places")
def stays_at_zero(loop: LoopView) -> tuple[Place, ...]:
    """Schedules whose factor is a function that is 0 before the first `step()`, where nothing steps them, or that is 0 after 100 of them too.
    Not where code that is not followed, or a trainer, may step them."""
    view, found = loop.view, []
    if loop.unexplained or view.cut_short or any(True for _ in view.nodes("trainer")) or of_unseen_trainer(loop):
        return ()
    if any(isinstance(gap.origin, origin.CALLS) for gap in view.graph.gaps):
        return ()
    for schedule in _schedules(loop):
        factors = schedule.get("factors")
        if not loop.steps or not isinstance(factors, tuple) or factors[:1] != (0.0,):
            continue
        if set(factors) == {0.0} or not any(True for _ in _steps(loop, schedule)):
            found.append(schedule)
    return places_of(loop, found)


@fact("loop", "flag")
def never_raised(loop: LoopView) -> bool:
    """Nothing steps such a schedule."""
    return bool(stays_at_zero(loop)) and not any(True for schedule in _schedules(loop) for _ in _steps(loop, schedule))


@fact("loop", "flag")
def drop_is_reached(loop: LoopView) -> bool:
    """The first drop of such a schedule is known to come within the steps that the program takes."""
    return any(_reaches(loop, node) is True for node in _schedules(loop) if _factor(node) == 0)


@fact("loop", "places")
def stepped_each_batch(loop: LoopView) -> tuple[Place, ...]:
    """Steps of a schedule that is counted in epochs (its drops lie within the number of epochs) in the loop over the batches."""
    found = []
    for schedule in _schedules(loop):
        for step in _steps(loop, schedule):
            if _per_batch(loop, schedule, step):
                found.append(step)
    return places_of(loop, found)


@fact("loop", "places")
def stepped_each_epoch(loop: LoopView) -> tuple[Place, ...]:
    """Steps of a schedule that is counted in batches (`steps_per_epoch` of them in each of `epochs`, or `len(loader) * epochs`), outside the
    loop over the batches, in which the optimiser steps."""
    found = []
    for schedule in _schedules(loop):
        for step in _steps(loop, schedule) if _counts_batches(schedule) else ():
            around = loops_of(loop.view, step)
            inner = [loops_of(loop.view, each) for each in loop.steps]
            if around and inner and all(len(each) > 1 and each[1:] == around for each in inner):
                batches = {loop.view.graph.regions[each[0]].count for each in inner}
                if not any(isinstance(count, int) and count <= 1 for count in batches):
                    found.append(step)
    return places_of(loop, found)


@fact("loop", "places")
def watches_backwards(loop: LoopView) -> tuple[Place, ...]:
    """`ReduceLROnPlateau(mode="max")` whose step is given a loss, or its mean over batches: a loss that falls counts as no improvement."""
    found = []
    for schedule in _schedules(loop):
        if _name(schedule) != "ReduceLROnPlateau" or schedule.get("mode") != "max":
            continue
        for step in _steps(loop, schedule):
            watched = [index for index in step.inputs if index != schedule.index]
            if watched and _is_loss(loop, watched[0]):
                found.append(schedule)
    return places_of(loop, found)


def _is_loss(loop: LoopView, index: int) -> bool:
    """Whether a number is one of torch's losses of a network's output, as it is, added up or averaged."""
    view, node = loop.view, loop.view.graph.nodes[index]
    for _ in range(_STEPS):
        if view.kinds[node.index] == "loss":
            return any(view.trains(each) for each in view.before([node.index]))
        summed = has(node.op, "adds") and (number(node.get("input")) == 0 or number(node.get("other")) == 0)
        scaled = has(node.op, "scales") and (_positive(node.get("other")) or _positive(node.get("input")))
        one = len(node.inputs) == 1 and (summed or scaled or has(node.op, "sums") or has(node.op, "leaves_torch"))
        if (not one and not (node.op == "kept" or has(node.op, "detaches"))) or not node.inputs:
            return False
        node = view.graph.nodes[node.inputs[0]]
    return False


def _positive(value: object) -> bool:
    """Whether a factor is a positive number, or the length of something."""
    if isinstance(value, Unknown):
        return isinstance(value.origin, origin.Length)
    return isinstance(value, (int, float)) and value > 0


_STEPS = 12
"""The most operations between a loss and what a schedule watches."""


@fact("loop", "places")
def rate_as_factor(loop: LoopView) -> tuple[Place, ...]:
    """Schedules whose factor is a function that gives a learning rate: it starts at the optimiser's own, below 0.05, or so that the product
    is below 2e-6, and never rises."""
    rate, found = number(loop.optimizer.get("lr")), []
    for schedule in _schedules(loop):
        factors = schedule.get("factors")
        known = [value for value in factors if isinstance(value, float)] if isinstance(factors, tuple) else []
        if rate is None or len(known) < 3 or not 0 < known[0] <= _RATE or max(known) > known[0]:
            continue
        if isclose(known[0], rate) or known[0] * rate < _TINY:
            found.append(schedule)
    return places_of(loop, found)


_RATE = 0.05
"""The largest factor of a schedule's start that is taken for a learning rate."""
_TINY = 2e-6
"""A learning rate below which a training that starts there hardly moves."""


def _counts_batches(schedule: Node) -> bool:
    """Whether a schedule is told how many batches there are: a one-cycle schedule, of which an epoch has more than one, or one of transformers, in all
    epochs."""
    if schedule.get("counts_batches") is True:
        return True
    batches, epochs = schedule.get("steps_per_epoch"), schedule.get("epochs")
    return _name(schedule) == "OneCycleLR" and epochs is not None and batches is not None and batches != 1


@fact("loop", "places")
def lost_at(loop: LoopView) -> tuple[Place, ...]:
    """What `stays_at_zero` names, else what `zero_factors`, `rate_as_factor`, `watches_backwards`, `stepped_each_epoch` or `stepped_each_batch`
    names."""
    found = stays_at_zero(loop) or zero_factors(loop) or rate_as_factor(loop) or watches_backwards(loop)
    return found or stepped_each_epoch(loop) or stepped_each_batch(loop)


@fact("loop", "text")
def schedule_name(loop: LoopView) -> str | Unknown:
    """The class of the schedule that is at fault."""
    for node in _schedules(loop):
        if (
            _factor(node) == 0
            or bool(watches_backwards(loop))
            or node.get("factors") is not None
            or (_counts_batches(node) and bool(stepped_each_epoch(loop)))
            or any(_per_batch(loop, node, step) for step in _steps(loop, node))
        ):
            return _name(node)
    return unknown("no schedule")


@fact("loop", "text")
def schedule_period(loop: LoopView) -> str | Unknown:
    """What that schedule counts, as the program says it: `step_size=10`."""
    for node in _schedules(loop):
        if any(_per_batch(loop, node, step) for step in _steps(loop, node)):
            key = _PERIODIC.get(_name(node), "milestones" if _name(node) == "MultiStepLR" else "gamma")
            value = node.get(key)
            text = (
                f"[{', '.join(map(str, value))}]"
                if isinstance(value, tuple)
                else f"{value:g}"
                if isinstance(value, float)
                else str(value)
            )
            return f"{key}={text}"
    return unknown("no schedule")


def _schedules(loop: LoopView) -> list[Node]:
    return [node for node in loop.view.nodes("scheduler") if loop.optimizer.index in node.inputs]


def _steps(loop: LoopView, schedule: Node) -> Iterator[Node]:
    return (node for node in loop.view.nodes("scheduler_step") if schedule.index in node.inputs)


def _name(node: Node) -> str:
    return (node.type or "").rpartition(".")[2]


def _factor(node: Node) -> float | None:
    """Returns what a schedule multiplies the learning rate with at a drop."""
    key = {"StepLR": "gamma", "MultiStepLR": "gamma", "ExponentialLR": "gamma", "ReduceLROnPlateau": "factor"}.get(
        _name(node)
    )
    return number(node.get(key)) if key is not None else None


def _first_drop(node: Node) -> float | None:
    if _name(node) == "StepLR":
        return number(node.get("step_size"))
    if _name(node) == "MultiStepLR":
        stones = node.get("milestones")
        return number(stones[0]) if isinstance(stones, tuple) and stones else None
    return 1.0


def _turns(loop: LoopView, step: Node) -> float | None:
    """Returns how often a node runs, None where a loop around it is of unknown length or it is conditional."""
    total = 1.0
    for index in loop.view.regions_of(step.region):
        region = loop.view.graph.regions[index]
        if region.kind in ("branch", "handler"):
            return None
        if region.kind == "loop":
            if not isinstance(region.count, int):
                return None
            total *= region.count
    return total


def _reaches(loop: LoopView, schedule: Node) -> bool | None:
    first = _first_drop(schedule)
    counts = [_turns(loop, step) for step in _steps(loop, schedule)]
    known = [count for count in counts if count is not None]
    if first is None or not counts or len(known) < len(counts):
        return None
    return sum(known) > first


def _too_late(loop: LoopView, schedule: Node) -> bool:
    return _reaches(loop, schedule) is False and any(True for _ in _steps(loop, schedule))


def _per_batch(loop: LoopView, schedule: Node, step: Node) -> bool:
    view = loop.view
    inner = loops_of(view, step)
    around = view.regions_of(step.region)
    if any(view.graph.regions[index].kind in ("branch", "handler") for index in around):
        return False
    if len(inner) < 2 or not any(inner[0] in view.regions_of(each.region) for each in loop.steps):
        return False
    if any(index in view.regions_of(schedule.region) for index in inner):
        return False
    batches, epochs = view.graph.regions[inner[0]].count, view.graph.regions[inner[1]].count
    if isinstance(batches, int) and batches <= 1:
        return False
    known = epochs if isinstance(epochs, int) else None
    factor = _factor(schedule)
    match _name(schedule):
        case "StepLR":
            period = number(schedule.get("step_size"))
            return (
                period is not None
                and factor is not None
                and 0 < factor < 1
                and 1 <= period <= (known or _EPOCHS)
                and not _slow(factor, period, batches, known)
            )
        case "MultiStepLR":
            stones = schedule.get("milestones")
            return (
                isinstance(stones, tuple)
                and bool(stones)
                and all(isinstance(stone, int) and 0 < stone <= (known or _EPOCHS) for stone in stones)
            )
        case "CosineAnnealingLR":
            period = number(schedule.get("T_max"))
            return period is not None and known is not None and known > 1 and period == known
        case "ExponentialLR":
            return factor is not None and 0 < factor < 1 and not _slow(factor, 1, batches, known)
        case _:
            return False


def _slow(factor: float, period: float, batches: object, epochs: int | None) -> bool:
    """Whether the rate keeps a hundredth of itself over the first tenth of the training: then it may be meant so. A loop over batches of
    unknown length is taken to have 100."""
    count = batches if isinstance(batches, int) else 100
    steps = count * max(1.0, (epochs or 10) / 10)
    return bool(factor ** (steps / period) > 0.01)
