"""Weights that forward makes of a parameter before it uses them: standardised, divided by their norm or their largest singular value.

w / ‖w‖ over n entries   var 1/n (Salimans & Kingma 2016)       (w − mean)/std   var 1 (Qiao et al. 2019)
w / σ(w)                 var 1/(rows + columns): a power iteration of one step from a random vector, E‖W Wᵀu‖²/E‖Wᵀu‖² (Miyato et al. 2018)
"""

from __future__ import annotations

import math

from vglint.analysis.state import ZERO, State, Step
from vglint.analysis.use import Use
from vglint.ops import has
from vglint.ops.init import Spread
from vglint.shape import Shape, size_ratio

_STEPS = 12


def made_weight(use: Use) -> Step | None:
    """Returns the map of a weight that is divided by a size of its own, or from which its own mean is taken; None for anything else."""
    if use.shapes is not None or len(use.node.inputs) != 2:
        return None
    for top in (0, 1) if use.node.op == "mul" else (0,):
        state = use.inputs[top]
        if state is None or state.spread is None or state.spread.form != "iid" or state.scale:
            continue
        root, other = root_of(use, use.node.inputs[top]), use.node.inputs[1 - top]
        if root is None:
            continue
        found = _less_mean(use, state.spread, root, other) if use.node.op == "sub" else None
        if has(use.node.op, "scales"):
            found = _divided(use, root, other)
        if found is not None:
            return _out(use, state, found, top)
    return None


def _out(use: Use, state: State, spread: Spread, top: int) -> Step:
    variance = spread.variance() or 0.0
    before = max(state.q - state.mu**2, 1e-300)
    out = state._replace(
        q=variance + spread.mean**2, mu=spread.mean, ds=variance if state.ds else 0.0, r=spread.mean**2, spread=spread,
        law=None, parts=((use.index, 1.0),),
    )  # fmt: skip
    return out, lambda grad: [grad.times(variance / before) if i == top else ZERO for i in range(2)]


def root_of(use: Use, index: int) -> int | None:
    """Returns the parameter whose entries a node holds, moved, scaled or made free of their mean."""
    for _ in range(_STEPS):
        node = use.graph.nodes[index]
        if node.op == "parameter":
            return index
        if not node.inputs:
            return None
        if _moves(node.op):
            index = node.inputs[0]
        elif has(node.op, "scales") or node.op == "sub":
            states = [use.term(source) for source in node.inputs]
            plain = [
                source
                for source, state in zip(node.inputs, states, strict=True)
                if state is not None and state.spread is not None and state.spread.var > 0
            ]
            if len(plain) != 1:
                return None
            index = plain[0]
        else:
            return None
    return None


def _moves(op: str) -> bool:
    """Whether an op hands on the entries of its first argument, in some order."""
    return has(op, "copies") or has(op, "rearranges") or has(op, "repeats")


def _less_mean(use: Use, spread: Spread, root: int, other: int) -> Spread | None:
    """Returns the weights without their mean over all but a few of their dimensions."""
    averaged = False
    for _ in range(_STEPS):
        node = use.graph.nodes[other]
        if node.op == "mean":
            averaged = True
        elif not _moves(node.op):
            break
        other = node.inputs[0]
    return spread._replace(mean=0.0) if averaged and root_of(use, other) == root else None


def _divided(use: Use, root: int, other: int) -> Spread | None:
    inverse, rooted = use.node.op == "mul", False
    shape = use.graph.nodes[root].shape
    for _ in range(_STEPS):
        node = use.graph.nodes[other]
        if not node.inputs:
            return None
        if node.op == "rsqrt":
            inverse, rooted = not inverse, True
        elif node.op == "reciprocal":
            inverse = not inverse
        elif node.op == "sqrt" or (node.op == "pow" and node.get("exponent") == 0.5):
            rooted = True
        elif not ((node.op == "add" and len(node.inputs) == 1) or node.op == "clamp" or _moves(node.op)):
            break
        other = node.inputs[0]
    node = use.graph.nodes[other]
    if inverse:
        return None
    if (node.op == "std" or (node.op == "var" and rooted)) and root_of(use, node.inputs[0]) == root:
        return Spread(0.0, 1.0)
    plain = node.op == "norm" or node.op == "vector_norm"
    if plain and node.get("p") in (None, 2, 2.0, "fro") and node.get("ord") in (None, 2, 2.0):
        inner = node.inputs[0]
    elif (node.op == "sum" or node.op == "mean") and rooted and (square := _square(use, node.inputs[0])) is not None:
        inner = square
    else:
        return _over_singular_value(use, root, other, shape)
    if root_of(use, inner) != root:
        return None
    if node.op == "mean":
        return Spread(0.0, 1.0)
    count = size_ratio(shape, node.shape) if node.get("dim") is not None else size_ratio(shape, ())
    return Spread(0.0, 1.0 / count) if count else None


def _square(use: Use, index: int) -> int | None:
    node = use.graph.nodes[index]
    if node.op == "square" or (node.op == "pow" and 2 in (node.get("exponent"), node.get("other"))):
        return node.inputs[0]
    if node.op == "mul" and len(node.inputs) == 2 and node.inputs[0] == node.inputs[1]:
        return node.inputs[0]
    return None


def _over_singular_value(use: Use, root: int, other: int, shape: Shape | None) -> Spread | None:
    """u·(W v) for the vectors of a power iteration: one number, made of the weight by two products."""
    node = use.graph.nodes[other]
    if shape is None or len(shape) < 2 or not all(isinstance(size, int) for size in shape):
        return None
    if not _combines(node.op) or size_ratio(node.shape, ()) not in (None, 1.0):
        return None
    products, todo, seen, own = 0, [other], set[int](), False
    while todo and len(seen) < 2 * _STEPS:
        index = todo.pop()
        if index in seen:
            continue
        seen.add(index)
        each = use.graph.nodes[index]
        if index == root or root_of(use, index) == root:
            own = True
        elif _combines(each.op):
            products += not has(each.op, "sums") and each.op != "mul"
            todo += each.inputs
        elif _moves(each.op):
            todo += each.inputs
    if not own or products < 2:
        return None
    rows = float(shape[0]) if isinstance(shape[0], int) else 1.0
    columns = math.prod(size for size in shape[1:] if isinstance(size, int))
    return Spread(0.0, 1.0 / (rows + columns))


def _combines(op: str) -> bool:
    """Whether an op multiplies tensors with one another, or sums entries."""
    return has(op, "multiplies") or has(op, "sums") or op == "dot" or op == "mv"
