"""Facts of a model's weights: how they start, where that is written, and what would suit them."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from vglint.analysis.facts.domain import origin
from vglint.analysis.facts.model import ModelView, commonest, weight_layers
from vglint.analysis.facts.spec import fact, unknown
from vglint.finding import Place
from vglint.graph import Init, Node, Parameter
from vglint.ops import OPS, has
from vglint.ops.init import CONSTANTS, constant_of
from vglint.value import Unknown

_HE = "kaiming_normal_(weight, nonlinearity='relu')"


@fact("model", "flag")
def default_init(model: ModelView) -> bool | Unknown:
    """Every weight on the way keeps the initialisation that torch gives it."""
    inits = _inits(model)
    return inits if isinstance(inits, Unknown) else all(init.span is None for init in inits)


@fact("model", "text")
def weight_init(model: ModelView) -> str | Unknown:
    """The commonest initialisation of the weights on the way: `PyTorch's default` or the call's text."""
    inits = _inits(model)
    if isinstance(inits, Unknown):
        return inits
    names = Counter("PyTorch's default initialisation" if init.span is None else str(init) for init in inits)
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


def matching(activation: str) -> str:
    """Returns the call of `torch.nn.init` that keeps the gradient's size in front of an activation."""
    op = OPS.get(activation)
    return op.init if op is not None and op.init else _HE


@fact("model", "text")
def matching_init(model: ModelView) -> str | Unknown:
    """The initialisation that keeps the gradient's size under the commonest activation."""
    kind = commonest(model, model.activations)
    return kind if isinstance(kind, Unknown) else matching(kind)


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
    return all(bias is None or bias.init.scheme in CONSTANTS for bias in biases)


@fact("model", "places")
def zero_products(model: ModelView) -> tuple[Place, ...]:
    """Pairs of neighbouring weight layers inside a branch that both start at zero with no bias to move them: their product has no
    gradient with respect to either (LoRA with A and B both zero)."""
    trunk, found = frozenset(model.path.lone), []
    for node in model.view.graph.nodes:
        factors = _factors(model, node)
        both = len(factors) == 2 and all(map(_starts_at_zero, factors))
        beside = node.index not in trunk and _zero(model, node)
        if both or (beside and any(_reads_zero(model, source) for source in node.inputs)):
            found.append(node.index)
    return model.view.places(found)


def _reads_zero(model: ModelView, index: int) -> bool:
    """Whether a value is what a layer or a product with zero weights makes, behind reshapes, dropout, activations and factors that are numbers."""
    node = model.view.graph.nodes[index]
    while not model.view.is_weight(node) and not has(node.op, "matrix_product") and node.inputs:
        by_number = has(node.op, "scales") and len(node.inputs) == 1
        if not by_number and model.view.kinds[node.index] not in ("dropout", "shape", "activation"):
            return False
        node = model.view.graph.nodes[node.inputs[0]]
    return _zero(model, node)


def _inits(model: ModelView) -> list[Init] | Unknown:
    layers = {each.path for each in model.view.graph.modules if (each.type or "").startswith("torch.nn.")} - {
        each.path for each in model.view.graph.modules if (each.type or "").startswith("torch.nn.Parameter")
    }
    found: list[Init] = []
    for index in model.path.weights:
        node: Node = model.view.graph.nodes[index]
        weight = model.view.parameter(node, "weight")
        if weight is None or weight.init.scheme == "unknown":
            return unknown("an initialisation could not be followed")
        # A parameter of the program's own is filled where it is made; a layer of torch's without a span keeps torch's start.
        own = weight.init.span is None and weight.span is not None and weight.path.rpartition(".")[0] not in layers
        found.append(replace(weight.init, span=weight.span) if own else weight.init)
    return found


def _zero(model: ModelView, node: Node) -> bool:
    """Whether a weight layer's output, or a product with a parameter (`x @ self.a.t()`), is zero whatever it is given, and its bias cannot
    change that on the first step."""
    view = model.view
    if has(node.op, "matrix_product"):
        factors = _factors(model, node)
        return len(factors) == 1 and _starts_at_zero(factors[0])
    if not view.is_weight(node):
        return False
    weight, bias = view.parameter(node, "weight"), view.parameter(node, "bias")
    return weight is not None and _starts_at_zero(weight) and (bias is None or bias.init.scheme == "zeros")


def _factors(model: ModelView, node: Node) -> list[Parameter]:
    """Returns the parameters that a product multiplies, behind reshapes and transposes."""
    made = [origin(model.view, source) for source in node.inputs] if has(node.op, "matrix_product") else []
    return [model.view.graph.parameters[each.params[0][1]] for each in made if each.op == "parameter" and each.params]


def _starts_at_zero(parameter: Parameter) -> bool:
    return parameter.init.scheme in ("zeros", "constant", "fill") and constant_of(parameter.init) == 0


def _filled(model: ModelView, index: int) -> Place:
    parameter = model.view.parameter(model.view.graph.nodes[index], "weight")
    assert parameter is not None
    layer = model.view.place(index)
    return Place(parameter.init.span, parameter.path) if parameter.init.span is not None else layer
