"""Layers whose weights multiply: linear, convolution, transposed convolution, bilinear.

    y = W x + b:   q' = fan_in·v·q + Var b,   g_in = fan_out·v·g        (He et al. 2015)

A difference of two pairs maps without the bias. Independent kernel taps create no correlation between positions; a convolution counts
only the taps that read a real pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from vglint.analysis.edges import Edge, edge, shared_taps, through_edges
from vglint.analysis.maps import maps
from vglint.analysis.maps.neighbours import at_distance
from vglint.analysis.maps.written_weight import scaled_by
from vglint.analysis.state import ZERO, AbstainError, Grad, Scale, State, Step, merged, quotient, sized
from vglint.analysis.use import Use, fan_in_of, filled
from vglint.ops.init import Spread
from vglint.shape import Dim, Shape
from vglint.value import Expr, Literal_, divided, times

Size = int | float | Expr


class Fans(NamedTuple):
    """Real fans of a layer: what one output sums over, what one input is sent to, and what each is multiplied by because of the map's edges and stride."""

    inside: Size
    outside: Size
    forward: float = 1.0
    backward: float = 1.0
    spread_out: float = 1.0
    """Output positions per input position."""
    edges: tuple[Edge, ...] = ()
    """Which taps read a real position, per axis; () where sizes are not known."""


@maps("linear")
def linear(use: Use) -> Step:
    shape, spread = weight_of(use, 1)
    if len(shape) != 2:
        raise AbstainError("weight is not a matrix")
    state = use.inputs[0]
    axes = "*c"
    if use.node.shape is not None:
        rank = len(use.node.shape)
        axes = "b" + "s" * (rank - 2) + "c" if rank >= 2 else "c"
    if state is not None and use.node.shape is not None and use.given():
        state = state._replace(axes=axes)  # the channels of an input are where its first layer reads them
    if state is not None:
        if state.axes is not None and state.axes.endswith("s") and "c" in state.axes:
            turned = swapped(state)
            found, back = linear_over(use, shape, spread, turned, turned.axes or axes, turned.places)
            assert back is not None
            inner = back
            return found, lambda grad: [turned_grad(one) for one in inner(grad) if one is not None]
        if state.axes is not None and (state.axes.startswith("*") or len(state.axes) == len(axes)):
            axes = state.axes[:-1] + "c" if state.axes[-1] == "s" else state.axes
    places = use.places(axes) or (state.places if state is not None else None)
    return linear_over(use, shape, spread, state, axes, places)


def linear_over(
    use: Use, shape: tuple[int | Expr, ...], spread: Spread, state: State | None, axes: str, places: float | None
) -> Step:
    return affine(use, state, spread, Fans(shape[1], shape[0]), use.bias("bias", shape[1], 2), shape[0], axes, places)


@maps("conv1d", "conv2d", "conv3d")
def convolution(use: Use) -> Step:
    shape, spread = weight_of(use, 1)
    rank = int(use.node.op[-2])
    state = use.inputs[0]
    taps = fan_of(shape[2:])
    groups = use.get("groups") or 1
    outside = times(groups_quotient(shape[0], groups), taps)
    stride, kernel = each(use.get("stride"), rank, 1), each(shape[2:], rank, None)
    padding, dilation = use.get("padding"), each(use.get("dilation"), rank, 1)
    before, after = sizes(use.shape(0), rank), sizes(use.node.shape, rank)
    out = 1.0
    edges = []
    for axis in range(rank):
        old, new = before[axis], after[axis]
        out *= new / old if old and new else 1.0 / (stride[axis] or 1)
        if use.get("padding_mode") in (None, "zeros"):
            edges.append(edge(old, new, kernel[axis], stride[axis], padding_of(padding, axis), dilation[axis]))
    axes = "bc" + "s" * rank
    known = tuple(one for one in edges if one is not None)
    fans = Fans(fan_in_of(shape), outside, 1.0, out, out, known if len(known) == rank else ())
    places = use.places(axes) or (state.places * out if state is not None and state.places is not None else None)
    return affine(use, state, spread, fans, use.bias("bias", fan_in_of(shape), 2), shape[0], axes, places)


@maps("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed_convolution(use: Use) -> Step:
    """The fans change places: one output sums over in_channels/groups · kernel / stride inputs."""
    shape, spread = weight_of(use, 1)
    rank = int(use.node.op[-2])
    state = use.inputs[0]
    taps = fan_of(shape[2:])
    groups = use.get("groups") or 1
    stride = each(use.get("stride"), rank, 1)
    before, after = sizes(use.shape(0), rank), sizes(use.node.shape, rank)
    kernel, dilation, padding = each(shape[2:], rank, None), each(use.get("dilation"), rank, 1), use.get("padding")
    out = 1.0
    edges = []
    for axis in range(rank):
        old, new = before[axis], after[axis]
        out *= new / old if old and new else float(stride[axis] or 1)
        found = edge(new, old, kernel[axis], stride[axis], padding_of(padding, axis), dilation[axis])
        edges.append(found.reversed() if found is not None else None)
    known = tuple(one for one in edges if one is not None)
    axes = "bc" + "s" * rank
    channels = times(shape[1], groups) if isinstance(groups, (int, Expr)) else None
    inside = times(groups_quotient(shape[0], groups), taps)
    fans = Fans(inside, fan_in_of(shape), 1.0 / out, 1.0, out, known if len(known) == rank else ())
    places = use.places(axes) or (state.places * out if state is not None and state.places is not None else None)
    width = channels if isinstance(channels, (int, Expr)) else None
    return affine(use, state, spread, fans, use.bias("bias", fan_in_of(shape), 2), width, axes, places)


@maps("bilinear")
def bilinear(use: Use) -> Step:
    """y_k = Σ W_kij a_i b_j: each input sees weights that the other one multiplies."""
    parameter = use.parameter("weight")
    if parameter is None or parameter.shape is None:
        raise AbstainError("the weight is not known")
    shape = filled(parameter.shape, parameter.path)
    assert shape is not None
    spread = use.spread_of(parameter, shape)
    if spread.mean != 0 or spread.form != "iid":
        raise AbstainError("weights with a mean")
    left, right = use.state(0), use.state(1)
    if left.scale or right.scale:
        raise AbstainError("a width is not known")
    inside, scale = quotient(times(shape[1], shape[2]), spread.over)
    to_left, left_scale = quotient(times(shape[0], shape[2]), spread.over)
    to_right, right_scale = quotient(times(shape[0], shape[1]), spread.over)
    gain = inside * spread.var
    bias_mean, bias_var = use.bias("bias", shape[1])
    q = left.q * right.q

    def apart(d_left: float, d_right: float) -> float:
        return gain * (q - (left.q - d_left) * (right.q - d_right))

    state = State(
        gain * q + bias_var + bias_mean**2,
        bias_mean,
        apart(left.db, right.db),
        apart(left.ds, right.ds),
        bias_mean**2,
        scale,
        shape[0],
    )
    return state, lambda grad: (
        grad.times(to_left * spread.var * right.q, left_scale),
        grad.times(to_right * spread.var * left.q, right_scale),
    )


def weight_of(use: Use, position: int) -> tuple[tuple[int | Expr, ...], Spread]:
    """Returns shape and distribution of a layer's weight, which is its own or an input."""
    parameter = use.parameter("weight")
    if parameter is not None:
        state = use.inputs[0]
        place = 0 if use.node.op.startswith("conv_transpose") else 1
        shape = filled(parameter.shape, parameter.path, state.channels if state is not None else None, place)
        if shape is None:
            raise AbstainError(f"shape of {parameter.path} is not known")
        return shape, parametrized(use, shape, use.spread_of(parameter, shape))
    if use.get("input") is not None:
        raise AbstainError("the input is not known")  # what is known stands where the input would: the weight, the bias
    given = use.inputs[position] if position < len(use.inputs) else None
    shape = filled(use.shape(position), use.graph.nodes[use.node.inputs[position]].path) if given is not None else None
    if given is None or shape is None:
        raise AbstainError("the weight is not known")
    if given.spread is not None:
        return shape, given.spread
    if given.scale or given.mu**2 > 1e-3 * given.q:
        raise AbstainError("weights with a mean")
    return shape, Spread(0.0, given.q)


def parametrized(use: Use, shape: tuple[int | Expr, ...], spread: Spread) -> Spread:
    """Returns what a parametrisation makes of a weight: weight_norm starts from the weight itself, spectral_norm divides by its
    largest singular value, √v(√rows + √columns) for independent entries."""
    kind = use.get("parametrization")
    if kind is None or kind == "weight_norm":
        return spread
    if isinstance(kind, tuple):
        factor = scaled_by(kind, shape, spread)
        if factor is None:
            raise AbstainError("a parametrised weight")
        return spread.scaled(factor)
    rows, columns = shape[0], fan_of(shape[1:])
    if kind == "orthogonal" and isinstance(rows, int) and isinstance(columns, int):
        return Spread(0.0, 1.0, max(rows, columns), "orthogonal")
    if kind != "spectral_norm" or spread.mean != 0.0 or not isinstance(rows, int) or not isinstance(columns, int):
        raise AbstainError("a parametrised weight")
    if spread.form != "iid":
        return spread._replace(var=1.0)
    return Spread(0.0, 1.0 / (math.sqrt(rows) + math.sqrt(columns)) ** 2) if spread.var > 0 else spread


def affine(
    use: Use,
    state: State | None,
    spread: Spread,
    fans: Fans,
    bias: tuple[float, float],
    channels: Dim | float,
    axes: str,
    places: float | None,
) -> Step:
    """Returns the map of y = W x + b for weights of one distribution."""
    if spread.form != "identity" and spread.mean != 0.0:
        sized_fan, _ = sized(fans.inside)
        variance = spread.variance()
        if variance is None or sized_fan * spread.mean**2 > 0.01 * variance:
            raise AbstainError("weights with a mean")
    if spread.form == "identity":
        # eye_ and dirac_ pass the first min(in, out) channels through.
        narrow, _ = quotient(channels or 1, (state.channels if state is not None else None) or channels or 1)
        gain, loss = spread.var * min(1.0, 1.0 / narrow if narrow else 1.0), spread.var * min(1.0, narrow)
        forward_scale: Scale = ()
        backward_scale: Scale = ()
    else:
        inside, forward_scale = quotient(fans.inside, spread.over)
        outside, backward_scale = quotient(fans.outside, spread.over)
        gain, loss = inside * spread.var * fans.forward, outside * spread.var * fans.backward
    width = channels if isinstance(channels, (int, Expr)) else None
    if spread.form == "identity" and bias[0] ** 2 + bias[1] > 1.0:
        bias = 0.0, 0.0  # it takes the mean off data in their own units, or puts it back
    found = None
    if state is not None:
        # The factors of the edges count the stride too, which `forward` and `backward` hold already.
        real, profile = through_edges(fans.edges, state.map) if fans.edges else (1.0, None)
        real = real / fans.forward if fans.edges else 1.0
        found = outcome(use, state, gain * real, forward_scale, bias, width, axes, places)
        if profile is not None:
            common = max(state.q - state.ds, 0.0) * gain * shared_taps(fans.edges) / fans.forward
            apart = state.q * gain * real - common
            found = found._replace(map=profile, ds=min(max(apart, found.ds), found.q))
        if spread.form == "identity":
            found = found._replace(mu=state.mu * math.sqrt(spread.var), r=state.r * spread.var)
    random = spread.form == "iid" and spread.var > 0
    pull = 1.0
    if spread.form == "orthogonal" and not fans.edges and not forward_scale and not backward_scale:
        pull = max(1.0 - taps_of(fans.inside) / max(taps_of(fans.outside), 1.0), 0.0)
    noise = 2.0 / max(taps_of(fans.outside), 1.0) if random else 0.0
    pairs = use.batch * (places or 1.0)

    mirrored = tuple(one.reversed() for one in fans.edges) if fans.edges else ()

    def back(grad: Grad) -> Sequence[Grad]:
        lv = grad.lv + noise * ((1.0 - grad.rho) / pairs + grad.rho) if noise else grad.lv
        kept, profile = loss, None
        together = loss * fans.spread_out
        if mirrored:
            real, profile = through_edges(mirrored, grad.map)
            kept = loss * real / fans.backward
            together = min(loss * fans.spread_out * shared_taps(mirrored) / fans.backward, kept * fans.spread_out)
        inner = Grad(
            grad.g * kept,
            grad.gs * together,
            grad.gb * kept,
            grad.gx * together,
            grad.gr * kept if spread.form == "identity" else 0.0,
            merged(grad.scale, backward_scale),
            lv,
            grad.rho,
            profile,
        )
        if grad.along and state is not None:
            # Wᵀ W is no product of independent matrices: E‖Wᵀ W x‖² has (fan_out·v)²‖x‖² more.
            inner = inner.pulled(state, grad.along * kept, pull)
        return [inner] + [ZERO] * (len(use.inputs) - 1)

    return found, back


def outcome(
    use: Use,
    state: State,
    gain: float,
    scale: Scale,
    bias: tuple[float, float],
    width: Dim,
    axes: str,
    places: float | None,
) -> State:
    mean, variance = bias
    q = state.q * gain
    total = merged(state.scale, scale)
    if total and variance + mean * mean > 0:
        raise AbstainError("a width is not known")
    own = q + variance + mean * mean
    return State(
        own,
        mean,
        min(state.db * gain, own),
        min(state.ds * gain, own),
        mean * mean,
        total,
        width,
        axes,
        places,
        None,
        ((use.index, 1.0),),
        1.0,
        near=near_after(use, state),
    )


def near_after(use: Use, state: State) -> float:
    """Returns what neighbours have in common behind a layer: random weights keep what those before it had, a stride takes others."""
    if state.near <= 0.0 or use.node.op.startswith("conv_transpose"):
        return 0.0
    steps = [step for step in each(use.get("stride"), 1, 1) if step is not None]
    return at_distance(state.near, float(max(steps, default=1)))


def swapped(state: State) -> State:
    """Returns the state with channels and positions exchanged (a layer that mixes tokens)."""
    axes = state.axes.translate(_TURNED) if state.axes is not None else None
    places = float(state.channels) if isinstance(state.channels, int) else None
    channels = round(state.places) if state.places is not None else None
    return state._replace(
        r=state.q - state.ds, ds=state.q - state.r, law=None, axes=axes, places=places, channels=channels
    )


def turned_grad(grad: Grad) -> Grad:
    return grad._replace(gs=grad.gr, gr=grad.gs, gx=0.0)


_TURNED = str.maketrans("cs", "sc")


def fan_of(dims: Sequence[int | Expr]) -> Size:
    size: Size = 1
    for dim in dims:
        size = times(size, dim)
    return size


def groups_quotient(channels: Dim, groups: Literal_) -> Size:
    if channels is None or not isinstance(groups, (int, Expr)):
        raise AbstainError("groups are not known")
    found = divided(channels, groups)
    if found is None:
        raise AbstainError("groups are not known")
    return found


def taps_of(size: Size) -> float:
    number, scale = sized(size)
    return number if not scale else 1e9


def each(value: object, rank: int, default: int | None) -> list[int | None]:
    """Returns one number per axis."""
    if isinstance(value, int):
        return [value] * rank
    if isinstance(value, tuple):
        items = [item if isinstance(item, int) else default for item in value]
        return items * rank if len(items) == 1 else items + [default] * (rank - len(items))
    return [default] * rank


def sizes(shape: Shape | None, rank: int) -> list[int | None]:
    if shape is None or len(shape) < rank:
        return [None] * rank
    return [dim if isinstance(dim, int) and dim > 0 else None for dim in shape[len(shape) - rank :]]


def padding_of(padding: Literal_, axis: int) -> int | None:
    if isinstance(padding, str):
        return None if padding == "same" else 0
    if isinstance(padding, tuple):
        item = padding[axis] if axis < len(padding) else padding[-1] if padding else 0
        return item if isinstance(item, int) else 0
    return padding if isinstance(padding, int) else 0
