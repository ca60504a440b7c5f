"""Facts of a loop's clipping: whether it happens, where it has no effect, and to which bound."""

from __future__ import annotations

from vglint.analysis.facts.loop import LoopView, is_scaled, of_unseen_trainer, places_of
from vglint.analysis.facts.order import always_with, earlier, later, repeats
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import number
from vglint.finding import Place
from vglint.graph import Node
from vglint.origin import CALLS, FROM_ARGUMENTS
from vglint.value import Unknown

_UNCLEAR = "a call in the training code is not understood"
_NO_BOUND = 1e6
"""A bound from which on a clip only measures the norm."""


@fact("loop", "places")
def clips(loop: LoopView) -> tuple[Place, ...]:
    """Where its gradients are clipped."""
    return places_of(loop, loop.clips)


@fact("loop", "flag")
def clips_gradients(loop: LoopView) -> bool | Unknown:
    """Its gradients are clipped somewhere. Unknown where a call in the training code is not understood, and of a Lightning module whose
    steps a trainer takes that is not seen."""
    if loop.clips or any(
        node.get("gradient_clip_val") or node.get("max_grad_norm") for node in loop.view.nodes("trainer")
    ):
        return True
    if of_unseen_trainer(loop):
        return unknown("the trainer clips or does not")
    return unknown("a call in the training code is not understood") if loop.unexplained else False


@fact("loop", "places")
def clipped_before_unscale(loop: LoopView) -> tuple[Place, ...]:
    """Clips of gradients that a GradScaler still multiplies: between backward and `scaler.step`, nothing unscales them. Not to a bound that is
    computed from something that is not known, such as the scale itself."""
    found = []
    unscales = [node for node in loop.view.nodes("unscale") if loop.optimizer.index in node.inputs]
    events = sorted([*unscales, *loop.backwards, *loop.steps], key=lambda node: node.index)
    for clip in loop.clips:
        if _is_computed(clip):
            continue
        step = next((node for node in later(loop.view, clip, loop.steps, loop.optimizer)), None)
        if step is None or step not in loop.scaled_steps:
            continue
        before = next(earlier(loop.view, clip, events, loop.optimizer), None)
        if before is not None and before.op == "backward" and is_scaled(loop, before):
            found.append(clip)
    return places_of(loop, found)


def _stepped_before_unscale(loop: LoopView) -> tuple[Place, ...]:
    """Steps of the optimiser itself, not through `scaler.step`, along gradients that a GradScaler still multiplies: every backward pass is
    scaled, and nothing divides them."""
    view, found = loop.view, []
    unscales = [node for node in view.nodes("unscale") if not node.inputs or loop.optimizer.index in node.inputs]
    events = sorted([*unscales, *loop.possible_backwards], key=lambda node: node.index)
    if loop.unexplained or unscales or not loop.backwards:
        return ()
    if not all(_is_surely_scaled(loop, node) for node in loop.possible_backwards):
        return ()
    for step in loop.steps:
        before = next(earlier(view, step, events, loop.optimizer), None)
        if step.get("scaler") is None and before is not None and always_with(view, before, step):
            found.append(step)
    return places_of(loop, found)


@fact("loop", "places")
def never_updated(loop: LoopView) -> tuple[Place, ...]:
    """Steps through a GradScaler, in a loop, of which nothing calls `update()`. Not where code that is not followed may do so."""
    view = loop.view
    if loop.unexplained or loop.elsewhere or view.cut_short or any(True for _ in view.nodes("scaler_update", "escape")):
        return ()
    if any(isinstance(gap.origin, CALLS) for gap in view.graph.gaps):
        return ()
    if not loop.backwards or not all(_is_surely_scaled(loop, node) for node in loop.backwards):
        return ()
    return places_of(loop, [step for step in loop.scaled_steps if repeats(view, step, loop.optimizer)])


@fact("loop", "places")
def misused_scaled(loop: LoopView) -> tuple[Place, ...]:
    """What `clipped_before_unscale` names, else steps of the optimiser itself along scaled gradients, else what `never_updated` names."""
    return clipped_before_unscale(loop) or _stepped_before_unscale(loop) or never_updated(loop)


def _is_surely_scaled(loop: LoopView, backward: Node) -> bool:
    return any(
        loop.view.graph.nodes[source].op == "scale" and loop.view.graph.nodes[source].get("enabled") is True
        for source in backward.inputs
    )


@fact("loop", "places")
def clipped_without_effect(loop: LoopView) -> tuple[Place, ...]:
    """Clips that change no step: of an iterator that was used up, or of gradients that are zeroed before they are used. Not to a bound that
    bounds nothing, by which the norm is only measured."""
    found = [clip for clip in loop.clips if clip.get("exhausted") is True]
    events = sorted([*loop.zeros, *loop.possible_backwards, *loop.steps], key=lambda node: node.index)
    for clip in loop.clips:
        if clip in found or _only_measures(clip):
            continue
        before = next(earlier(loop.view, clip, events, loop.optimizer), None)
        after = next(later(loop.view, clip, events, loop.optimizer), None)
        if before is None or after is None or not loop.backwards:
            continue
        if not always_with(loop.view, before, clip) or not always_with(loop.view, after, clip):
            continue
        late = before.op == "step" and after.op == "zero_grad"
        early = before.op == "zero_grad" and after.op == "backward"
        if late or early:
            found.append(clip)
    return places_of(loop, found)


def _is_computed(clip: Node) -> bool:
    """Whether the bound of a clip is computed from something that the program makes and that is not known."""
    bounds = (clip.get("max_norm"), clip.get("clip_value"))
    return any(isinstance(each, Unknown) and not isinstance(each.origin, FROM_ARGUMENTS) for each in bounds)


def _only_measures(clip: Node) -> bool:
    bound = number(clip.get("max_norm"))
    return bound is not None and bound >= _NO_BOUND


@fact("loop", "flag")
def clip_exhausted(loop: LoopView) -> bool:
    """A clip is given an iterator of parameters that was used up before."""
    return any(clip.get("exhausted") is True for clip in loop.clips)


@fact("loop", "flag")
def clip_after_step(loop: LoopView) -> bool:
    """The first of `clipped_without_effect` runs after the step."""
    places = clipped_without_effect(loop)
    if not places:
        return False
    clip = next(node for node in loop.clips if node.span == places[0].span)
    events = sorted([*loop.zeros, *loop.possible_backwards, *loop.steps], key=lambda node: node.index)
    before = next(earlier(loop.view, clip, events, loop.optimizer), None)
    return before is not None and before.op == "step"


@fact("loop", "number")
def max_norm(loop: LoopView) -> float | Unknown:
    """The literal max_norm of its clipping."""
    for clip in loop.clips:
        value = number(clip.get("max_norm"))
        if value is not None:
            return value
    return unknown("no literal max_norm")


@fact("loop", "number")
def clip_value(loop: LoopView) -> float | Unknown:
    """The literal clip_value of its clipping."""
    for clip in loop.clips:
        value = number(clip.get("clip_value"))
        if value is not None:
            return value
    return unknown("no literal clip_value")
