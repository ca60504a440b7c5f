"""Facts of a training loop: one optimiser with its backward passes, clips, zeroings and steps in program order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from vglint.analysis.facts.model import ADAPTIVE
from vglint.analysis.facts.order import always_with, earlier, later, repeats
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View, number
from vglint.finding import Place
from vglint.graph import Node
from vglint.value import Unknown

_CLIPS = ("clip_grad_norm", "clip_grad_value")
_DETACHING = frozenset({"detach", "item", "tolist", "numpy"})
_GATED = frozenset({"lstm", "gru", "lstm_cell", "gru_cell"})
_VANILLA = frozenset({"rnn", "rnn_cell"})


@dataclass(frozen=True)
class LoopView:
    """One optimiser of a graph of training code."""

    view: View
    optimizer: Node

    @cached_property
    def params(self) -> frozenset[int]:
        """The parameters that it moves; empty where not all of them are known."""
        if self.optimizer.get("complete") is False:
            return frozenset()
        return frozenset(index for _, index in self.optimizer.params)

    @cached_property
    def steps(self) -> tuple[Node, ...]:
        return tuple(node for node in self.view.nodes("step") if self.optimizer.index in node.inputs)

    @cached_property
    def zeros(self) -> tuple[Node, ...]:
        """Zeroings of this optimiser's gradients, through it or through a model with its parameters."""
        return tuple(node for node in self.view.nodes("zero_grad") if self._touches(node))

    @cached_property
    def clips(self) -> tuple[Node, ...]:
        return tuple(node for node in self.view.nodes(*_CLIPS) if self._touches(node))

    @cached_property
    def backwards(self) -> tuple[Node, ...]:
        """Backward passes whose loss depends on this optimiser's parameters."""
        return tuple(node for node in self.view.nodes("backward") if self.reaches(node))

    @cached_property
    def scaled_steps(self) -> tuple[Node, ...]:
        return tuple(node for node in self.steps if node.get("scaler") not in (None, False))

    @cached_property
    def unexplained(self) -> bool:
        """A call that is not understood stands in the training code and may do anything to the optimiser, or gradients are handled
        by hand."""
        if any(self._touches(node) for node in self.view.nodes("param_grad")):
            return True
        lines = [node.span.line for node in (*self.backwards, *self.steps)]
        file = self.optimizer.span.file
        for gap in self.view.graph.gaps:
            if gap.why not in ("unmodelled call", "unresolved name", "budget", "unsupported syntax"):
                continue
            if gap.span is None or not lines:
                return True
            if gap.span.file != file or min(lines) - 15 <= gap.span.line <= max(lines) + 15:
                return True
        return False

    def reaches(self, backward: Node) -> bool:
        """Whether a backward pass can reach one of the optimiser's parameters; true where that is not known."""
        if not self.params:
            return True
        nodes = self.view.graph.nodes
        for index in self.view.before(backward.inputs, lambda node: not self.view.carries_gradient(node)):
            if nodes[index].op == "opaque" or any(param in self.params for _, param in nodes[index].params):
                return True
        return False

    def _touches(self, node: Node) -> bool:
        if self.optimizer.index in node.inputs:
            return True
        own = frozenset(index for _, index in node.params)
        if not own and node.path:
            own = self.view.parameters_under(node.path)
        if not own or node.get("complete") is False:
            return not any(self.view.graph.nodes[source].op == "optimizer" for source in node.inputs)
        return not self.params or bool(own & self.params)


def loop_views(view: View) -> Iterator[LoopView]:
    """Yields the optimisers of a graph that takes steps."""
    for node in view.nodes("optimizer"):
        found = LoopView(view, node)
        if found.steps:
            yield found


@fact("loop", "text")
def optimizer(loop: LoopView) -> str:
    """The optimiser's class: Adam, SGD, …"""
    return (loop.optimizer.type or "optimizer").rpartition(".")[2]


@fact("loop", "places")
def optimizer_place(loop: LoopView) -> tuple[Place, ...]:
    """Where the optimiser is built."""
    return (loop.view.place(loop.optimizer.index),)


@fact("loop", "places")
def steps(loop: LoopView) -> tuple[Place, ...]:
    """Where it steps."""
    return _places(loop, loop.steps)


@fact("loop", "places")
def backwards(loop: LoopView) -> tuple[Place, ...]:
    """Backward passes that reach its parameters."""
    return _places(loop, loop.backwards)


@fact("loop", "places")
def clips(loop: LoopView) -> tuple[Place, ...]:
    """Where its gradients are clipped."""
    return _places(loop, loop.clips)


@fact("loop", "flag")
def clips_gradients(loop: LoopView) -> bool | Unknown:
    """Its gradients are clipped somewhere. Unknown where a call in the training code is not understood."""
    if loop.clips or any(
        node.get("gradient_clip_val") or node.get("max_grad_norm") for node in loop.view.nodes("trainer")
    ):
        return True
    return unknown("a call in the training code is not understood") if loop.unexplained else False


@fact("loop", "flag")
def repeated(loop: LoopView) -> bool:
    """It steps more than once: inside a loop."""
    return any(repeats(loop.view, node) for node in loop.steps)


@fact("loop", "flag")
def zeroes_gradients(loop: LoopView) -> bool | Unknown:
    """Its gradients are set to zero or None somewhere. Unknown where a call in the training code is not understood."""
    if loop.zeros:
        return True
    return unknown("a call in the training code is not understood") if loop.unexplained else False


@fact("loop", "places")
def zeroed_before_step(loop: LoopView) -> tuple[Place, ...]:
    """Zeroings that stand between the backward pass and the step, so that the step sees no gradient."""
    found = []
    events = [*loop.zeros, *loop.backwards]
    for step in loop.steps:
        for event in earlier(loop.view, step, sorted(events, key=lambda node: node.index)):
            if event.op == "backward":
                break
            if not always_with(loop.view, event, step):
                continue
            if any(other.op == "backward" for other in earlier(loop.view, event, events)):
                found.append(event)
            break
    return _places(loop, found)


@fact("loop", "places")
def clipped_before_unscale(loop: LoopView) -> tuple[Place, ...]:
    """Clips of gradients that a GradScaler still multiplies: between backward and `scaler.step`, nothing unscales them."""
    found = []
    unscales = [node for node in loop.view.nodes("unscale") if loop.optimizer.index in node.inputs]
    events = sorted([*unscales, *loop.backwards, *loop.steps], key=lambda node: node.index)
    for clip in loop.clips:
        step = next((node for node in later(loop.view, clip, loop.steps)), None)
        if step is None or step not in loop.scaled_steps:
            continue
        before = next(earlier(loop.view, clip, events), None)
        if before is not None and before.op == "backward" and _scaled(loop, before):
            found.append(clip)
    return _places(loop, found)


@fact("loop", "places")
def clipped_without_effect(loop: LoopView) -> tuple[Place, ...]:
    """Clips that change no step: of an iterator that was used up, or of gradients that are zeroed before they are used."""
    found = [clip for clip in loop.clips if clip.get("exhausted") is True]
    events = sorted([*loop.zeros, *loop.backwards, *loop.steps], key=lambda node: node.index)
    for clip in loop.clips:
        if clip in found:
            continue
        before = next(earlier(loop.view, clip, events), None)
        after = next(later(loop.view, clip, events), None)
        if before is None or after is None or not loop.backwards:
            continue
        if not always_with(loop.view, before, clip) or not always_with(loop.view, after, clip):
            continue
        late = before.op == "step" and after.op == "zero_grad"
        early = before.op == "zero_grad" and after.op == "backward"
        if late or early:
            found.append(clip)
    return _places(loop, found)


@fact("loop", "text")
def clip_fault(loop: LoopView) -> str | Unknown:
    """Why the first of `clipped_without_effect` has no effect."""
    places = clipped_without_effect(loop)
    if not places:
        return unknown("every clip has an effect")
    clip = next(node for node in loop.clips if node.span == places[0].span)
    if clip.get("exhausted") is True:
        return "the iterator of parameters that it is given was used up before, so it clips nothing"
    events = sorted([*loop.zeros, *loop.backwards, *loop.steps], key=lambda node: node.index)
    before = next(earlier(loop.view, clip, events), None)
    if before is not None and before.op == "step":
        return "it runs after the step, and the gradients are zeroed before the next one"
    return "it runs before backward() has filled the gradients"


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


@fact("loop", "number")
def clip_bound(loop: LoopView) -> float | Unknown:
    """The literal bound of its clipping, norm or value."""
    norm = max_norm(loop)
    return clip_value(loop) if isinstance(norm, Unknown) else norm


@fact("loop", "text")
def clip_verdict(loop: LoopView) -> str | Unknown:
    """What a clip of that bound does."""
    bound = clip_bound(loop)
    if isinstance(bound, Unknown):
        return bound
    return "never acts" if bound > 1 else "cuts nearly every step to that length"


@fact("loop", "flag")
def adaptive(loop: LoopView) -> bool:
    """The optimiser is Adam or one of its kin, which divide the gradient's scale out."""
    return optimizer(loop) in ADAPTIVE


@fact("loop", "number")
def learning_rate(loop: LoopView) -> float | Unknown:
    """The literal learning rate that it is built with."""
    value = number(loop.optimizer.get("lr"))
    return value if value is not None else unknown("the learning rate is no literal")


@fact("loop", "flag")
def scheduled(loop: LoopView) -> bool:
    """A learning-rate scheduler drives it."""
    return any(loop.optimizer.index in node.inputs for node in loop.view.nodes("scheduler"))


@fact("loop", "places")
def recurrent(loop: LoopView) -> tuple[Place, ...]:
    """Recurrent layers whose parameters it moves."""
    return _places(loop, _recurrent(loop))


@fact("loop", "text")
def recurrence(loop: LoopView) -> str:
    """`vanilla` where one of them is a plain RNN, `gated` where all are LSTM or GRU, `none`."""
    nodes = _recurrent(loop)
    if not nodes:
        return "none"
    return "vanilla" if any(node.op in _VANILLA for node in nodes) else "gated"


@fact("loop", "number", "steps")
def sequence_length(loop: LoopView) -> float | Unknown:
    """Number of time steps of the longest of them, where it is a plain number."""
    lengths = []
    for node in _recurrent(loop):
        shape = loop.view.graph.nodes[node.inputs[0]].shape if node.inputs else None
        if shape is None or len(shape) != 3:
            continue
        size = shape[1] if node.get("batch_first") is True else shape[0]
        if isinstance(size, int):
            lengths.append(size)
    return float(max(lengths)) if lengths else unknown("the sequence length is not known")


@fact("loop", "flag")
def half_precision(loop: LoopView) -> bool | Unknown:
    """The forward pass runs under autocast to float16. Unknown where the dtype is no literal."""
    for region in loop.view.graph.regions:
        if region.kind != "autocast" or "False" in region.text:
            continue
        if "bfloat16" in region.text or "cpu" in region.text or "BFloat16" in region.text:
            continue
        if "float16" in region.text or "dtype" not in region.text:
            return True
        return unknown("autocast's dtype is no literal")
    return False


@fact("loop", "flag")
def scaled(loop: LoopView) -> bool | Unknown:
    """Its loss passes a GradScaler. Unknown where a call in the training code is not understood."""
    if loop.scaled_steps or any(_scaled(loop, backward) for backward in loop.backwards):
        return True
    return unknown("a call in the training code is not understood") if loop.unexplained else False


@fact("loop", "places")
def evaluating(loop: LoopView) -> tuple[Place, ...]:
    """Calls of `eval()` that still hold when the model is trained, although it has dropout or batch normalisation."""
    nodes = loop.view.graph.nodes
    modes = [node for node in loop.view.nodes("eval_mode", "train_mode") if "." not in node.path]
    found = []
    for backward in loop.backwards:
        trained = loop.view.before(backward.inputs, lambda node: not loop.view.carries_gradient(node))
        for mode in {node.path for node in modes if node.op == "eval_mode"}:
            layers = [nodes[i] for i in sorted(trained) if nodes[i].path.startswith(f"{mode}.") or not mode]
            owns = any(param in loop.params for node in layers for _, param in node.params)
            stirring = [node for node in layers if node.op == "batch_norm" or loop.view.kinds[node.index] == "dropout"]
            if not owns or not stirring:
                continue
            last = next(earlier(loop.view, stirring[0], [node for node in modes if node.path == mode]), None)
            if last is not None and last.op == "eval_mode":
                found.append(last)
    return _places(loop, found)


@fact("loop", "places")
def under_no_grad(loop: LoopView) -> tuple[Place, ...]:
    """Backward passes of a loss that was computed under no_grad or inference_mode from end to end."""
    found = []
    for backward in loop.backwards:
        behind = [loop.view.graph.nodes[index] for index in loop.view.before(backward.inputs)]
        if any(node.op == "opaque" for node in behind):
            continue
        layers = [node for node in behind if node.params and node.op not in ("optimizer",)]
        if layers and all(loop.view.in_region(node, "no_grad") for node in layers):
            found.append(backward)
    return _places(loop, found)


@fact("loop", "places")
def severed(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """Of backward passes whose loss reaches no parameter by any differentiable way: the ops nearest the loss that cut it
    (`.detach()`, `.data`, `.item()`, `.numpy()`). Unknown where the way back meets a gap."""
    return _severed(loop, _DETACHING)


@fact("loop", "places")
def undifferentiable(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """The same, where what cuts it is an op that has no gradient: argmax, a comparison, rounding, an integer cast."""
    return _severed(loop, None)


@fact("loop", "places")
def missed_layers(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """Layers that the loss trains through, that lie behind layers which an optimiser moves, and that no optimiser moves.
    Frozen ones do not count, nor a frozen backbone in front. Unknown where an optimiser's parameters are not known."""
    optimizers = list(loop.view.nodes("optimizer"))
    if any(not node.params or node.get("complete") is False for node in optimizers) or loop.unexplained:
        return unknown("an optimiser's parameters are not known")
    moved = {index for node in optimizers for _, index in node.params}
    found: dict[Place, None] = {}
    for backward in loop.backwards:
        behind = loop.view.before(backward.inputs, lambda node: not loop.view.carries_gradient(node))
        driven = [i for i in behind if any(param in moved for _, param in loop.view.graph.nodes[i].params)]
        ahead = loop.view.after(driven)
        for index in sorted(behind & ahead):
            own = [param for _, param in loop.view.graph.nodes[index].params]
            live = [param for param in own if loop.view.graph.parameters[param].trainable]
            if live and not any(param in moved for param in own):
                found[loop.view.place(index)] = None
    return tuple(found)


def _severed(loop: LoopView, ops: frozenset[str] | None) -> tuple[Place, ...] | Unknown:
    view, found = loop.view, dict[Place, None]()
    for backward in view.nodes("backward"):
        whole = view.before(backward.inputs)
        open_ = view.before(backward.inputs, lambda node: not view.carries_gradient(node))
        if any(view.graph.nodes[index].op == "opaque" for index in open_):
            return unknown("the way from the loss to the parameters is not followed")
        if any(view.trains(index) for index in open_) or not any(view.trains(index) for index in whole):
            continue
        own = {param for index in whole for _, param in view.graph.nodes[index].params}
        if loop.params and not own & loop.params:
            continue
        cuts = [view.graph.nodes[index] for index in sorted(open_) if view.kinds[index] == "cut"]
        cuts = [node for node in cuts if any(view.trains(index) for index in view.before([node.index]))]
        wanted = [node for node in cuts if (node.op in ops if ops is not None else node.op not in _DETACHING)]
        if len(wanted) == len(cuts):
            found.update((view.place(node.index), None) for node in wanted)
    return tuple(found)


def _recurrent(loop: LoopView) -> list[Node]:
    return [
        node
        for node in loop.view.graph.nodes
        if node.op in _GATED | _VANILLA and (not loop.params or any(param in loop.params for _, param in node.params))
    ]


def _scaled(loop: LoopView, backward: Node) -> bool:
    return any(loop.view.graph.nodes[source].op == "scale" for source in backward.inputs)


def _places(loop: LoopView, nodes: list[Node] | tuple[Node, ...]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys(loop.view.place(node.index) for node in nodes))
