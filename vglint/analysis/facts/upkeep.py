"""Facts of normalisations that cannot normalise, and of plain tensors that an optimiser is given."""

from __future__ import annotations

from vglint import origin
from vglint.analysis.facts.loop import LoopView, places_of
from vglint.analysis.facts.model import ADAPTIVE, ModelView, model_place
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact, unknown
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.ops.init import CONSTANTS
from vglint.value import Unknown


@fact("node", "number", "values")
def normalised_values(found: NodeView) -> float | Unknown:
    """Number of values that each mean and variance of a batch or instance normalisation is taken over."""
    node = found.node
    if node.get("training") is False:
        return unknown("it runs in evaluation")
    if node.op == "instance_norm" and node.inputs and _pooled(found, node.inputs[0]):
        return 1.0
    shape = found.view.graph.nodes[node.inputs[0]].shape if node.inputs else None
    if not has(node.op, "each_channel") or shape is None or len(shape) < (2 if node.op == "batch_norm" else 3):
        return unknown("no normalisation of a known shape")
    if any(isinstance(gap.origin, origin.Length) for gap in found.view.graph.gaps):
        return unknown("a size may be that of one turn of a loop of unknown length")
    sizes = (*(shape[:1] if node.op == "batch_norm" else ()), *shape[2:])
    count = 1
    for size in sizes:
        if not isinstance(size, int):
            return unknown("a size is not known")
        count *= size
    return float(count)


def _pooled(found: NodeView, index: int) -> bool:
    """Whether a map was pooled to a single position, and nothing but activations and 1×1 convolutions came after."""
    node = found.view.graph.nodes[index]
    while True:
        if node.op.startswith("adaptive_") and node.get("output_size") in (1, (1, 1), (1,), (1, 1, 1)):
            return True
        size = node.get("kernel_size")
        pointwise = node.op.startswith("conv") and isinstance(size, tuple) and set(size) == {1} and not _padded(node)
        if not node.inputs or not (pointwise or found.view.kinds[node.index] in ("activation", "dropout")):
            return False
        node = found.view.graph.nodes[node.inputs[0]]


def _padded(node: Node) -> bool:
    padding = node.get("padding")
    return padding not in (0, "valid") and not (isinstance(padding, tuple) and set(padding) == {0})


@fact("model", "places")
def blocked_norms(model: ModelView) -> tuple[Place, ...]:
    """Normalisations that nothing runs beside and whose scale starts at zero, so that their output is the same for every input. The last
    one, behind every weight layer, may end a branch to which the module's user adds the input."""
    found = []
    for index in model.path.nodes:
        node = model.view.graph.nodes[index]
        if index >= model.path.weights[-1] or not model.path.is_norm(node):
            continue
        if _starts_at_zero(model, node) and _everything_passes(model, index):
            found.append(index)
    return model.view.places(found)


@fact("model", "places")
def dead_norms(model: ModelView) -> tuple[Place, ...]:
    """Those of them whose shift starts at zero too and that a ReLU follows: its slope at 0 is 0, so that scale and shift never move."""
    graph = model.view.graph
    found = []
    for index in model.path.nodes:
        node = graph.nodes[index]
        if index < model.path.weights[-1] and model.path.is_norm(node) and _starts_at_zero(model, node):
            shift = model.view.parameter(node, "bias")
            still = shift is not None and shift.init.scheme == "zeros"
            if still and _all_rectified(model, index) and _everything_passes(model, index):
                found.append(index)
    return model.view.places(found)


def _all_rectified(model: ModelView, index: int) -> bool:
    readers = [model.view.graph.nodes[reader].op for reader in model.view.readers[index]]
    return bool(readers) and all(op == "relu" for op in readers)


def _starts_at_zero(model: ModelView, node: Node) -> bool:
    weight = model.view.parameter(node, "weight")
    value = dict(weight.init.args).get("val") if weight is not None else None
    return weight is not None and (weight.init.scheme == "zeros" or (weight.init.scheme in CONSTANTS and value == 0))


def _everything_passes(model: ModelView, index: int) -> bool:
    """Whether no way from an input to the output leads around a node."""
    if model.path.output is None:
        return False
    around = model.view.before([model.path.output], lambda node: node.index == index)
    return not any(model.view.graph.nodes[each].op in ("input", "opaque") for each in around)


@fact("model", "places")
def post_norms(model: ModelView) -> tuple[Place, ...]:
    """Layer normalisations of the sum of a residual branch and its input, through which all that follows has to pass (post-norm)."""
    graph, path = model.view.graph, model.path
    sums = frozenset(model.sums)
    return model.view.places(
        index
        for index in path.trunk
        if has(graph.nodes[index].op, "over_features") and any(i in sums for i in graph.nodes[index].inputs)
    )


_STACKS = frozenset(f"torch.nn.{name}" for name in ("TransformerEncoder", "TransformerDecoder", "Transformer"))


@fact("model", "places")
def encoder_place(model: ModelView) -> tuple[Place, ...]:
    """Where the stack of transformer layers that holds the post-norms is built; the model itself where it is written out."""
    for module in model.view.graph.modules:
        if module.type in _STACKS and module.called:
            return (Place(module.span, module.path or module.type.rpartition(".")[2]),)
    return model_place(model)


@fact("model", "flag")
def trained_unscheduled(model: ModelView) -> bool:
    """Training code that is understood moves this class with Adam or one of its kin, and no learning-rate schedule is in it."""
    names = model.view.context.optimizers.get(model.type, frozenset())
    return bool(names & ADAPTIVE) and model.type not in model.view.context.scheduled


@fact("loop", "places")
def non_leaves(loop: LoopView) -> tuple[Place, ...]:
    """Tensors given to it that are computed from one that requires a gradient (`torch.randn(…, requires_grad=True).cuda()`): they are no
    leaves, and what they are computed from is not among what it moves."""
    view, found = loop.view, []
    for index in loop.optimizer.inputs:
        node = view.graph.nodes[index]
        behind = view.before([index], lambda each: not view.carries_gradient(each))
        made = [view.graph.nodes[i] for i in behind if i != index]
        marked = [each.get("requires_grad") is True or _marks(each) for each in made]
        if node.op != "requires_grad" and any(marked):
            found.append(node)
    return places_of(loop, found)


def _marks(node: Node) -> bool:
    """Whether a node is `x.requires_grad_()`."""
    return node.op == "requires_grad" and node.get("value") is True
