"""`skip-connections`."""

from __future__ import annotations

from itertools import pairwise

from vglint.analysis.facts.model import ModelView
from vglint.fix.imagined import Added, Imagined, extended
from vglint.number import plain


def skip_connections(model: ModelView) -> Imagined | None:
    """Adds each block's input to its output where both have one shape, the block multiplied by one over the root of their number."""
    blocks = _blocks(model)
    if len(blocks) < 4:
        return None
    scale = len(blocks) ** -0.5
    behind = {end: [Added("mul", (("other", scale),)), Added("add", others=(start,))] for start, end in blocks}
    text = f"add each block's input to its output: x = x + {plain(scale)} * block(x), with 1/sqrt({len(blocks)} blocks)"
    return Imagined(extended(model.view.graph, behind), text)


def _blocks(model: ModelView) -> list[tuple[int, int]]:
    """Returns stretches of the trunk, each from a node to the next activation behind a weight layer of the same shape."""
    graph = model.view.graph
    trunk = list(model.path.lone)
    ends = [index for index in trunk if index in frozenset(model.activations)]
    weights = frozenset(model.path.weights)
    blocks = []
    for start, end in pairwise(ends):
        between = [index for index in trunk if start < index <= end]
        shapes = graph.nodes[start].shape, graph.nodes[end].shape
        if sum(index in weights for index in between) == 1 and _alike(model, start, between) and shapes[0] == shapes[1]:
            blocks.append((start, end))
    return blocks


def _alike(model: ModelView, start: int, between: list[int]) -> bool:
    """Whether the stretch keeps the width: its layer gives as many features as it takes, and does not stride."""
    for index in between:
        node = model.view.graph.nodes[index]
        if node.op == "linear" and node.get("in_features") != node.get("out_features"):
            return False
        if node.op.startswith("conv"):
            stride = node.get("stride")
            strides = stride if isinstance(stride, tuple) else (stride,)
            if node.get("in_channels") != node.get("out_channels") or any(one != 1 for one in strides):
                return False
        if node.op.startswith(("max_pool", "avg_pool")):
            return False
    return True
