"""Products of two signals that have nothing to do with each other, and gradients of what broadcasting repeats."""

from __future__ import annotations

from vglint.analysis.state import PLACES, Choices, Grad, State, Step, merged
from vglint.analysis.use import Use
from vglint.ops import has
from vglint.shape import Dim


def gated(use: Use, left: State, right: State) -> Step:
    """Product of two independent tensors."""

    def apart(name: str) -> float:
        one, other = float(getattr(left, name)), float(getattr(right, name))
        return left.q * other + one * right.q - one * other

    spread = None
    if left.spread is not None and right.q == right.mu**2:
        spread = left.spread.scaled(right.mu)
    elif left.spread is not None and right.spread is not None and left.q == left.mu**2:
        spread = right.spread.scaled(left.mu)
    wide = left if (left.places or 2) >= (right.places or 2) else right
    choices = None
    if (one := left.choices or right.choices) is not None:
        common = [state.choices.common if state.choices is not None else state.q for state in (left, right)]
        choices = Choices(one.number, common[0] * common[1])
    out = State(
        left.q * right.q,
        left.mu * right.mu,
        apart("db"),
        apart("ds"),
        left.r * right.r,
        merged(left.scale, right.scale),
        _width(wide, left, right),
        wide.axes or left.axes or right.axes,
        wide.places,
        None,
        ((use.index, 1.0),),
        0.0,
        spread,
        None,
        choices=choices,
        near=wide.near,
    )
    fold_left, fold_right = folds(use, 0), folds(use, 1)
    each = in_channels(left, right), in_channels(right, left)
    parts = are_added(use)

    def side(grad: Grad, own: State, other: State, fold: float, channels: float) -> Grad:
        inner = Grad(
            grad.g * other.q,
            grad.gs * (other.q - other.ds),
            grad.gb * (other.q - other.db),
            grad.gx * max(other.q - max(other.db, other.ds), 0.0),
            grad.gr * other.r,
            merged(grad.scale, other.scale),
            grad.lv,
            grad.rho,
            grad.map,
        )
        found = gathered(inner, fold)
        if fold > 1.0 and grad.bend > 0.0:
            # Where the gradient goes with the product, its sum over the positions goes with the squares of what is weighed.
            found = found._replace(g=found.g + grad.bend * own.q * (fold * max(other.q - other.mu**2, 0.0)) ** 2)
        if channels > 1.0:
            found = found._replace(g=channels * found.g + channels * (channels - 1.0) * max(found.gr, 0.0), gr=0.0)
        same = grad.g if parts else grad.alike
        if same > 0.0 and grad.g > 0.0:
            # Every one of the tensors that are added gets the same gradient; what they have in common, all their weights' gradients have.
            common = other.choices.common if other.choices is not None else other.mu**2
            places = fold + fold * (fold - 1.0) * grad.gs / grad.g
            found = found._replace(alike=min(same * common * places * channels, found.g))
        return found

    return out, lambda grad: [
        side(grad, left, right, fold_left, each[0]),
        side(grad, right, left, fold_right, each[1]),
    ]


def _width(wide: State, left: State, right: State) -> Dim:
    """Returns the channels of a product: of two tensors of which one is repeated, those of the other."""
    if isinstance(wide.channels, int) and wide.channels > 1:
        return wide.channels
    known = [state.channels for state in (left, right) if isinstance(state.channels, int)]
    return max(known) if known else wide.channels if wide.channels is not None else left.channels


def in_channels(state: State, other: State) -> float:
    """Returns over how many channels one value is spread by broadcasting."""
    if state.channels != 1 or state.spread is not None or not isinstance(other.channels, int):
        return 1.0
    return float(other.channels)


_AHEAD = 12
"""Nodes behind a product among which the sum with its like is looked for."""


def are_added(use: Use) -> bool:
    """Whether this is one of several products of parts of one tensor that are added: `sum(a * x for a, x in zip(weights.chunk(2), parts))`."""
    nodes, index = use.graph.nodes, use.index
    own = _whole(use, index)
    if use.shapes is not None or not own:
        return False
    sums = {index}
    for node in nodes[index + 1 : index + _AHEAD]:
        if not has(node.op, "adds") or sums.isdisjoint(node.inputs):
            continue
        sums.add(node.index)
        for source in node.inputs:
            while has(nodes[source].op, "adds") and nodes[source].inputs and source not in sums:
                source = nodes[source].inputs[-1]
            if source not in sums and nodes[source].op == "mul" and own & _whole(use, source):
                return True
    return False


def _whole(use: Use, index: int) -> set[int]:
    """Returns the tensors of which the factors of a product are parts."""
    nodes = use.graph.nodes
    parts = (nodes[source] for source in nodes[index].inputs)
    return {
        part.inputs[0]
        for part in parts
        if part.op == "getitem" and part.inputs and has(nodes[part.inputs[0]].op, "splits")
    }


def folds(use: Use, position: int) -> float:
    """Returns over how many positions one value of this input is spread by broadcasting."""
    state, other = use.inputs[position], use.inputs[1 - position]
    if state is None or other is None or state.places is None or state.places > 1:
        return 1.0
    if other.axes is None or "s" not in other.axes:
        return 1.0
    if use.shapes is None and use.shape(position) is not None and use.shape(position) == use.node.shape:
        return 1.0  # it is as large as the result
    if state.spread is not None:
        return 1.0
    return float(other.places) if other.places is not None else float(PLACES)


def gathered(grad: Grad, count: float) -> Grad:
    """Returns the gradient of a value that was repeated over `count` positions."""
    if count <= 1.0:
        return grad
    g = count * grad.g + count * (count - 1) * grad.gs
    gb = count * grad.gb + count * (count - 1) * grad.gx
    return grad._replace(g=g, gs=g, gb=gb, gx=gb, gr=grad.gr * count)
