"""Reductions over positions or channels, norms, and losses."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vglint.analysis.maps import maps
from vglint.analysis.maps.attention import overlap
from vglint.analysis.maps.pool import average, maximum
from vglint.analysis.state import PLACES, ZERO, AbstainError, Back, Choices, Grad, State, Step
from vglint.analysis.use import Use
from vglint.ops.curves import at_point
from vglint.ops.softmax import softness
from vglint.shape import size_ratio
from vglint.value import Literal_

WIDE = 1e3
"""Channels of a tensor whose width is not known, where a mean over them is nearly their expectation."""


@maps("mean", "sum")
def mean(use: Use) -> Step:
    """A mean over all entries spreads one gradient evenly; over positions it is a pooling; over channels it keeps r."""
    state = use.state()
    over = reduced(use, state)
    factor = 1.0
    if over == "s":
        count = positions(use, state)
        found, back = average(use, count, 1.0 / count)
        if found is not None:
            found = found._replace(axes=left_of(use, state.axes), places=1.0)
        if use.node.op == "sum":
            factor = count * count
    elif over == "c":
        width = reduced_channels(use, state)
        if width is None and use.node.op == "sum":
            raise AbstainError("width of the sum is not known")
        width = width or WIDE
        found, back = narrowed(use, state, width)
        if use.node.op == "sum":
            factor = width * width
    elif over == "k" and state.choices is not None:
        return chosen(use, state, state.choices)
    elif over == "all":
        return None, lambda grad: [Grad(1.0, 1.0, 1.0, 1.0, 1.0)]
    elif use.node.op == "mean" and is_over_all(state, use.get("dim")):
        return mean_of_all(use, state)
    else:
        raise AbstainError("dimensions of the mean are not known")
    if factor == 1.0 or found is None or back is None:
        return found, back
    grown = found._replace(
        q=found.q * factor,
        mu=found.mu * math.sqrt(factor),
        db=found.db * factor,
        ds=found.ds * factor,
        r=found.r * factor,
    )
    inner = back
    return grown, lambda grad: [one.times(factor) if one is not None else None for one in inner(grad)]


def reduced_channels(use: Use, state: State) -> float | None:
    """Returns over how many channels a reduction goes: of heads, those of one head."""
    dim, shape = use.get("dim"), use.shape()
    dims = dim if isinstance(dim, tuple) else (dim,)
    if shape is not None and all(isinstance(each, int) and -len(shape) <= each < len(shape) for each in dims):
        sizes = [shape[each] for each in dims if isinstance(each, int)]
        if all(isinstance(size, int) for size in sizes):
            return float(math.prod(size for size in sizes if isinstance(size, int)))
    return float(state.channels) if isinstance(state.channels, int) else None


def chosen(use: Use, state: State, choices: Choices) -> Step:
    """Sum or mean of tensors that are stacked."""
    count = choices.number
    square = 1.0 if use.node.op == "sum" else 1.0 / (count * count)
    apart = count * square
    out = state._replace(
        q=(count * state.q + count * (count - 1.0) * choices.common) * square, mu=state.mu * count * math.sqrt(square),
        db=state.db * apart, ds=state.ds * apart, r=state.r * apart + count * (count - 1.0) * square * state.mu**2,
        axes=left_of(use, state.axes), law=None, parts=((use.index, 1.0),), choices=None,
    )  # fmt: skip
    return out, lambda grad: [grad.times(square)._replace(alike=grad.g * square)]


@maps("amax", "amin")
def extreme(use: Use) -> Step:
    state = use.state()
    over = reduced(use, state)
    if over == "c":
        return largest_channel(use, state)
    if over != "s":
        raise AbstainError("a maximum over channels")
    count = positions(use, state)
    return maximum(use, count, 1.0 / count)


def largest_channel(use: Use, state: State) -> Step:
    """The largest of n channels, which have their means alone in common (maxout, the maps of spatial attention)."""
    dim, shape = use.get("dim"), use.shape()
    size = (
        shape[dim] if shape is not None and isinstance(dim, int) and -len(shape) <= dim < len(shape) else state.channels
    )
    if not isinstance(size, int) or state.scale or state.pieces:
        raise AbstainError("a maximum over channels")
    turned = state._replace(ds=max(state.q - state.r, 0.0), places=float(size), map=None)
    if state.law is not None:
        turned = turned._replace(law=state.law._replace(ds=max(state.law.mu**2 + state.law.v - state.law.r, 0.0)))
    use.inputs[0] = turned
    found, back = maximum(use, float(size), 1.0 / size)
    if found is None or back is None:
        raise AbstainError("a maximum over channels")
    whole = size == state.channels
    width = 1 if whole else state.channels // size if isinstance(state.channels, int) else None
    own = max(state.q - state.mu**2, 0.0)
    apart = min(state.ds / own, 1.0) if own > 0 else 0.0
    out = found._replace(
        ds=apart * max(found.q - found.mu**2, 0.0), axes=left_of(use, state.axes), places=state.places, law=None, map=None, channels=width,
        r=found.q if whole else found.mu**2,
    )  # fmt: skip

    def sent(grad: Grad) -> Sequence[Grad | None]:
        first = next(iter(back(grad._replace(gs=0.0, gx=0.0))))
        if first is None or grad.g <= 0.0:
            return [first]
        return [
            first._replace(gs=grad.gs * first.g / grad.g / size, gb=grad.gb * first.g / grad.g / size, gx=0.0, gr=0.0)
        ]

    return out, sent


def is_over_all(state: State, dim: Literal_) -> bool:
    """Whether a reduction is over the channels and all positions, and over nothing else."""
    axes, dims = state.axes, dim if isinstance(dim, tuple) else (dim,)
    if axes is None or state.scale or set(axes) != {"b", "c", "s"}:
        return False
    left = {d % len(axes) for d in dims if isinstance(d, int) and -len(axes) <= d < len(axes)}
    return left == {place for place, role in enumerate(axes) if role != "b"} and len(left) == len(dims)


def mean_square(state: State, width: float, places: float) -> float:
    """Returns the second moment of the mean over channels and positions."""
    own = (state.q / places + (1.0 - 1.0 / places) * max(state.q - state.ds, 0.0)) / width
    return own + (1.0 - 1.0 / width) * max(state.r, 0.0)


def mean_of_all(use: Use, state: State) -> Step:
    """One number for each sample: the mean over its channels and positions."""
    width = float(state.channels) if isinstance(state.channels, int) else math.inf
    places = state.places or math.inf
    q = mean_square(state, width, places)
    out = State(
        q, state.mu, min(state.db, q), 0.0, q, channels=1, axes=left_of(use, state.axes), places=1.0, parts=((use.index, 1.0),)
    )  # fmt: skip
    share = 1.0 / (width * places)
    return out, lambda grad: [grad.times(share * share)._replace(gs=grad.g * share * share, gr=grad.g * share * share)]


@maps("max", "min")
def maximum_of(use: Use) -> Step:
    if use.get("dim") is None:
        raise AbstainError("the largest entry")
    return extreme(use)


@maps("norm", "vector_norm")
def norm(use: Use) -> Step:
    """√(Σx²) over the channels, nearly √(n·q)."""
    state = use.state()
    if use.get("p") not in (None, 2, 2.0, "fro") or use.get("ord") not in (None, 2, 2.0) or state.scale:
        raise AbstainError("a norm other than the second")
    width = reduced_channels(use, state)
    if reduced(use, state) != "c" or width is None:
        raise AbstainError("width of the norm is not known")
    q = width * state.q
    noise = q / width / 2
    out = State(q, math.sqrt(max(q - noise, 0.0)), noise, noise, q - noise, channels=1, parts=((use.index, 1.0),))
    return out, lambda grad: [grad.times(1.0 / width)]


@maps("var", "std")
def spread_of_channels(use: Use) -> Step:
    """Variance over the channels, nearly q − r, or over positions, ds, and its root."""
    state = use.state()
    over = None if state.scale else reduced(use, state)
    if over == "s":
        return spread_of_positions(use, state)
    if over != "c":
        raise AbstainError("a spread over what is not known")
    width = float(state.channels) if isinstance(state.channels, int) else 1e3
    mean = max(state.q - state.r, 0.0)
    if use.node.op == "std":
        mean = math.sqrt(mean)
    noise = mean * mean * (2.0 if use.node.op == "var" else 0.5) / width
    out = State(mean * mean + noise, mean, noise, noise, mean * mean, (), 1, parts=((use.index, 1.0),))
    return out, lambda grad: [grad.times(1.0 / width**2)]


def spread_of_positions(use: Use, state: State) -> Step:
    """Each channel's own variance over T positions: nearly ds, which it misses by 2·ds²/T."""
    count = max(positions(use, state), 2.0)
    mean, noise = state.ds, 2.0 * state.ds**2 / count
    if use.node.op == "std":
        mean, noise = math.sqrt(max(state.ds, 0.0)), state.ds / (2.0 * count)
    out = State(
        mean * mean + noise, mean, noise, 0.0, mean * mean, channels=state.channels, axes=left_of(use, state.axes), places=1.0,
        parts=((use.index, 1.0),),
    )  # fmt: skip
    gain = (1.0 if use.node.op == "std" else 4.0 * state.ds) / count**2
    return out, lambda grad: [grad.times(gain)]


@maps("sqrt", "rsqrt", "reciprocal", "log", "log1p")
def of_a_number(use: Use) -> Step:
    """A curve that has no Gaussian moments, of a tensor that hardly varies (a norm, a variance): its value at the mean."""
    state = use.state()
    if state.scale or state.mu <= 0 or state.q - state.mu**2 > 0.1 * state.mu**2:
        raise AbstainError(f"{use.node.op} of a signal")
    value, slope = at_point(use.node.op, state.mu)
    gain = slope * slope
    own = (state.q - state.mu**2) * gain
    out = state._replace(
        q=value * value + own,
        mu=value,
        db=state.db * gain,
        ds=state.ds * gain,
        r=value * value,
        law=None,
        parts=((use.index, 1.0),),
    )
    return out, lambda grad: [grad.times(gain)]


@maps(
    "cross_entropy", "nll_loss", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss",
    "binary_cross_entropy", "kl_div", "multi_margin_loss", "soft_margin_loss", "multilabel_soft_margin_loss", "gaussian_nll_loss", "poisson_nll_loss",
)  # fmt: skip
def loss(use: Use) -> Step:
    """A loss sends a gradient that is random from sample to sample; its size only shifts the whole trace."""
    state = use.inputs[0] if use.inputs else None
    seed = head(state, squared="mse" in use.node.op or "l1" in use.node.op or "huber" in use.node.op)
    return None, lambda grad: [seed] + [ZERO] * (len(use.inputs) - 1)


def head(state: State | None, *, squared: bool = False) -> Grad:
    """Returns the gradient of an output, with g = 1, under a cross-entropy (2 to 1,000 classes) or a `squared` loss against random targets.

    Targets are independent between samples and positions; what outputs have in common, their errors have too:
        cross-entropy  E[δ²] = (E Σp² − 2/C + 1)/C,  E[δδ'] = (E Σp·p' − 1/C)/C        squared loss  E[δ²] = q + 1,  E[δδ'] = E[yy']
    """
    if state is None or state.scale:
        return Grad(1.0, 0.0, 0.0, 0.0, 0.0, (), 0.0, 1.0)
    classes = float(state.channels) if isinstance(state.channels, int) else 2.0
    rho = min(1.0 / max(classes - 1.0, 1.0), 1.0)
    apart = max(state.q - state.r, 0.0)
    together = [max(min(state.q - d, apart), 0.0) for d in (state.ds, state.db, max(state.ds, state.db))]
    if 2 <= classes <= 1000 and not squared:
        own = softness(apart, classes).own
        whole = own - 2.0 / classes + 1.0
        shares = [max(overlap(apart, common, classes) - 1.0 / classes, 0.0) / whole for common in together]
        # Stein's lemma: E[p x] = E[dp/dx] E[x²].
        along = max(1.0 - own, 0.0) / math.sqrt(classes * whole)
    else:
        shares = [common / (state.q + 1.0) for common in together]
        along = 1.0 / math.sqrt(state.q + 1.0)
    return Grad(1.0, shares[0], shares[1], shares[2], 0.0, (), 0.0, rho, along=along)


def narrowed(use: Use, state: State, width: float) -> tuple[State, Back]:
    q = state.q / width + (1.0 - 1.0 / width) * state.r
    out = state._replace(
        q=q, r=q, db=min(state.db, q), ds=min(state.ds, q), channels=1, law=None, parts=((use.index, 1.0),)
    )

    def back(grad: Grad) -> Sequence[Grad]:
        return [grad.times(1.0 / width**2)._replace(gr=grad.g / width**2)]

    return out, back


def reduced(use: Use, state: State) -> str | None:
    """Returns what a reduction sums over: `s`, `c`, `all`, or None where that cannot be told."""
    dim = use.get("dim")
    if dim is None or dim == ():
        return "all"
    dims = dim if isinstance(dim, tuple) else (dim,)
    if not all(isinstance(d, int) for d in dims):
        return None
    numbers = [d for d in dims if isinstance(d, int)]
    axes = state.axes
    if axes is not None and "*" not in axes:
        if not all(-len(axes) <= d < len(axes) for d in numbers):
            return None
        roles = {axes[d] for d in numbers}
        return roles.pop() if len(roles) == 1 and roles <= {"s", "c", "k"} else None
    if sorted(numbers) in ([2, 3], [-2, -1], [2, 3, 4], [-3, -2, -1]):
        return "s"
    if numbers == [-1]:
        last = axes[-1] if axes is not None else "c"
        return last if last in "cs" else None
    return "s" if numbers in ([1], [-2]) else None


def left_of(use: Use, axes: str | None) -> str | None:
    """Returns the roles of the dimensions that a reduction leaves."""
    dim = use.get("dim")
    if axes is None or "*" in axes or use.get("keepdim") is True:
        return axes
    dims = {d % len(axes) for d in (dim if isinstance(dim, tuple) else (dim,)) if isinstance(d, int)}
    return "".join(role for place, role in enumerate(axes) if place not in dims)


def positions(use: Use, state: State) -> float:
    count = size_ratio(use.shape(), use.node.shape)
    if count is not None:
        return count
    return state.places if state.places is not None and state.places > 1 else float(PLACES)
