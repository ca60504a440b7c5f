"""Facts of a model's build: its normalisations, skip connections and plain stretches."""

from __future__ import annotations

from vglint.analysis.facts.domain import constant
from vglint.analysis.facts.model import ModelView, commonest
from vglint.analysis.facts.spec import fact, unknown
from vglint.finding import Place
from vglint.ops import has
from vglint.value import Unknown


@fact("model", "places")
def norms(model: ModelView) -> tuple[Place, ...]:
    """Normalisation layers on the way."""
    nodes = model.view.graph.nodes
    return model.view.places(index for index in model.path.nodes if model.path.is_norm(nodes[index]))


@fact("model", "text")
def norm_kind(model: ModelView) -> str | Unknown:
    """The commonest normalisation on the way: batch_norm, layer_norm, rms_norm, group_norm, …"""
    nodes = model.view.graph.nodes
    return commonest(model, tuple(index for index in model.path.nodes if model.path.is_norm(nodes[index])))


@fact("model", "places")
def hidden_softmax(model: ModelView) -> tuple[Place, ...]:
    """Softmax that every path runs through, with trainable weight layers before and behind it: no attention, gate or mixture, whose
    weights multiply another tensor, and no relaxed sample of a category (Gumbel-softmax by hand)."""
    path = model.path
    trained = [index for index in path.weights if model.view.trains(index)]
    return model.view.places(
        index
        for index in path.trunk
        if model.view.graph.nodes[index].op == "softmax"
        and any(weight < index for weight in trained)
        and _feeds_layer(model, index)
        and not _sampled(model, index)
    )


@fact("model", "places")
def sums(model: ModelView) -> tuple[Place, ...]:
    """Residual additions: every path runs through the sum, and one of its terms is an earlier such point itself."""
    return model.view.places(model.sums)


@fact("model", "places")
def scaled_identities(model: ModelView) -> tuple[Place, ...]:
    """Residual additions whose identity is multiplied by a literal below one before it is added."""
    nodes = model.view.graph.nodes
    trunk = frozenset(model.path.trunk)
    found = []
    for index in model.path.trunk:
        if nodes[index].op != "add" or len(nodes[index].inputs) != 2:
            continue
        for source in nodes[index].inputs:
            value = constant(nodes[source]) if has(nodes[source].op, "scales") else None
            factor = value if nodes[source].op == "mul" else 1 / value if value else None
            if len(nodes[source].inputs) == 1 and nodes[source].inputs[0] in trunk and factor and abs(factor) < 1:
                found.append(index)
                break
    return model.view.places(found)


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
def selu_breakers(model: ModelView) -> tuple[Place, ...]:
    """What disturbs SELU's fixed point: ordinary dropout and batch normalisation between weight layers of the trunk."""
    nodes = model.view.graph.nodes
    last = model.path.weights[-1] if model.path.weights else -1
    return model.view.places(
        index
        for index in model.path.trunk
        if has(nodes[index].op, "breaks_selu") and index < last and nodes[index].get("p") != 0
    )


@fact("model", "places")
def plain_run(model: ModelView) -> tuple[Place, ...] | Unknown:
    """The longest stretch of weight layers with nothing parallel to them, normalised or not; a depthwise and its pointwise
    convolution count as one layer. Unknown where the model has a gap or a loop of unknown length."""
    return _longest(model, model.path.plain_runs)


@fact("model", "places")
def bare_run(model: ModelView) -> tuple[Place, ...] | Unknown:
    """The longest such stretch without a normalisation between its layers."""
    return _longest(model, model.path.bare_runs)


def _sampled(model: ModelView, index: int) -> bool:
    """Whether noise is drawn between the layer in front and a value: a softmax of logits and noise is a sample."""
    view = model.view
    behind = view.before([index], lambda node: view.is_weight(node) or view.kinds[node.index] == "create")
    return any(has(view.graph.nodes[each].op, "draws") for each in behind)


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


def _longest(model: ModelView, runs: tuple[tuple[int, ...], ...]) -> tuple[Place, ...] | Unknown:
    if not model.path.settled:
        return unknown("the model has a gap or a loop of unknown length")
    longest = max(
        (tuple(index for index in run if model.path.counts(index)) for run in runs),
        key=lambda run: len(run),
        default=(),
    )
    return model.view.places(longest)
