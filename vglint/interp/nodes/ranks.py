"""What later code says of a tensor whose shape was not known: its rank, and with it the sizes that layers gave it."""

from __future__ import annotations

from vglint import ops, origin
from vglint.interp.machine.core import Run
from vglint.interp.values.objects import TensorV, Value
from vglint.regex import regex
from vglint.shape import Dim, Shape
from vglint.value import Expr, Unknown

STEPS = 24
"""Nodes that are walked back from one tensor."""
_GROUP = regex(r"\([^()]*\)|\S+")


def last_size(run: Run, node: int, steps: int = STEPS) -> Dim:
    """Returns the last size of a node's result where its shape, or the layer that made it, tells."""
    while steps > 0:
        draft = run.graph.nodes[node]
        steps -= 1
        if draft.shape:
            return draft.shape[-1]
        if told := ops.last_size(draft.op):
            return _width(draft.config.get(told))
        if not draft.inputs:
            return None
        if (ops.has(draft.op, "adds") or ops.has(draft.op, "scales")) and len(draft.inputs) == 2:
            found = last_size(run, draft.inputs[0], steps // 2)
            if found is not None and found != 1:
                return found
            node = draft.inputs[1]
            steps //= 2
        elif _keeps(draft.op):
            node = draft.inputs[0]
        else:
            return None
    return None


def _width(value: object) -> Dim:
    if isinstance(value, tuple):
        value = value[-1] if value else None
    return value if isinstance(value, (int, Expr)) else None


def _keeps(op: str) -> bool:
    keeps = ops.has(op, "copies") or op == "dropout" or op == "rms_norm"
    return keeps or (ops.kind(op) == "activation" and op != "glu")


def rank_of(run: Run, value: Value) -> Value:
    """Returns the rank of a tensor of unknown shape: a symbol for an input of the entry, which has at least one dimension."""
    if isinstance(value, TensorV) and not value.pick and run.graph.nodes[value.node].op == "input":
        name = str(run.graph.nodes[value.node].config.get("name", "x"))
        run.graph.asked.append((name, "rank"))
        return Expr.symbol(f"rank({name})")
    return Unknown(origin.Computed("rank"))


def learn(run: Run, value: TensorV, rank: int) -> Shape:
    """Notes the rank of a tensor, and of what it was made from without a change of rank; returns its shape."""
    shape: Shape = (*((None,) * (rank - 1)), last_size(run, value.node) if not value.pick else None) if rank else ()
    run.journal.set_field(value, "shape", shape)
    node, steps = value.node, STEPS
    while not value.pick and run.graph.nodes[node].shape is None and steps:
        draft = run.graph.nodes[node]
        draft.shape = (*((None,) * (rank - 1)), last_size(run, node)) if rank else ()
        if not ops.last_size(draft.op) and not _keeps(draft.op):
            break
        rank -= draft.op == "embedding"
        node, steps = draft.inputs[0] if draft.inputs else node, steps - 1
    return shape


def of_tokens(run: Run, value: TensorV) -> bool:
    """Whether a tensor of unknown rank is the embedding of an input: who asks for its second size has batches of sequences."""
    node, steps = value.node, STEPS
    while not value.pick and steps and run.graph.nodes[node].shape is None and run.graph.nodes[node].inputs:
        draft = run.graph.nodes[node]
        if draft.op == "embedding":
            return run.graph.nodes[draft.inputs[0]].op == "input"
        if not _keeps(draft.op):
            return False
        node, steps = draft.inputs[0], steps - 1
    return False


def rank_of_pattern(pattern: object) -> int | None:
    """Returns how many dimensions the left side of an einops pattern has; None where an ellipsis leaves it open."""
    if not isinstance(pattern, str) or "..." in pattern or "…" in pattern:
        return None
    return len(_GROUP.findall(pattern.partition("->")[0]))


def rank_of_layer(name: str) -> int | None:
    """Returns the rank of what a layer or function takes by its name: `Conv1d` 3, `BatchNorm2d` 4; None where it takes several."""
    named = _RANKED.search(name)
    return None if named is None else int(named[1]) + 2


_RANKED = regex(
    r"(?:(?:Conv|conv|ConvTranspose|conv_transpose)(?=[123]d$)|(?:BatchNorm|InstanceNorm|Pool|_pool|Dropout|dropout)(?=[23]d$))(\d)d$"
)
"""Layers with a spatial rank; those of one dimension that are no convolution take tensors without it too."""


def learn_by_layer(run: Run, value: TensorV, rank: int, channels: object) -> Shape:
    """Learns the rank of a tensor of unknown shape from a layer that is applied to it, and how many channels it has."""
    shape = learn(run, value, rank)
    if not isinstance(channels, (int, Expr)) or len(shape) < 2:
        return shape
    shape = (shape[0], channels, *shape[2:])
    run.journal.set_field(value, "shape", shape)
    if not value.pick:
        run.graph.nodes[value.node].shape = shape
    return shape


def learn_by_pattern(run: Run, value: Value, pattern: object) -> Shape | None:
    """Learns from an einops pattern that is applied to a tensor of unknown shape."""
    rank = rank_of_pattern(pattern)
    return None if rank is None or not isinstance(value, TensorV) else learn(run, value, rank)
