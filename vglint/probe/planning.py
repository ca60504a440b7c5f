"""From a graph to a request: what the source already says of the arguments, the loss and the optimiser."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vglint.graph import Graph, Node
from vglint.ops import has, kind
from vglint.probe.record import Argument, OptimizerName, Request

_OPTIMIZERS: dict[str, OptimizerName] = {
    "SGD": "sgd",
    "Adam": "adam",
    "AdamW": "adamw",
    "RMSprop": "rmsprop",
    "NAdam": "adam",
    "RAdam": "adam",
}
_LOSSES = ("cross_entropy", "nll", "mse", "bce", "bce_with_logits")
"""The losses that the probe can make, by its own names."""


def plan(graph: Graph, root: str | os.PathLike[str], expression: str, training: Sequence[Graph] = ()) -> Request:
    """Returns the request for the graph of `expression`; `training` are graphs of training code that may name optimiser and loss."""
    top = Path(root).resolve()
    file = Path(graph.span.file)
    path = (file if file.is_absolute() else Path.cwd() / file).resolve()
    if not path.is_relative_to(top):
        top = path.parent
    optimizer, rate = _optimizer(training)
    return Request(
        str(top),
        path.relative_to(top).as_posix(),
        expression,
        arguments_of(graph),
        loss=_loss(training),
        optimizers=(optimizer,) if optimizer is not None else ("sgd", "adam"),
        rate=rate,
        training=graph.kind == "training",
    )


def arguments_of(graph: Graph) -> tuple[Argument, ...]:
    """Returns the tensor arguments that the graph reads, with the sizes and token ranges that it knows."""
    found = []
    for node in graph.nodes:
        name = node.get("name")
        if node.op == "input" and isinstance(name, str):
            shape = (
                None if node.shape is None else tuple(size if isinstance(size, int) else None for size in node.shape)
            )
            found.append(Argument(name, shape, _tokens(graph, node)))
    return tuple(found)


def _tokens(graph: Graph, given: Node) -> int | None:
    """Returns what the whole numbers of an input are below: as it says, else the size of the embedding that reads it, through
    operations that only move its values."""
    if isinstance(high := given.get("high"), int):
        return high
    reached = {given.index}
    for node in graph.nodes:
        if not reached.intersection(node.inputs):
            continue
        if has(node.op, "looks_up") and node.inputs[0] in reached:
            size = node.get("num_embeddings")
            if isinstance(size, int):
                return size
            weight = next((graph.parameters[index].shape for name, index in node.params if name == "weight"), None)
            return weight[0] if weight and isinstance(weight[0], int) else None
        if kind(node.op) == "shape":
            reached.add(node.index)
    return None


def _optimizer(training: Sequence[Graph]) -> tuple[OptimizerName | None, float | None]:
    """Returns the one optimiser that all training code agrees on, and its rate."""
    kinds, rates = set(), set()
    for graph in training:
        for node in graph.nodes:
            if node.op == "optimizer" and node.type is not None:
                kinds.add(_OPTIMIZERS.get(node.type.rpartition(".")[2]))
                rate = node.get("lr")
                rates.add(float(rate) if isinstance(rate, (int, float)) and not isinstance(rate, bool) else None)
    kind = kinds.pop() if len(kinds) == 1 else None
    return kind, rates.pop() if kind is not None and len(rates) == 1 else None


def _loss(training: Sequence[Graph]) -> str | None:
    named = (
        node.op.removesuffix("_loss").replace("binary_cross_entropy", "bce")
        for graph in training
        for node in graph.nodes
    )
    found = {name for name in named if name in _LOSSES}
    return found.pop() if len(found) == 1 else None
