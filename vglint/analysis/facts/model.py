"""Facts of a model: what happens to the gradient between its last and its first weight layer, and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from vglint.analysis.attribution import attribute
from vglint.analysis.facts.path import MainPath
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Init, Node
from vglint.signal import Attribution, Cause
from vglint.value import Unknown

SATURATING = frozenset({"sigmoid", "tanh", "softsign", "hardsigmoid", "hardtanh", "logsigmoid"})
ADAPTIVE = frozenset(
    {"Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta", "SparseAdam", "Lion", "Adafactor"}
)
_CONSTANTS = frozenset({"zeros", "ones", "constant", "fill", "full"})
_MATCHING = {
    "relu": "kaiming_normal_(weight, nonlinearity='relu')",
    "relu6": "kaiming_normal_(weight, nonlinearity='relu')",
    "leaky_relu": "kaiming_normal_(weight, a=slope, nonlinearity='leaky_relu')",
    "tanh": "xavier_uniform_(weight, gain=5/3)",
    "hardtanh": "xavier_uniform_(weight, gain=5/3)",
    "selu": "normal_(weight, std=fan_in ** -0.5)",
}


@dataclass(frozen=True)
class ModelView:
    """One model of a graph: its main path and the trace of the whole graph."""

    view: View
    path: MainPath
    type: str

    @cached_property
    def decades(self) -> float | Unknown:
        """log10 of RMS gradient at the first weight layer's output over that at the last one that feeds another."""
        path = self.path
        if path.first is None or path.last is None or path.last <= path.first:
            return unknown("no weight layer feeds another")
        first, last = self.view.trace.gradients[path.first], self.view.trace.gradients[path.last]
        if first is None or last is None:
            return unknown("the gradient is not predicted here")
        return first - last

    @cached_property
    def activations(self) -> tuple[int, ...]:
        """Activations on the trunk between the first weight layer and the last that feeds another: no gates, no outputs."""
        path = self.path
        if path.last is None:
            return ()
        return tuple(i for i in path.trunk if i < path.weights[-1] and self.view.kinds[i] == "activation")

    @cached_property
    def saturating(self) -> tuple[int, ...]:
        return tuple(index for index in self.activations if self.view.graph.nodes[index].op in SATURATING)

    @cached_property
    def constant_run(self) -> tuple[int, ...]:
        longest: list[int] = []
        for run in self.path.plain_runs:
            current: list[int] = []
            for index in run:
                current = [*current, index] if _constant(self, index, "weight") else []
                longest = max(longest, current, key=len)
        return tuple(longest)

    @cached_property
    def sums(self) -> tuple[int, ...]:
        """Additions of the trunk one of whose terms is an earlier node of the trunk."""
        trunk = frozenset(self.path.trunk)
        nodes = self.view.graph.nodes
        return tuple(
            index
            for index in self.path.trunk
            if nodes[index].op == "add"
            and len(nodes[index].inputs) == 2
            and any(i in trunk for i in nodes[index].inputs)
        )

    @cached_property
    def attribution(self) -> Attribution | Unknown:
        """The gradient ratio's logarithm split over nodes and causes."""
        if isinstance(self.decades, Unknown):
            return self.decades
        found = attribute(self.view.graph, self.view.trace, self.path.first, self.path.last)
        return found if found.total is not None else unknown("the ratio could not be split over its causes")

    def cost(self, *causes: Cause, nodes: tuple[int, ...] | None = None) -> float | Unknown:
        """Returns the decades that some causes (at some nodes) add to the gradient between `last` and `first`."""
        if isinstance(self.attribution, Unknown):
            return self.attribution
        return sum(
            decades
            for index, cause, decades in self.attribution.nodes
            if cause in causes and (nodes is None or index in nodes)
        )


def model_views(view: View) -> Iterator[ModelView]:
    """Yields the graph's model; of training code, the models that are no class of the user's (those are entries themselves)."""
    graph = view.graph
    if graph.kind != "training":
        inside = frozenset(range(len(graph.nodes)))
        root = next((module.type for module in graph.modules if not module.path), "")
        yield from _of(ModelView(view, MainPath(view, inside), root))
        return
    for module in graph.modules:
        if "." in module.path or not module.type.startswith("torch."):
            continue
        inside = frozenset(
            node.index for node in graph.nodes if node.path == module.path or node.path.startswith(module.path + ".")
        )
        yield from _of(ModelView(view, MainPath(view, inside), module.type))


def _of(model: ModelView) -> Iterator[ModelView]:
    if model.path.first is not None:
        yield model


@fact("model", "number", "decades")
def log10_gradient_ratio(model: ModelView) -> float | Unknown:
    """Predicted RMS gradient at the output of the first weight layer over that of the last weight layer that feeds another,
    as a decimal logarithm: -3 means that a thousandth arrives. Unknown where a part of the way is not understood."""
    return model.decades


@fact("model", "number", "decades")
def decades_per_layer(model: ModelView) -> float | Unknown:
    """The gradient ratio's logarithm divided by the number of weight layers between the two."""
    layers_between = len(model.path.weights) - 2
    if isinstance(model.decades, Unknown):
        return model.decades
    return model.decades / layers_between if layers_between > 0 else unknown("no layer lies between")


@fact("model", "text")
def first_layer(model: ModelView) -> str | Unknown:
    """Path of the first weight layer on the way from the input."""
    return model.view.place(model.path.first).message if model.path.first is not None else unknown("no weight layer")


@fact("model", "text")
def last_layer(model: ModelView) -> str | Unknown:
    """Path of the last weight layer whose output feeds another."""
    return model.view.place(model.path.last).message if model.path.last is not None else unknown("one weight layer")


@fact("model", "places")
def weight_layers(model: ModelView) -> tuple[Place, ...]:
    """Linear and convolution layers on the way from the input to the output, in order."""
    return model.view.places(model.path.weights)


@fact("model", "places")
def activations(model: ModelView) -> tuple[Place, ...]:
    """Activations that every path runs through, between weight layers: neither gates nor the output's."""
    return model.view.places(model.activations)


@fact("model", "places")
def saturating(model: ModelView) -> tuple[Place, ...]:
    """Those of `activations` that saturate: sigmoid, tanh, softsign, hardsigmoid, hardtanh. One called in a loop counts each call."""
    return model.view.places(model.saturating)


@fact("model", "text")
def saturating_kind(model: ModelView) -> str | Unknown:
    """The commonest op of `saturating`."""
    return _commonest(model, model.saturating)


@fact("model", "text")
def activation_kind(model: ModelView) -> str | Unknown:
    """The commonest op of `activations`."""
    return _commonest(model, model.activations)


@fact("model", "number", "decades")
def saturating_decades(model: ModelView) -> float | Unknown:
    """What the saturating activations on the way do to the gradient, as a decimal logarithm (negative: they shrink it)."""
    return model.cost("activation", nodes=model.saturating)


@fact("model", "number", "decades")
def activation_decades(model: ModelView) -> float | Unknown:
    """What all activations on the way do to the gradient, as a decimal logarithm."""
    return model.cost("activation")


@fact("model", "number", "decades")
def weight_decades(model: ModelView) -> float | Unknown:
    """What the weight layers' initialisation does to the gradient on the way, as a decimal logarithm; changes of width, which
    redistribute it over more or fewer units, do not count."""
    return model.cost("init")


@fact("model", "number", "decades")
def stack_decades(model: ModelView) -> float | Unknown:
    """What activations, initialisation and normalisation do to the gradient, as a decimal logarithm: the ratio without the changes of
    width and resolution, which redistribute the gradient but do not lose it."""
    return model.cost("activation", "init", "norm", "attention", "recurrence", "gate")


@fact("model", "flag")
def default_init(model: ModelView) -> bool | Unknown:
    """Every weight on the way keeps the initialisation that torch gives it."""
    inits = _inits(model)
    return inits if isinstance(inits, Unknown) else all(init.span is None for init in inits)


@fact("model", "text")
def weight_init(model: ModelView) -> str | Unknown:
    """The commonest initialisation of the weights on the way: `torch's default` or the call's text."""
    inits = _inits(model)
    if isinstance(inits, Unknown):
        return inits
    names = Counter("torch's default initialisation" if init.span is None else str(init) for init in inits)
    return names.most_common(1)[0][0] if names else unknown("no weight")


@fact("model", "places")
def weight_init_places(model: ModelView) -> tuple[Place, ...]:
    """Where the weights on the way are initialised, where that is written in the program."""
    inits = _inits(model)
    if isinstance(inits, Unknown):
        return ()
    return tuple(dict.fromkeys(Place(init.span, str(init)) for init in inits if init.span is not None))


@fact("model", "places")
def initialised_at(model: ModelView) -> tuple[Place, ...]:
    """The statements that initialise the weights on the way, where most of them are initialised by the program; else the layers
    themselves, which keep torch's default."""
    inits = _inits(model)
    if isinstance(inits, Unknown):
        return ()
    written = weight_init_places(model)
    if 2 * sum(init.span is not None for init in inits) > len(inits):
        return written
    return weight_layers(model)


@fact("model", "text")
def mend(model: ModelView) -> str | Unknown:
    """The smallest right mend of a gradient that the stack shrinks or swells: what to initialise with, or which activation."""
    kind = _commonest(model, model.activations)
    if isinstance(kind, Unknown):
        kind = "none"
    match kind:
        case "tanh" | "hardtanh" | "softsign":
            return (
                "initialise every weight with nn.init.xavier_uniform_(weight, gain=5/3) and every bias with zeros, "
                "or add skip connections"
            )
        case "sigmoid" | "hardsigmoid" | "logsigmoid" | "softplus":
            return (
                f"use nn.GELU() instead of {kind} between layers together with nn.init.kaiming_normal_(weight, nonlinearity='relu') "
                "and zero biases, or put nn.BatchNorm before each activation (LayerNorm does not help here)"
            )
        case "selu":
            return "initialise with nn.init.normal_(weight, std=fan_in ** -0.5), as SELU needs, and zero biases"
        case "none":
            return "initialise with nn.init.xavier_normal_(weight), which keeps the scale of a linear stack"
        case _:
            return (
                f"initialise every weight with nn.init.{_MATCHING.get(kind, _MATCHING['relu'])} and every bias with zeros, "
                "put a normalisation between layer and activation, or add skip connections"
            )


@fact("model", "text")
def matching_init(model: ModelView) -> str | Unknown:
    """The initialisation that keeps the gradient's size under the commonest activation."""
    kind = _commonest(model, model.activations)
    return kind if isinstance(kind, Unknown) else _MATCHING.get(kind, _MATCHING["relu"])


@fact("model", "places")
def norms(model: ModelView) -> tuple[Place, ...]:
    """Normalisation layers on the way."""
    nodes = model.view.graph.nodes
    return model.view.places(index for index in model.path.nodes if model.path.is_norm(nodes[index]))


@fact("model", "text")
def norm_kind(model: ModelView) -> str | Unknown:
    """The commonest normalisation on the way: batch_norm, layer_norm, rms_norm, group_norm, …"""
    nodes = model.view.graph.nodes
    return _commonest(model, tuple(index for index in model.path.nodes if model.path.is_norm(nodes[index])))


@fact("model", "places")
def hidden_softmax(model: ModelView) -> tuple[Place, ...]:
    """Softmax that every path runs through, with trainable weight layers before and behind it: no attention, gate or mixture, whose
    weights multiply another tensor."""
    path = model.path
    trained = [index for index in path.weights if model.view.trains(index)]
    return model.view.places(
        index
        for index in path.trunk
        if model.view.graph.nodes[index].op == "softmax"
        and any(weight < index for weight in trained)
        and _feeds_layer(model, index)
    )


@fact("model", "places")
def sums(model: ModelView) -> tuple[Place, ...]:
    """Residual additions: every path runs through the sum, and one of its terms is an earlier such point itself."""
    return model.view.places(model.sums)


@fact("model", "places")
def squashed_sums(model: ModelView) -> tuple[Place, ...]:
    """Residual additions whose sum passes a saturating activation before the next block."""
    nodes = model.view.graph.nodes
    return model.view.places(
        index
        for index in model.sums
        if any(nodes[reader].op in SATURATING and reader in model.path.trunk for reader in model.view.readers[index])
    )


@fact("model", "places")
def plain_dropout(model: ModelView) -> tuple[Place, ...]:
    """Ordinary dropout between weight layers of the trunk."""
    nodes = model.view.graph.nodes
    last = model.path.weights[-1] if model.path.weights else -1
    return model.view.places(
        index
        for index in model.path.trunk
        if nodes[index].op == "dropout" and index < last and nodes[index].get("p") != 0
    )


@fact("model", "places")
def zero_products(model: ModelView) -> tuple[Place, ...]:
    """Pairs of neighbouring weight layers inside a branch that both start at zero with no bias to move them: their product has no
    gradient with respect to either (LoRA with A and B both zero)."""
    nodes, trunk, found = model.view.graph.nodes, frozenset(model.path.lone), []
    for node in nodes:
        if node.index in trunk or not _zero(model, node):
            continue
        source = node
        while source.inputs:
            source = nodes[source.inputs[0]]
            if model.view.is_weight(source) or model.view.kinds[source.index] not in ("dropout", "shape", "activation"):
                break
        if source.index != node.index and model.view.is_weight(source) and _zero(model, source):
            found.append(node.index)
    return model.view.places(found)


@fact("model", "flag")
def has_skip(model: ModelView) -> bool | Unknown:
    """Some weight layer on the way has something parallel to it: a residual or dense connection, a branch, a gate."""
    trunk = frozenset(model.path.trunk)
    return any(index not in trunk for index in model.path.weights)


@fact("model", "places")
def plain_run(model: ModelView) -> tuple[Place, ...] | Unknown:
    """The longest stretch of weight layers with nothing parallel to them, normalised or not; a depthwise and its pointwise
    convolution count as one layer. Unknown where the model has a gap or a loop of unknown length."""
    return _longest(model, model.path.plain_runs)


@fact("model", "places")
def bare_run(model: ModelView) -> tuple[Place, ...] | Unknown:
    """The longest such stretch without a normalisation between its layers."""
    return _longest(model, model.path.bare_runs)


@fact("model", "places")
def constant_run(model: ModelView) -> tuple[Place, ...]:
    """The places that fill the longest stretch of neighbouring weight layers of the trunk whose weights are each filled with one
    number. Zero-initialised ends of residual branches and gates are no part of the trunk."""
    return tuple(dict.fromkeys(_filled(model, index) for index in model.constant_run))


@fact("model", "number", "layers")
def constant_in_a_row(model: ModelView) -> int:
    """The number of weight layers in that stretch: 1 is one constant layer between random ones."""
    return len(model.constant_run)


@fact("model", "flag")
def constant_biases(model: ModelView) -> bool | Unknown:
    """Every bias in that stretch is constant too, or absent, so that nothing breaks the symmetry."""
    biases = [model.view.parameter(model.view.graph.nodes[index], "bias") for index in model.constant_run]
    if any(bias is not None and bias.init.scheme == "unknown" for bias in biases):
        return unknown("a bias's initialisation could not be followed")
    return all(bias is None or bias.init.scheme in _CONSTANTS for bias in biases)


@fact("model", "places")
def model_place(model: ModelView) -> tuple[Place, ...]:
    """The model itself: its class or the function or expression that builds it."""
    return (Place(model.view.graph.span, model.view.graph.entry),)


@fact("model", "number", "decades")
def log10_second_moment(model: ModelView) -> float | Unknown:
    """Largest predicted second moment E[x²] of an activation on the way for standardised inputs, as a decimal logarithm."""
    largest: float | None = None
    for index in model.path.nodes:
        signal = model.view.trace.signals[index]
        if signal is None:
            return unknown("a signal on the way is not predicted")
        if signal.q > 0 and math.isfinite(signal.q):
            largest = max(largest or -math.inf, math.log10(signal.q))
    return largest if largest is not None else unknown("no signal")


@fact("model", "places")
def second_moment_peak(model: ModelView) -> tuple[Place, ...]:
    """The node with the largest predicted second moment."""
    signals = model.view.trace.signals
    known = [(signal.q, index) for index in model.path.nodes if (signal := signals[index]) is not None]
    return model.view.places([max(known)[1]]) if known else ()


@fact("model", "flag")
def half_precision(model: ModelView) -> bool:
    """The model runs in float16: `.half()`, or autocast that is not to bfloat16."""
    graph = model.view.graph
    return any(
        node.op in ("to", "half") and str(node.get("dtype")) in ("torch.float16", "torch.half") for node in graph.nodes
    ) or any(region.kind == "autocast" and "bfloat16" not in region.text for region in graph.regions)


@fact("model", "text")
def optimizer(model: ModelView) -> str:
    """`sgd` or `adaptive` (Adam and its kin) where the training code of the model is seen, else `unseen`."""
    names = {
        (node.type or "").rpartition(".")[2] for node in model.view.graph.nodes if node.op == "optimizer"
    } | model.view.context.optimizers.get(model.type, frozenset())
    if not names:
        return "unseen"
    return "adaptive" if all(name in ADAPTIVE for name in names) else "sgd" if "SGD" in names else "unseen"


@fact("model", "flag")
def second_derivative(model: ModelView) -> bool:
    """The program differentiates a gradient again (`create_graph=True`), so that its activations must be smooth."""
    return any(node.get("create_graph") is True for node in model.view.graph.nodes)


def _inits(model: ModelView) -> list[Init] | Unknown:
    found: list[Init] = []
    for index in model.path.weights:
        node: Node = model.view.graph.nodes[index]
        weight = model.view.parameter(node, "weight")
        if weight is None or weight.init.scheme == "unknown":
            return unknown("an initialisation could not be followed")
        found.append(weight.init)
    return found


def _constant(model: ModelView, index: int, name: str) -> bool:
    parameter = model.view.parameter(model.view.graph.nodes[index], name)
    return parameter is not None and parameter.init.scheme in _CONSTANTS


def _feeds_layer(model: ModelView, index: int) -> bool:
    """Whether every use of a value is as the input of a trained weight layer."""
    readers = model.view.readers[index]
    for reader in readers:
        node = model.view.graph.nodes[reader]
        if model.view.kinds[reader] in ("shape", "dropout", "norm"):
            if not _feeds_layer(model, reader):
                return False
        elif not (model.view.is_weight(node) and node.inputs[0] == index and model.view.trains(reader)):
            return False
    return bool(readers)


def _zero(model: ModelView, node: Node) -> bool:
    """Whether a weight layer's output is zero whatever it is given, and its bias cannot change that on the first step."""
    weight, bias = model.view.parameter(node, "weight"), model.view.parameter(node, "bias")
    if not model.view.is_weight(node) or weight is None or weight.init.scheme not in ("zeros", "constant", "fill"):
        return False
    value = dict(weight.init.args).get("val", dict(weight.init.args).get("value", 0))
    return value == 0 and (bias is None or bias.init.scheme == "zeros")


def _filled(model: ModelView, index: int) -> Place:
    parameter = model.view.parameter(model.view.graph.nodes[index], "weight")
    assert parameter is not None
    layer = model.view.place(index)
    return Place(parameter.init.span, parameter.path) if parameter.init.span is not None else layer


def _commonest(model: ModelView, indices: tuple[int, ...]) -> str | Unknown:
    kinds = Counter(model.view.graph.nodes[index].op for index in indices)
    return kinds.most_common(1)[0][0] if kinds else unknown("no activation")


def _longest(model: ModelView, runs: tuple[tuple[int, ...], ...]) -> tuple[Place, ...] | Unknown:
    if not model.path.settled:
        return unknown("the model has a gap or a loop of unknown length")
    longest = max(
        (tuple(index for index in run if model.path.counts(index)) for run in runs),
        key=lambda run: len(run),
        default=(),
    )
    return model.view.places(longest)
