"""Facts of a model: what happens to the gradient between its last and its first weight layer, and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from vglint.analysis.attribution import attribute
from vglint.analysis.facts.path import MainPath
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.analysis.parametric import depths
from vglint.finding import Place
from vglint.graph import Graph
from vglint.ops import has
from vglint.ops.init import CONSTANTS, constant_of
from vglint.signal import Attribution, Cause, Depth
from vglint.value import Unknown

ADAPTIVE = frozenset(
    {"Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta", "SparseAdam", "Lion", "Adafactor"}
)


class ModelView(Struct, frozen=True, dict=True):
    """One model of a graph: its main path and the trace of the whole graph."""

    view: View
    path: MainPath
    type: str

    @cached_property
    def decades(self) -> float | Unknown:
        """log10 of RMS gradient at the first weight layer's output over that at the last one that feeds another.

        A layer that runs several times, as in a cell that is written out, gets its gradient by the call that most of it reaches.
        """
        path = self.path
        if path.first is None or path.last is None or path.last <= path.first:
            return unknown("no weight layer feeds another")
        gradients = self.view.trace.gradients
        calls = [gradients[index] for index in self.first_calls]
        last = gradients[path.last]
        known = [gradient for gradient in calls if gradient is not None]
        if len(known) < len(calls) or last is None:
            return unknown("the gradient is not predicted here")
        return max(known) - last

    @cached_property
    def first_calls(self) -> tuple[int, ...]:
        """Every call of the first weight layer: the nodes with its weights."""
        first = self.path.first
        if first is None:
            return ()
        node = self.view.graph.nodes[first]
        if not node.params:
            return (first,)
        nodes = self.view.graph.nodes
        return tuple(i for i in sorted(self.path.inside) if nodes[i].params == node.params and nodes[i].op == node.op)

    @cached_property
    def depths(self) -> tuple[Depth, ...]:
        """What is known of the graph's loops of unknown length."""
        return tuple(depths(self.view.graph))

    @cached_property
    def activations(self) -> tuple[int, ...]:
        """Activations on the trunk between the first weight layer and the last that feeds another: no gates, no outputs."""
        path = self.path
        if path.last is None:
            return ()
        return tuple(i for i in path.trunk if i < path.weights[-1] and self.view.kinds[i] == "activation")

    @cached_property
    def saturating(self) -> tuple[int, ...]:
        return tuple(index for index in self.activations if has(self.view.graph.nodes[index].op, "saturates"))

    @cached_property
    def constant_run(self) -> tuple[int, ...]:
        longest: list[int] = []
        for run in self.path.plain_runs:
            current: list[int] = []
            for index in run:
                current = [*current, index] if self.is_constant(index) else []
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

    def is_constant(self, index: int) -> bool:
        """Whether a weight layer's weight starts filled with one number, which makes several units of it alike or blocks the gradient."""
        node = self.view.graph.nodes[index]
        weight = self.view.parameter(node, "weight")
        if weight is None or weight.init.scheme not in CONSTANTS:
            return False
        units, groups = weight.shape[0] if weight.shape else None, node.get("groups")
        alone = isinstance(units, int) and units == (groups if isinstance(groups, int) else 1)
        return not alone or constant_of(weight.init) == 0

    @cached_property
    def attribution(self) -> Attribution | Unknown:
        """The gradient ratio's logarithm split over nodes and causes."""
        if isinstance(self.decades, Unknown):
            return self.decades
        gradients = self.view.trace.gradients
        first = max(self.first_calls, key=lambda index: _known(gradients[index]))
        found = attribute(self.view.graph, self.view.trace, first, self.path.last)
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
    """Yields the graph's model; the models that training code makes are entries themselves, save one of weights multiplied by hand, or of
    single layers that functions call."""
    graph = view.graph
    if graph.kind != "training":
        yield from _of(ModelView(view, MainPath(view, frozenset(range(len(graph.nodes)))), graph.root))
    elif not _calls_models(graph):
        losses = [node.inputs[0] for node in view.nodes("backward") if node.inputs][:1]
        yield from _of(ModelView(view, MainPath(view, frozenset(view.before(losses))), ""))


def _calls_models(graph: Graph) -> bool:
    """Whether training code calls more than single layers: models, which are entries of their own."""
    layers = {node.path for node in graph.nodes if node.type is not None}
    return any(module.called and module.path not in layers for module in graph.modules)


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
    return commonest(model, model.saturating)


@fact("model", "text")
def activation_kind(model: ModelView) -> str | Unknown:
    """The commonest op of `activations`."""
    return commonest(model, model.activations)


@fact("model", "number", "decades")
def saturating_decades(model: ModelView) -> float | Unknown:
    """What the saturating activations on the way do to the gradient, as a decimal logarithm (negative: they shrink it)."""
    return model.cost("activation", nodes=model.saturating)


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


@fact("model", "number", "decades")
def unpooled_decades(model: ModelView) -> float | Unknown:
    """The gradient ratio's logarithm without what pooling spreads over positions: the gradient of a convolution's weight adds the positions
    up again. What it says of training agrees between convolutional and linear stacks."""
    pooling = model.cost("pooling")
    if isinstance(model.decades, Unknown) or isinstance(pooling, Unknown):
        return model.decades if isinstance(model.decades, Unknown) else pooling
    return model.decades - min(pooling, 0.0)


_OPEN = 1.0
"""Decades by which the gradient of a layer beside the path may be smaller than the last layer's: SGD and Adam train at such a ratio."""


@fact("model", "flag")
def bypassed(model: ModelView) -> bool:
    """The path's input also reaches the output through a weight layer beside the path, the first one on its way, that gets a tenth of the
    last layer's gradient or more: the model trains through that one."""
    path, view = model.path, model.view
    if path.first is None or path.last is None or (last := view.trace.gradients[path.last]) is None:
        return False
    weights, first = set(view.weights), path.first
    given = {index for index in view.before([first]) if view.graph.nodes[index].op == "input"}
    ahead, behind = view.after([first]), view.before([first])
    for index in view.weights:
        gradient = view.trace.gradients[index]
        if index in ahead or index in behind or gradient is None or gradient < last - _OPEN or not view.trains(index):
            continue
        before = view.before([index])
        if before & given and before & weights == {index} and view.after([index]) & ahead:
            return True
    return False


@fact("model", "places")
def model_place(model: ModelView) -> tuple[Place, ...]:
    """The model itself: its class or the function or expression that builds it."""
    return (Place(model.view.graph.span, model.view.graph.entry),)


def _activations(model: ModelView) -> list[int]:
    """Returns the nodes on the way but for statistics of a normalisation that is written out, and what only a sine or cosine reads."""
    nodes, phases = model.view.graph.nodes, set[int]()
    for index in reversed(model.path.nodes):
        own = model.view.readers[index]
        if own and all(has(nodes[one].op, "waves") or (has(nodes[one].op, "affine") and one in phases) for one in own):
            phases.add(index)
    statistics = frozenset().union(*model.path.handmade.values())
    return [index for index in model.path.nodes if index not in statistics and index not in phases]


@fact("model", "number", "decades")
def log10_second_moment(model: ModelView) -> float | Unknown:
    """Largest predicted second moment E[x²] of an activation on the way for standardised inputs, as a decimal logarithm; the
    statistics of a normalisation that is written out are none, nor are the phases of a sine, which may be of any size."""
    largest: float | None = None
    for index in _activations(model):
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
    known = [(signal.q, index) for index in _activations(model) if (signal := signals[index]) is not None]
    return model.view.places([max(known)[1]]) if known else ()


@fact("model", "flag")
def half_precision(model: ModelView) -> bool | Unknown:
    """The model runs in float16: `.half()`, or autocast to it. Unknown where the dtype is no literal."""
    graph = model.view.graph
    roles = {region.role for region in graph.regions}
    if "float16" in roles or any(
        node.op in ("to", "half") and str(node.get("dtype")) in ("torch.float16", "torch.half") for node in graph.nodes
    ):
        return True
    return unknown("autocast's dtype is no literal") if "any_dtype" in roles else False


@fact("model", "text")
def optimizer(model: ModelView) -> str:
    """`sgd` or `adaptive` (Adam and its kin) where the training code of the model is seen, else `unseen`."""
    graph = model.view.graph
    own = {(node.type or "").rpartition(".")[2] for node in graph.nodes if node.op == "optimizer"}
    names = own | set(graph.optimizers) or model.view.context.optimizers.get(model.type, frozenset())
    if not names:
        return "unseen"
    return "adaptive" if all(name in ADAPTIVE for name in names) else "sgd" if "SGD" in names else "unseen"


def _known(gradient: float | None) -> float:
    return -math.inf if gradient is None else gradient


def commonest(model: ModelView, indices: tuple[int, ...]) -> str | Unknown:
    kinds = Counter(model.view.graph.nodes[index].op for index in indices)
    return kinds.most_common(1)[0][0] if kinds else unknown("no activation")
