"""Facts of a training loop: one optimiser with its backward passes, clips, zeroings and steps in program order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from vglint import origin
from vglint.analysis.facts.model import ADAPTIVE
from vglint.analysis.facts.order import always_with, earlier, later, loops_of
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View, number
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has, having, kind
from vglint.value import Unknown


class LoopView(Struct, frozen=True, dict=True):
    """One optimiser of a graph of training code."""

    view: View
    optimizer: Node

    @cached_property
    def elsewhere(self) -> bool:
        """Another method or function, which is called from elsewhere, trains or steps too."""
        return any(isinstance(gap.origin, origin.Elsewhere) for gap in self.view.graph.gaps)

    @property
    def by_hand(self) -> bool:
        """It stands for steps that code takes by hand and that never sets a gradient to zero."""
        return self.optimizer.get("by_hand") is True

    @cached_property
    def params(self) -> frozenset[int]:
        """The parameters that it moves; empty where not all of them are known."""
        if self.optimizer.get("complete") is False and not self.by_hand:
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
        return tuple(node for node in self.view.nodes(*having("clips")) if self._touches(node))

    @cached_property
    def backwards(self) -> tuple[Node, ...]:
        """Backward passes whose loss depends on this optimiser's parameters."""
        return tuple(node for node in self.view.nodes("backward") if self.reaches(node))

    @cached_property
    def training_backwards(self) -> tuple[Node, ...]:
        """Those of the backward passes that a step can follow: gradients that are only looked at train nothing. All of them where no step
        is seen."""
        if not self.steps:
            return self.backwards
        return tuple(
            node
            for node in self.backwards
            if next(later(self.view, node, self.steps, self.optimizer), None) is not None
        )

    @cached_property
    def possible_backwards(self) -> tuple[Node, ...]:
        """These, and those of a loss that is in part not known, which may depend on them."""
        return tuple(
            node
            for node in self.view.nodes("backward")
            if not node.inputs
            or self.reaches(node)
            or any(self.view.hides_operand(each) for each in self.view.before(node.inputs))
        )

    @cached_property
    def scaled_steps(self) -> tuple[Node, ...]:
        return tuple(node for node in self.steps if node.get("scaler") not in (None, False))

    @cached_property
    def unexplained(self) -> bool:
        """Code that is not followed gets hold of the optimiser, or of its parameters in a loop that steps them; or gradients are handled
        by hand; or a part of the training code was not read."""
        if not self.by_hand and any(self._touches(node) for node in self.view.nodes("param_grad")):
            return True
        acting = {node.span.file for node in self.view.nodes("zero_grad", "step", "backward", *having("clips"))}
        if any(
            isinstance(gap.origin, (origin.Budget, origin.Syntax)) and (gap.span is None or gap.span.file in acting)
            for gap in self.view.graph.gaps
        ):
            return True
        return any(self._escapes_by(node) for node in self.view.nodes("escape"))

    def _escapes_by(self, node: Node) -> bool:
        """Whether code that is not followed gets the optimiser itself, or parameters of it in every turn."""
        name, given = self.optimizer.get("name"), node.get("arguments")
        if self.optimizer.index in node.inputs:
            return True
        paths = [path for path in given if isinstance(path, str)] if isinstance(given, tuple) else []
        if isinstance(name, str) and any(name == path or name.startswith(f"{path}.") for path in paths):
            return True
        if not self.params & {index for _, index in node.params}:
            return False
        around = {index for index in self.view.regions_of(node.region) if self.view.graph.regions[index].kind == "loop"}
        return any(around & set(self.view.regions_of(step.region)) for step in self.steps)

    def reaches(self, backward: Node, *, surely: bool = False) -> bool:
        """Whether a backward pass can reach one of the optimiser's parameters; true where that is not known, unless it must be sure."""
        if not self.params:
            return not surely
        nodes = self.view.graph.nodes
        for index in self.view.before(backward.inputs, lambda node: not self.view.carries_gradient(node)):
            hidden = nodes[index].op == "opaque" and not surely
            if hidden or any(param in self.params for _, param in nodes[index].params):
                return True
        return False

    def zeroed_by(self, node: Node) -> frozenset[int]:
        """The parameters of this optimiser whose gradients a zeroing sets to zero: all of them where it does not say which."""
        own = self._named(node)
        return self.params if self.optimizer.index in node.inputs or not own else own & self.params

    def _named(self, node: Node) -> frozenset[int]:
        """The parameters that a node is about: its own, a model's, or another optimiser's, which may share some with this one."""
        own = frozenset(index for _, index in node.params)
        if not own and node.path:
            own = self.view.parameters_under(node.path)
        if not own and self.params:
            own = frozenset(param for source in node.inputs for _, param in self.view.graph.nodes[source].params)
        return own

    def _touches(self, node: Node) -> bool:
        if self.optimizer.index in node.inputs:
            return True
        own = self._named(node)
        if not own or node.get("complete") is False:
            return not any(self.view.graph.nodes[source].op == "optimizer" for source in node.inputs)
        return not self.params or bool(own & self.params)


def loop_views(view: View) -> Iterator[LoopView]:
    """Yields the optimisers of a graph that takes steps, those that a group of parameters was meant for and never reached, and those of which
    only a trainer's settings tell."""
    for node in view.nodes("optimizer"):
        found = LoopView(view, node)
        known = node.get("forgotten") is not None or node.get("settings") is True
        if found.steps or known or (found.params and found.backwards):
            yield found


@fact("loop", "text")
def optimizer(loop: LoopView) -> str:
    """The optimiser's class: Adam, SGD, …"""
    return (loop.optimizer.type or "optimizer").rpartition(".")[2]


@fact("loop", "flag")
def by_hand(loop: LoopView) -> bool:
    """There is no optimiser: the code moves parameters against their gradients itself, and never sets a gradient to zero."""
    return loop.by_hand


@fact("loop", "places")
def optimizer_place(loop: LoopView) -> tuple[Place, ...]:
    """Where the optimiser is built."""
    return (loop.view.place(loop.optimizer.index),)


@fact("loop", "places")
def steps(loop: LoopView) -> tuple[Place, ...]:
    """Where it steps."""
    return places_of(loop, loop.steps)


@fact("loop", "places")
def backwards(loop: LoopView) -> tuple[Place, ...]:
    """Backward passes that reach its parameters."""
    return places_of(loop, loop.backwards)


@fact("loop", "places")
def scaled_backwards(loop: LoopView) -> tuple[Place, ...]:
    """Those of them whose loss passes a GradScaler."""
    return places_of(loop, [backward for backward in loop.backwards if is_scaled(loop, backward)])


@fact("loop", "places")
def scaled_steps(loop: LoopView) -> tuple[Place, ...]:
    """Its steps that a GradScaler takes."""
    return places_of(loop, loop.scaled_steps)


@fact("loop", "places")
def training_backwards(loop: LoopView) -> tuple[Place, ...]:
    """Backward passes that reach its parameters and that a step can follow."""
    return places_of(loop, loop.training_backwards)


def _handed_before(loop: LoopView, event: Node) -> bool:
    """Whether, since the last backward pass, code that is not followed got an argument of this code's."""
    for node in reversed(loop.view.graph.nodes[: event.index]):
        if node.op == "backward":
            return False
        if node.op == "escape" and node.get("arguments"):
            return True
    return False


@fact("loop", "places")
def zeroed_before_step(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """Zeroings that stand between the backward pass and the step, so that the step sees no gradient. Not where the program handles the
    gradients by hand between the two: it puts them there itself; nor of what may be another optimiser, where code that is not followed got an
    argument between the two: the step may be there. Unknown where the code is not read to its end."""
    if loop.view.cut_short:
        return unknown("the code is not read to its end")
    if loop.optimizer.get("foreign") is True:
        return unknown("a step of an optimiser that is not torch's may do more than to follow gradients")
    found = []
    events = sorted([*loop.zeros, *loop.possible_backwards], key=lambda node: node.index)
    # A pass right before the step is taken to be its own, whatever is known of its loss.
    all_events = sorted([*loop.zeros, *loop.view.nodes("backward")], key=lambda node: node.index)
    used = sorted([*loop.steps, *loop.view.nodes("backward")], key=lambda node: node.index)
    by_hand = [node.index for node in loop.view.nodes("param_grad")]
    for step in loop.steps:
        zeroed: set[int] = set()
        for event in earlier(loop.view, step, all_events, loop.optimizer):
            if event.op == "backward":
                break
            if not always_with(loop.view, event, step):
                continue
            zeroed |= loop.zeroed_by(event)
            if not zeroed >= loop.params:
                continue  # those of one layer, which is held back on purpose
            turn = loops_of(loop.view, event)[:1]  # what other loops filled, they used as well
            passes = (other for other in earlier(loop.view, event, events, loop.optimizer) if other.op == "backward")
            nearest = next(earlier(loop.view, event, used, loop.optimizer), None)
            if nearest is not None and nearest.op == "step" and nearest.index != step.index:
                continue  # another step has used the gradients
            put = any(event.index < each < step.index for each in by_hand)
            handed = loop.optimizer.index not in event.inputs and _handed_before(loop, event)
            if not (put or handed) and any({*turn} <= {*loop.view.regions_of(other.region)} for other in passes):
                found.append(event)
            break
    return places_of(loop, found)


@fact("loop", "flag")
def adaptive(loop: LoopView) -> bool:
    """The optimiser is Adam or one of its kin, which divide the gradient's scale out."""
    return optimizer(loop) in ADAPTIVE


@fact("loop", "number")
def learning_rate(loop: LoopView) -> float | Unknown:
    """The literal learning rate that it is built with."""
    value = number(loop.optimizer.get("lr"))
    return value if value is not None else unknown("the learning rate is no literal")


@fact("loop", "number", "weights")
def moved_weights(loop: LoopView) -> float | Unknown:
    """Number of weights, parameters of two dimensions or more, that it is known to move: 1 for a single linear layer."""
    if not loop.params:
        return unknown("what it moves is not known")
    shapes = [loop.view.graph.parameters[index].shape for index in loop.params]
    return float(sum(shape is None or len(shape) > 1 for shape in shapes))


@fact("loop", "flag")
def moves_data(loop: LoopView) -> bool:
    """It moves listed tensors of which none is a known parameter, such as an image that is made to please a model."""
    return loop.optimizer.get("listed") is True


@fact("loop", "flag")
def scheduled(loop: LoopView) -> bool:
    """A learning-rate scheduler drives it."""
    return any(loop.optimizer.index in node.inputs for node in loop.view.nodes("scheduler"))


_FROM_THE_FULL_RATE = (
    "StepLR",
    "MultiStepLR",
    "ExponentialLR",
    "CosineAnnealingLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
)


@fact("loop", "flag")
def warmed_up(loop: LoopView) -> bool:
    """A learning-rate scheduler may begin below the rate, as it is none of those that take their first step at the full rate and lower it later; or
    an object that the program builds with the optimiser writes the rate."""
    if loop.optimizer.get("rate_set") is True:
        return True
    schedules = [node for node in loop.view.nodes("scheduler") if loop.optimizer.index in node.inputs]
    return any((node.type or "").rpartition(".")[2] not in _FROM_THE_FULL_RATE for node in schedules)


@fact("loop", "places")
def recurrent(loop: LoopView) -> tuple[Place, ...]:
    """Recurrent layers whose parameters it moves."""
    return places_of(loop, _recurrent(loop))


@fact("loop", "text")
def recurrence(loop: LoopView) -> str:
    """`vanilla` where one of them is a plain RNN, `gated` where all are LSTM or GRU, `none`."""
    nodes = _recurrent(loop)
    if not nodes:
        return "none"
    return "vanilla" if any(not has(node.op, "gated") for node in nodes) else "gated"


@fact("loop", "number", "steps")
def sequence_length(loop: LoopView) -> float | Unknown:
    """Number of time steps of the longest of them, where it is a plain number: of a cell, how often a turn calls it in a loop of known
    length."""
    lengths = []
    cells: dict[tuple[object, int], int] = {}
    for node in _recurrent(loop):
        if node.op.endswith("_cell"):
            called = (node.span, loop.view.regions_of(node.region)[0])
            cells[called] = cells.get(called, 0) + 1
            continue
        shape = loop.view.graph.nodes[node.inputs[0]].shape if node.inputs else None
        if shape is None or len(shape) != 3:
            continue
        size = shape[1] if node.get("batch_first") is True else shape[0]
        if isinstance(size, int):
            lengths.append(size)
    lengths += [count for count in cells.values() if count > 1]
    return float(max(lengths)) if lengths else unknown("the sequence length is not known")


@fact("loop", "flag")
def half_precision(loop: LoopView) -> bool | Unknown:
    """The forward pass runs under autocast to float16. Unknown where the dtype is no literal."""
    role = next((region.role for region in loop.view.graph.regions if region.role in ("float16", "any_dtype")), None)
    return unknown("autocast's dtype is no literal") if role == "any_dtype" else role == "float16"


@fact("loop", "flag")
def scaled(loop: LoopView) -> bool | Unknown:
    """Its loss passes a GradScaler, its own or that of a trainer whose precision is 16. Unknown where a call in the training code is not
    understood, and of a Lightning module whose steps a trainer takes that is not seen."""
    halved = any("16" in str(each.get("precision")) for each in loop.view.nodes("trainer"))
    if halved or loop.scaled_steps or any(is_scaled(loop, backward) for backward in loop.backwards):
        return True
    if of_unseen_trainer(loop):
        return unknown("the trainer scales or does not")
    return unknown("a call in the training code is not understood") if loop.unexplained else False


def _recurrent(loop: LoopView) -> list[Node]:
    return [
        node
        for node in loop.view.graph.nodes
        if kind(node.op) == "recurrent" and (not loop.params or any(param in loop.params for _, param in node.params))
    ]


def of_unseen_trainer(loop: LoopView) -> bool:
    """Whether a trainer that is not seen takes its backward pass, and not the code: it belongs to a module's `training_step`."""
    around = (index for node in loop.backwards for index in loop.view.regions_of(node.region))
    taken = any(loop.view.graph.regions[index].role == "trainer" for index in around)
    return taken and not any(True for _ in loop.view.nodes("trainer"))


def is_scaled(loop: LoopView, backward: Node) -> bool:
    """Whether a GradScaler multiplies the loss that a backward pass starts from; one that is switched off does not."""
    scales = [loop.view.graph.nodes[source] for source in backward.inputs]
    known = any(node.op == "scale" and node.get("enabled") is not False for node in scales)
    return known or backward.get("scaled") is not None


def places_of(loop: LoopView, nodes: list[Node] | tuple[Node, ...]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys(loop.view.place(node.index) for node in nodes))
