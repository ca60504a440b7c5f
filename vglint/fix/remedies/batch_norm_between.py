"""`batch-norm-between`."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView
from vglint.fix.imagined import ZEROS, Added, Imagined, extended
from vglint.graph import Init
from vglint.ops import has


def batch_norm_between(model: ModelView) -> Imagined | None:
    """Puts a BatchNorm between each layer and the activation behind it."""
    graph = model.view.graph
    activations = frozenset(model.activations)
    behind: dict[int, list[Added]] = {}
    names: list[str] = []
    for index in model.path.weights:
        node = graph.nodes[index]
        readers = model.view.readers[index]
        name = _layer(node.op)
        if name is None or not readers or not activations.issuperset(readers):
            continue
        if node.op == "linear" and node.shape is not None and len(node.shape) != 2:
            return None
        width = node.get("out_features") if node.op == "linear" else node.get("out_channels")
        config = (("num_features", width), ("eps", 1e-5), ("momentum", 0.1), ("affine", True))
        params = (("weight", Init("ones")), ("bias", ZEROS))
        behind[index] = [Added("batch_norm", config, params=params, type=f"torch.nn.{name}")]
        names.append(f"nn.{name}")
    if len(behind) < 2:
        return None
    said = " or ".join(dict.fromkeys(names))
    return Imagined(extended(graph, behind), f"put {said} between each layer and its activation")


def _layer(op: str) -> str | None:
    """Returns the BatchNorm that fits behind a layer."""
    if op == "linear":
        return "BatchNorm1d"
    return f"BatchNorm{op[-2]}d" if has(op, "convolution") else None
