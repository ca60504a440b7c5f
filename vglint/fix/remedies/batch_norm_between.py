"""`batch-norm-between`."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView
from vglint.fix.imagined import ZEROS, Added, Imagined, extended
from vglint.graph import Init
from vglint.ops import has
from vglint.value import Literal_


def batch_norm_between(model: ModelView) -> Imagined | None:
    """Puts a BatchNorm between each layer and the activation behind it."""
    layers = layers_of(model)
    if len(layers) < 2:
        return None
    behind: dict[int, list[Added]] = {}
    for index, (width, kind) in layers.items():
        config = (("num_features", width), ("eps", 1e-5), ("momentum", 0.1), ("affine", True))
        params = (("weight", Init("ones")), ("bias", ZEROS))
        behind[index] = [Added("batch_norm", config, params=params, type=f"torch.nn.{kind}")]
    said = " or ".join(dict.fromkeys(f"nn.{kind}" for _, kind in layers.values()))
    return Imagined(extended(model.view.graph, behind), f"put {said} between each layer and its activation")


def layers_of(model: ModelView) -> dict[int, tuple[Literal_, str]]:
    """Returns the layers that only activations read, each with its width and the BatchNorm that fits; none where a linear layer runs over
    more than one axis of positions."""
    graph = model.view.graph
    activations = frozenset(model.activations)
    found: dict[int, tuple[Literal_, str]] = {}
    for index in model.path.weights:
        node = graph.nodes[index]
        readers = model.view.readers[index]
        kind = _layer(node.op)
        if kind is None or not readers or not activations.issuperset(readers):
            continue
        if node.op == "linear" and node.shape is not None and len(node.shape) != 2:
            return {}
        found[index] = node.get("out_features") if node.op == "linear" else node.get("out_channels"), kind
    return found


def _layer(op: str) -> str | None:
    """Returns the BatchNorm that fits behind a layer."""
    if op == "linear":
        return "BatchNorm1d"
    return f"BatchNorm{op[-2]}d" if has(op, "convolution") else None
