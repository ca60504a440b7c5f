"""Normalisations that are written out: (x − mean)/√(var + eps), x · rsqrt(mean(x²) + eps), x / norm(x)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from vglint.analysis.maps.norm import inverse_mean, normalised, over_channels_and_places
from vglint.analysis.maps.reduce import is_over_all, mean_square
from vglint.analysis.state import ZERO, Back, Grad, State, Step
from vglint.analysis.use import Use
from vglint.graph import Node
from vglint.ops import has
from vglint.ops.init import Spread
from vglint.shape import size_ratio


class Divisor(NamedTuple):
    """What a signal is divided by: a spread over `dims` of node `source`, around its mean or not; `whole` for √Σx², not √mean(x²)."""

    source: int
    dims: tuple[int, ...]
    centred: bool
    whole: bool
    eps: float


def handmade(use: Use, top: int, bottom: int, inverse: bool) -> Step | None:
    """Returns the map of a signal (input `top`) over its own spread (input `bottom`, its inverse for a product); None for anything else."""
    if use.shapes is not None:
        return None
    found = divisor(use, use.node.inputs[bottom], inverse)
    if found is None:
        return None
    source = use.node.inputs[top]
    node = use.graph.nodes[source]
    less = node.op == "sub" and len(node.inputs) == 2 and _is_mean(use, node.inputs[1], found)
    if source != found.source and not less:
        return None
    state = use.inputs[top]
    origin = use.term(found.source)
    if state is None or origin is None or state.scale:
        return None
    return _normalised(use, state, origin, found, top)


def _normalised(use: Use, state: State, origin: State, found: Divisor, top: int) -> Step | None:
    roles = _roles(use, origin, found)
    shape = use.graph.nodes[found.source].shape
    count = _count(shape, found.dims)
    if roles == {"c"}:
        width = count or (float(origin.channels) if isinstance(origin.channels, int) else None)
        if width is None:
            return None
        own = max(origin.q - origin.r, 0.0) * (width - 1) / width if found.centred and width > 1 else origin.q
        noise = inverse_mean(max(width - 1.0, 1.0))
    elif roles == {"s"}:
        width = count or origin.places or 49.0
        own = origin.ds * (width - 1) / width if found.centred and width > 1 else origin.q
        noise = 1.0
    elif roles == {"c", "s"}:
        return _of_all(use, state, origin, found, top)
    else:
        return None

    def mean_gradient(grad: Grad) -> float:
        pair = grad.gr if roles == {"c"} else grad.gs
        return max((grad.g + (width - 1) * pair) / width, 0.0) if found.centred else 0.0

    step, back = normalised(
        use, state, own, width, noise, mean_gradient, centred=found.centred, own=False, affine=_PLAIN, eps=found.eps
    )
    return _scaled(step, back, 1.0 / width if found.whole else 1.0, top)


def _of_all(use: Use, state: State, origin: State, found: Divisor, top: int) -> Step | None:
    """A spread over channels and positions together: a GroupNorm of one group."""
    shape, axes = use.graph.nodes[found.source].shape, origin.axes
    if axes is None or shape is None:
        return None
    # Where the mean is taken off by a node of its own, that node takes it off the gradient too.
    taken = use.graph.nodes[use.node.inputs[top]].op == "sub" or not found.centred
    channels, places = (_count(shape, tuple(dim for dim in found.dims if axes[dim] == role)) for role in ("c", "s"))
    width = channels or (float(origin.channels) if isinstance(origin.channels, int) else None)
    if width is None:
        return None
    over = over_channels_and_places(origin, width, places or origin.places or math.inf)
    own = over.variance if found.centred else origin.q
    step, back = normalised(
        use, state, own, over.entries, over.noise, _none if taken else over.mean_gradient,
        centred=found.centred, own=False, affine=_PLAIN, eps=found.eps, radial=lambda grad: over.share * over.mean_gradient(grad),
    )  # fmt: skip
    if found.whole and not math.isfinite(over.entries):
        return None
    return _scaled(step, back, 1.0 / over.entries if found.whole else 1.0, top)


def _none(grad: Grad) -> float:
    return 0.0


def _scaled(step: State | None, back: Back | None, share: float, top: int) -> Step | None:
    """Returns the map of a norm whose result is √share as large."""
    if step is None or back is None:
        return None
    root = math.sqrt(share)
    out = step._replace(q=step.q * share, mu=step.mu * root, db=step.db * share, ds=step.ds * share, r=step.r * share)
    inner = back

    def both(grad: Grad) -> list[Grad]:
        sent = inner(grad)[0]
        whole = sent.times(share) if sent is not None else ZERO
        return [whole, ZERO] if top == 0 else [ZERO, whole]

    return out, both


_PLAIN = (Spread(1.0, 0.0), Spread(0.0, 0.0))


def divisor(use: Use, index: int, inverse: bool) -> Divisor | None:
    """Reads a spread back through eps, roots and bounds."""
    eps, root = 0.0, False
    for _ in range(10):
        node = use.graph.nodes[index]
        if node.op == "rsqrt" and inverse:
            root, inverse = True, False
        elif node.op == "reciprocal" and inverse:
            inverse = False
        elif node.op == "sqrt" or (node.op == "pow" and node.get("exponent") == 0.5):
            root = True
        elif node.op == "pow" and node.get("exponent") == -0.5 and inverse:
            root, inverse = True, False
        elif node.op == "add" and len(node.inputs) == 1:
            value = node.get("other") if node.get("other") is not None else node.get("input")
            if not isinstance(value, (int, float)):
                return None
            eps = float(value) if root else float(value) ** 2
        elif node.op != "clamp" and not has(node.op, "copies") and not has(node.op, "reshapes"):
            break
        index = node.inputs[0]
    if inverse:
        return None
    node = use.graph.nodes[index]
    dims = _dims(node)
    if dims is None:
        return None
    if has(node.op, "statistic") and has(node.op, "roots") and not root:
        whole = node.op != "std"
        if whole and (node.get("p") not in (None, 2, 2.0, "fro") or node.get("ord") not in (None, 2, 2.0)):
            return None
        return Divisor(node.inputs[0], dims, not whole, whole, eps)
    if node.op == "var" and root:
        return Divisor(node.inputs[0], dims, True, False, eps)
    if (node.op == "mean" or node.op == "sum") and root:
        square = use.graph.nodes[node.inputs[0]]
        if (
            square.op == "square"
            or (square.op == "pow" and 2 in (square.get("exponent"), square.get("other")))
            or (square.op == "mul" and len(square.inputs) == 2 and square.inputs[0] == square.inputs[1])
        ):
            inner = square.inputs[0]
        else:
            return None
        less = use.graph.nodes[inner]
        if less.op == "sub" and len(less.inputs) == 2:
            mean = use.graph.nodes[less.inputs[1]]
            if mean.op == "mean" and mean.inputs[0] == less.inputs[0]:
                return Divisor(less.inputs[0], dims, True, node.op == "sum", eps)
        return Divisor(inner, dims, False, node.op == "sum", eps)
    return None


def _dims(node: Node) -> tuple[int, ...] | None:
    dim = node.get("dim")
    dims = dim if isinstance(dim, tuple) else (dim,)
    found = tuple(one for one in dims if isinstance(one, int) and not isinstance(one, bool))
    return found if found and len(found) == len(dims) else None


def _is_mean(use: Use, index: int, found: Divisor) -> bool:
    node = use.graph.nodes[index]
    return node.op == "mean" and node.inputs[0] == found.source and _dims(node) == found.dims


def _roles(use: Use, state: State, found: Divisor) -> set[str]:
    axes = state.axes
    if axes is not None and "*" not in axes and all(-len(axes) <= dim < len(axes) for dim in found.dims):
        return {axes[dim] for dim in found.dims}
    if found.dims == (-1,):
        return {"c"}
    # The class that normalises over dimension 1 has a gain for each of its entries, as pictures have channels.
    return {"c"} if found.dims == (1,) else {"s"} if set(found.dims) <= {2, 3, 4, -2} else set()


def _count(shape: object, dims: tuple[int, ...]) -> float | None:
    if not isinstance(shape, tuple) or not all(-len(shape) <= dim < len(shape) for dim in dims):
        return None
    found = size_ratio(tuple(shape[dim] for dim in dims), tuple(1 for _ in dims))
    return found if found and found > 1 else None


def minus_mean(use: Use, left: State) -> Step | None:
    """Returns the map of `x - x.mean(-1, keepdim=True)`, None where the right side is not the left's own mean over channels, or over them and all positions."""
    if use.node.op != "sub" or use.shapes is not None or use.get("alpha") not in (None, 1):
        return None
    mean = use.graph.nodes[use.node.inputs[1]]
    if mean.op != "mean" or mean.inputs[:1] != use.node.inputs[:1]:
        return None
    if is_over_all(left, mean.get("dim")):
        return minus_mean_of_all(use, left)
    if mean.get("dim") not in (-1, (-1,)):
        return None
    q = max(left.q - left.r, 0.0)
    out = left._replace(q=q, mu=0.0, db=min(left.db, q), ds=min(left.ds, q), r=0.0, law=None, parts=((use.index, 1.0),))
    return out, lambda grad: [grad._replace(g=max(grad.g - grad.gr, 0.0), gr=0.0), ZERO]


def minus_mean_of_all(use: Use, left: State) -> Step:
    """The map of x less its mean over channels and positions, which is one number for each sample."""
    width = float(left.channels) if isinstance(left.channels, int) else math.inf
    over = over_channels_and_places(left, width, left.places or math.inf)
    common = mean_square(left, width, left.places or math.inf)
    q = max(left.q - common, 0.0)
    out = left._replace(
        q=q, mu=0.0, db=min(left.db, q), ds=min(left.ds, q), r=max(left.r - common, 0.0), law=None, parts=((use.index, 1.0),)
    )  # fmt: skip

    def back(grad: Grad) -> Sequence[Grad]:
        mean = min(max(over.mean_gradient(grad), 0.0), grad.g)
        return [grad._replace(g=grad.g - mean, gs=grad.gs - mean, gr=0.0), ZERO]

    return out, back
