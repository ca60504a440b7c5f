"""`skip-connections`."""

from __future__ import annotations

import re
from itertools import pairwise

from vglint.analysis.facts.model import ModelView
from vglint.fix.imagined import Added, Imagined, extended
from vglint.graph import Graph


def skip_connections(model: ModelView) -> Imagined | None:
    """Adds each block's input to its output where both have one shape, the block divided by the root of their number, without a normalisation by the
    number.

    Measured on stacks of 28 to 70 layers (docs/advice.md): by the root, SGD and Adam train at nearly every rate with LayerNorm and BatchNorm, and SGD at none without either; by
    the number, they train there too.
    """
    return skipped(model, model.view.graph)


def skipped(model: ModelView, graph: Graph) -> Imagined | None:
    """Returns what the skip connections make of a model's graph, or of one with other operations at the same nodes."""
    blocks = blocks_of(model)
    if len(blocks) < 4:
        return None
    divisor = divisor_of(model, blocks)
    scale = 1 / divisor
    behind = {end: [Added("mul", (("other", scale),)), Added("add", others=(start,))] for start, end in blocks}
    what = "the number of blocks" if divisor == len(blocks) else "the square root of the number of blocks"
    text = f"add each block's input to its output, and divide the block by {what}: x = x + block(x) / {divisor:g}"
    return Imagined(extended(graph, behind), text)


def divisor_of(model: ModelView, blocks: list[tuple[int, int]]) -> float:
    """Returns what each block is divided by."""
    normalised = all(_is_normalised(model, start, end) for start, end in blocks)
    return round(len(blocks) ** 0.5, 1) if normalised else len(blocks)


def blocks_of(model: ModelView) -> list[tuple[int, int]]:
    """Returns stretches of the trunk, each from a node to the next activation behind a weight layer of the same shape."""
    graph = model.view.graph
    trunk = list(model.path.lone)
    ends = [index for index in trunk if index in frozenset(model.activations)]
    weights = frozenset(model.path.weights)
    blocks = []
    if ends and (start := _input_of_first(model, ends[0])) is not None:
        blocks.append((start, ends[0]))
    for start, end in pairwise(ends):
        between = [index for index in trunk if start < index <= end]
        shapes = graph.nodes[start].shape, graph.nodes[end].shape
        if sum(index in weights for index in between) == 1 and _alike(model, start, between) and shapes[0] == shapes[1]:
            blocks.append((start, end))
    return blocks


def _input_of_first(model: ModelView, end: int) -> int | None:
    """Returns what the first layer reads where it is one of the layers of a list that follow it, and of their shape."""
    graph, weights = model.view.graph, model.path.weights
    if len(weights) < 2 or weights[0] > end or weights[1] < end or not graph.nodes[weights[0]].inputs:
        return None
    lists = {re.split(r"\.\d+", graph.nodes[index].path, maxsplit=1)[0] for index in weights[:2]}
    between = [index for index in model.path.lone if weights[0] <= index <= end]
    start = graph.nodes[weights[0]].inputs[0]
    return start if len(lists) == 1 and _alike(model, start, between) else None


def _is_normalised(model: ModelView, start: int, end: int) -> bool:
    nodes = model.view.graph.nodes
    return any(start < index <= end and model.path.is_norm(nodes[index]) for index in model.path.trunk)


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
