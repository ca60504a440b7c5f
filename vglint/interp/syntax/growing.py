"""Loops that add dimensions to a tensor until it has as many as they ask for: `while x.dim() < 4: x = x.unsqueeze(-1)`."""

from __future__ import annotations

from vglint import ops
from vglint.interp.machine.core import Frame, Run, evaluate
from vglint.interp.nodes.ranks import learn
from vglint.interp.values.objects import OpenLoop, TensorV
from vglint.source import code

_RANKS = ("dim", "ndimension")


def grown(run: Run, test: code.Expression, start: int, loop: OpenLoop, frame: Frame) -> None:
    """Notes after the one turn that is walked what a loop leaves, where all it does from node `start` on is to move values: the rank that ends it."""
    asked = _asked(test)
    if asked is None or any(ops.kind(draft.op) != "shape" for draft in run.graph.nodes[start:]):
        return
    name, rank = asked
    value = evaluate(run, name, frame)
    if isinstance(value, TensorV) and not value.pick and run.graph.nodes[value.node].shape is None:
        learn(run, value, rank)
        loop.apart = True


def _asked(test: code.Expression) -> tuple[code.Name, int] | None:
    """Returns the tensor and the rank of `len(x.shape) < 4`, `x.dim() < 4` and the like."""
    match test:
        case code.Compare(left=left, operators=("<" | "!=",), comparators=(code.Constant(value=int(rank)),)) if (
            rank > 0
        ):
            name = _ranked(left)
        case code.Compare(left=left, operators=("<=",), comparators=(code.Constant(value=int(rank)),)) if rank > 0:
            name, rank = _ranked(left), rank + 1
        case _:
            return None
    return None if name is None else (name, rank)


def _ranked(node: code.Expression) -> code.Name | None:
    match node:
        case code.Attribute(value=code.Name() as name, attr="ndim"):
            return name
        case code.Call(func=code.Attribute(value=code.Name() as name, attr=method)) if method in _RANKS:
            return name
        case code.Call(func=code.Name(id="len"), args=(code.Attribute(value=code.Name() as name, attr="shape"),)):
            return name
        case code.Call(
            func=code.Name(id="len"), args=(code.Call(func=code.Attribute(value=code.Name() as name, attr="size")),)
        ):
            return name
        case _:
            return None
