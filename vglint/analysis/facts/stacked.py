"""Facts of weight layers that follow one another with nothing non-linear between: two of them do what one could."""

from __future__ import annotations

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has, kind
from vglint.value import Expr, Literal_


@fact("node", "places")
def linear_before(found: NodeView) -> tuple[Place, ...]:
    """Of a linear layer or 1×1 convolution: the one before it, where nothing non-linear stands between the two, nothing else reads the
    first one's result, no `nn.Identity` holds a place between them, and the width between them is no bottleneck, so that the two compute what one could. Not projections of attention,
    tied or shared weights, a layer that a loop applies again to what it gave, layers that are frozen or loaded, layers of two models with an optimiser each, the last layer of a model
    whose output another one takes, and one that another pass uses alone: what an encoder gives is of use by itself."""
    view, node = found.view, found.node
    if view.cut_short or not _plain(view, node):
        return ()  # what is read behind the end of the budget is not seen
    before = _fed_by(view, node)
    if before is None or not _plain(view, before) or _family(before) != _family(node):
        return ()
    if _bottleneck(view, before, node) or _shared(view, before) or _shared(view, node):
        return ()
    if _movers(view, before) != _movers(view, node) or _ends_a_model(view, before, node):
        return ()
    if _of_attention(view, before) or _to_attention(view, node) or _again(view, before) or _again(view, node):
        return ()
    if _wanted_alone(view, before, node):
        return ()
    return (view.place(before.index),)


def _ends_a_model(view: View, before: Node, node: Node) -> bool:
    """Whether training code hands what a layer of one model of several layers gives to another model."""
    model, _, within = before.path.partition(".")
    return view.graph.kind == "training" and within != "" and node.path.partition(".")[0] != model


def _wanted_alone(view: View, before: Node, node: Node) -> bool:
    """Whether what the first layer gives is also used in another pass that the second one does not follow: a target that a predictor learns."""
    own, following = _weights_of(view, before), _weights_of(view, node)
    passes = {each.index for each in view.graph.nodes if view.is_weight(each) and own & _weights_of(view, each)}
    if len(passes) < 2:
        return False
    fed = (
        _fed_by(view, each) for each in view.graph.nodes if view.is_weight(each) and following & _weights_of(view, each)
    )
    followed = {found.index for found in fed if found is not None}
    return any(view.readers[index] for index in passes - followed)


def _again(view: View, node: Node) -> bool:
    """Whether a loop of forward, and not one over layers, runs a layer in each of its turns."""
    trained = {index for each in view.nodes("backward", "step") for index in view.regions_of(each.region)}
    return any(
        view.graph.regions[index].kind == "loop"
        and view.graph.regions[index].role != "modules"
        and index not in trained
        and not _made_inside(view, node, index)
        for index in view.regions_of(node.region)
    )


def _made_inside(view: View, node: Node, loop: int) -> bool:
    made = (view.graph.parameters[param].made for _, param in node.params)
    return any(loop in view.regions_of(region) for region in made)


def _family(node: Node) -> str:
    return "dense" if _is_dense(node) else "pointwise"


def _plain(view: View, node: Node) -> bool:
    """Whether a node is a trained linear map of the last dimension or of the channels, of weights that were not loaded."""
    if not view.is_weight(node) or not (_is_dense(node) or has(node.op, "convolution")):
        return False
    if has(node.op, "convolution"):
        size = node.get("kernel_size")
        if not isinstance(size, tuple) or set(size) != {1} or node.get("groups") != 1:
            return False
    weight = view.parameter(node, "weight")
    return weight is not None and weight.trainable and weight.init.scheme != "unknown"


def _fed_by(view: View, node: Node) -> Node | None:
    """Returns the weight layer whose result a node takes as it is, through dropout, casts and an addition of a bias."""
    index = node.inputs[0] if node.inputs else None
    if node.op == "addmm":
        index = node.inputs[1] if len(node.inputs) > 1 else None
    while index is not None:
        if any(output == index for _, output in view.graph.outputs) or len(_takers(view, index)) != 1:
            return None
        found = view.graph.nodes[index]
        if view.is_weight(found):
            return found
        if found.op == "add":
            index = _beside_bias(view, found)
        elif found.op == "identity":
            return None  # an activation may be put there
        elif _passes(found) or view.kinds[index] == "dropout" or _of_slope_one(found):
            index = found.inputs[0] if found.inputs else None
        else:
            return None
    return None


def _takers(view: View, index: int) -> list[int]:
    """Returns the nodes that take a value, without an activation whose own result is thrown away."""
    return [each for each in view.readers[index] if not _thrown_away(view, each)]


def _thrown_away(view: View, index: int) -> bool:
    """Whether the result of an activation of torch's is neither read nor returned."""
    return view.graph.nodes[index].get("thrown_away") is True and not view.readers[index]


def _of_slope_one(node: Node) -> bool:
    """Whether an activation passes negative values as they are: `LeakyReLU(True)`, where `inplace` was meant."""
    return node.op == "leaky_relu" and node.get("negative_slope") == 1


@fact("node", "places")
def thrown_between(found: NodeView) -> tuple[Place, ...]:
    """What stands between such two layers and does nothing: an activation whose result is thrown away, or a LeakyReLU of slope 1."""
    view, before = found.view, _fed_by(found.view, found.node)
    if before is None:
        return ()
    between = view.after([before.index]) & view.before([found.node.index])
    idle = [i for i in sorted(between) if _of_slope_one(view.graph.nodes[i])]
    idle += [i for each in sorted(between - {found.node.index}) for i in view.readers[each] if _thrown_away(view, i)]
    return view.places(idle)


def _beside_bias(view: View, node: Node) -> int | None:
    """Returns the operand of `x + bias` that is no parameter."""
    if len(node.inputs) != 2:
        return None
    others = [index for index in node.inputs if view.graph.nodes[index].op != "parameter"]
    return others[0] if len(others) == 1 else None


def _widths(view: View, node: Node) -> tuple[Literal_, Literal_]:
    """Returns the sizes that a layer maps from and to, None where they are not known."""
    if node.op == "linear" and node.get("in_features") is not None:
        return node.get("in_features"), node.get("out_features")
    if has(node.op, "convolution") and node.get("in_channels") is not None:
        return node.get("in_channels"), node.get("out_channels")
    weight = view.parameter(node, "weight")
    if weight is None or weight.shape is None or len(weight.shape) < 2:
        return None, None
    first, second = weight.shape[0], weight.shape[1]
    if node.op != "linear" and _is_dense(node) and not _turned(view, node):
        return first, second
    return second, first


def _turned(view: View, node: Node) -> bool:
    """Whether a product is one with a transposed weight."""
    return len(node.inputs) > 1 and has(view.graph.nodes[node.inputs[-1]].op, "transposes")


def _is_dense(node: Node) -> bool:
    """Whether an op is a linear map of the last dimension, the same for each entry of the others."""
    product = has(node.op, "matrix_product") or has(node.op, "adds_product")
    return node.op == "linear" or (product and not has(node.op, "batched_product"))


def _passes(node: Node) -> bool:
    return has(node.op, "copies") and kind(node.op) == "shape"


def _bottleneck(view: View, first: Node, second: Node) -> bool:
    """Whether the width between two layers is smaller than both ends, or not known to be at least one of them."""
    (inside, hidden), (_, outside) = _widths(view, first), _widths(view, second)
    if isinstance(hidden, Expr):
        return hidden not in (inside, outside)
    if not isinstance(hidden, int):
        return True
    return not any(isinstance(end, int) and hidden >= end for end in (inside, outside))


def _weights_of(view: View, node: Node) -> set[int]:
    """Returns the parameters that a layer multiplies by, its own or those that it is given."""
    return {param for _, param in node.params} or {
        param for index in node.inputs[1:] for _, param in view.graph.nodes[index].params
    }


def _shared(view: View, node: Node) -> bool:
    """Whether a layer's weight is used by another node too: a tied decoder, a layer that is called twice with different company."""
    own = _weights_of(view, node)
    here = {(node.op, node.span)}
    return any(view.company[param] - here or param in view.read_often for param in own if param in view.company)


def _movers(view: View, node: Node) -> frozenset[int]:
    """Returns the optimisers that move a layer: a generator's last layer and a discriminator's first one are of two models."""
    own = _weights_of(view, node)
    return frozenset(each.index for each in view.nodes("optimizer") if any(param in own for _, param in each.params))


def _of_attention(view: View, node: Node) -> bool:
    """Whether a layer takes what attention made, as its output projection does, or what a graph's neighbours add up to."""
    return _meets(view, node.inputs[:1], lambda index: view.graph.nodes[index].inputs)


def _to_attention(view: View, node: Node) -> bool:
    """Whether a layer makes queries, keys or values, or a gate."""
    return _meets(view, view.readers[node.index], view.readers.__getitem__)


def _meets(view: View, start: object, step: object) -> bool:
    assert callable(step)
    todo: list[int] = list(start) if isinstance(start, (tuple, list)) else []
    seen: set[int] = set()
    while todo:
        index = todo.pop()
        if index in seen:
            continue
        seen.add(index)
        node = view.graph.nodes[index]
        product = has(node.op, "multiplies") or has(node.op, "adds_product") or view.kinds[index] == "attention"
        if product and not view.is_weight(node):
            return len(node.inputs) > 1
        if view.kinds[index] in ("shape", "dropout") or has(node.op, "joins") or _passes(node):
            todo += step(index)
    return False
