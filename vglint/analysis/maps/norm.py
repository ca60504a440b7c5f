"""Normalisations: divide by the spread over a set, then scale and shift.

    q' = s²/(s² + eps),   g ← (g − ḡ)(1 − 1/count)·γ²/(s² + eps)·c      ḡ the second moment of the set's mean gradient

What differs is s²: over batch and positions (BatchNorm: what all samples share does not count, Yang et al. 2019), over channels (LayerNorm),
over channels of a group and positions (GroupNorm), over positions (InstanceNorm). c = E[1/χ²] for a set of few independent entries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from vglint.analysis.maps import maps
from vglint.analysis.maps.weight import swapped, turned_grad
from vglint.analysis.state import AbstainError, Grad, State, Step, merged
from vglint.analysis.use import Use
from vglint.ops import has
from vglint.ops.init import Spread
from vglint.value import Unknown

_EPS = 1e-5


@maps("batch_norm")
def batch_norm(use: Use) -> Step:
    state = use.state()
    training = use.get("training")
    if training is False:
        return evaluation(use, state)
    samples, places = float(use.batch), state.places
    if samples * (places or math.inf) <= 1:
        raise AbstainError("BatchNorm over one value")
    count = math.inf if places is None else samples * places

    def variance_of(db: float, ds: float) -> float:
        # Pairs of another sample at another position differ at least by what either pair differs.
        apart = max(db, ds)
        if places is None:
            return ((samples - 1) * apart + ds) / samples
        return ((places - 1) * ds + (samples - 1) * (db + (places - 1) * apart)) / (samples * places)

    def mean_gradient(grad: Grad) -> float:
        if places is None:
            return (grad.gs + (samples - 1) * grad.gx) / samples
        pairs = grad.g + (places - 1) * grad.gs + (samples - 1) * (grad.gb + (places - 1) * grad.gx)
        return pairs / (samples * places)

    noise = inverse_mean(samples * (places or 16.0) - 1.0)
    parts = state.parts_of()
    if len(parts) == 1:
        uneven = inverse_mean(_TEMPLATES, template_share(state))
        return normalised(use, state, variance_of(state.db, state.ds), count, noise, mean_gradient, uneven=uneven)
    # Every channel is divided by its own spread: on the way back the mean of the inverse counts.
    eps = epsilon(use, _EPS)
    inverse = [1.0 / (variance_of(part.db, part.ds) + eps) for part in parts]
    mean = sum(part.share * one for part, one in zip(parts, inverse, strict=True))
    db, ds = (
        sum(part.share * float(getattr(part, name)) * one for part, one in zip(parts, inverse, strict=True)) / mean
        for name in ("db", "ds")
    )
    alike = state._replace(db=db, ds=ds)
    found, back = normalised(use, alike, max(1.0 / mean - eps, 0.0), count, noise, mean_gradient)
    assert back is not None
    factors = tuple(one / mean for one in inverse)
    return (
        found,
        lambda grad: (
            [one._replace(pieces=factors) for one in back(grad)[:1] if one is not None]
            + [Grad(0.0)] * (len(use.inputs) - 1)
        ),
    )


_TEMPLATES = 4.0
"""Independent Gaussians, about, whose squares make the part of a channel's variance that all samples share."""


def template_share(state: State) -> float:
    """Returns the share of a channel's variance over positions that all samples have alike, such as edges that see fewer taps of a common mean.

    It differs from channel to channel, while what differs between samples hardly does.
    """
    if state.places is None or state.places <= 1.0 or state.ds <= 0.0:
        return 0.0
    return max(1.0 - state.db / state.ds, 0.0) * (state.places - 1.0) / state.places


@maps("layer_norm")
def layer_norm(use: Use) -> Step:
    state = use.state()
    shape = use.get("normalized_shape")
    over_places = isinstance(shape, tuple) and len(shape) > 1
    width = float(state.channels) if isinstance(state.channels, int) else math.inf
    if isinstance(shape, (int, tuple)) and not over_places:
        size = shape[-1] if isinstance(shape, tuple) and shape else shape
        width = float(size) if isinstance(size, int) else width
    if state.axes is not None and state.axes.endswith("s") and not over_places:
        if "c" not in state.axes or state.scale:
            raise AbstainError("LayerNorm over positions")
        return over_the_last(use, state)
    apart = state.q - state.r
    if over_places:
        apart = min(apart, max(state.q - state.mu**2, 0.0))
    variance = apart * ((width - 1) / width if math.isfinite(width) else 1.0)

    def mean_gradient(grad: Grad) -> float:
        return (grad.g + (width - 1) * grad.gr) / width if math.isfinite(width) else grad.gr

    return normalised(use, state, variance, width, inverse_mean(width - 1.0), mean_gradient)


def over_the_last(use: Use, state: State) -> Step:
    """LayerNorm over a last dimension that a convolution before it took for positions: a mixer's tokens."""
    use.inputs[0] = swapped(state)
    found, back = layer_norm(use)
    if found is None or back is None:
        raise AbstainError("LayerNorm over positions")
    out, inner = swapped(found), back

    def turned(grad: Grad) -> Sequence[Grad | None]:
        return [turned_grad(one) if one is not None else None for one in inner(turned_grad(grad))]

    return out._replace(axes=state.axes, parts=((use.index, 1.0),)), turned


@maps("rms_norm")
def rms_norm(use: Use) -> Step:
    state = use.state()
    width = float(state.channels) if isinstance(state.channels, int) else math.inf
    return normalised(use, state, state.q, width, inverse_mean(width), lambda grad: 0.0, centred=False)


@maps("group_norm")
def group_norm(use: Use) -> Step:
    state = use.state()
    groups = use.number("num_groups", 1.0)
    channels = use.get("num_channels") or state.channels
    width = float(channels) / groups if isinstance(channels, int) else math.inf
    over = over_channels_and_places(state, width, state.places or math.inf)
    # The size that is divided out lies in as few dimensions: a gradient that all positions share loses as much to it as to the mean.
    return normalised(
        use, state, over.variance, over.entries, over.noise, over.mean_gradient,
        radial=lambda grad: over.share * over.mean_gradient(grad),
    )  # fmt: skip


class Over(NamedTuple):
    """What a norm over several channels and positions divides by: `share` of the variance is what all positions have in common."""

    variance: float
    entries: float
    noise: float
    share: float
    mean_gradient: Callable[[Grad], float]


def over_channels_and_places(state: State, width: float, places: float) -> Over:
    """Returns the moments of a norm over `width` channels and `places` positions, either of which may be infinite."""
    apart = max(state.q - state.r, 0.0)
    if math.isfinite(places) and math.isfinite(width):
        variance = ((places - 1) * min(state.ds, apart) + (width - 1) * places * apart) / (places * width)
    elif math.isfinite(width):
        variance = (min(state.ds, apart) + (width - 1) * apart) / width
    else:
        variance = apart

    def mean_gradient(grad: Grad) -> float:
        if not math.isfinite(width):
            return grad.gr
        return grad.gs / width if not math.isfinite(places) else (grad.g + (places - 1) * grad.gs) / (width * places)

    within = min(state.ds, apart)
    between = apart - within
    # What all positions share is as many independent entries as there are channels, the rest hardly varies.
    part = (width - 1.0) / width if math.isfinite(width) else 1.0
    share = min(between * part / variance, 1.0) if variance > 0 else 0.0
    return Over(variance, width * places, inverse_mean(width - 1.0, share), share, mean_gradient)


@maps("instance_norm")
def instance_norm(use: Use) -> Step:
    state = use.state()
    places = state.places or math.inf
    if places <= 1:
        raise AbstainError("InstanceNorm over one value")
    part = (places - 1) / places if math.isfinite(places) else 1.0

    def mean_gradient(grad: Grad) -> float:
        return (grad.g + (places - 1) * grad.gs) / places if math.isfinite(places) else grad.gs

    return normalised(use, state, state.ds * part, places, inverse_mean(places - 1.0), mean_gradient)


@maps("normalize")
def normalize(use: Use) -> Step:
    """x / ‖x‖ over the channels; of a weight, over all entries along a dimension."""
    state = use.state()
    if state.spread is not None:
        return normalised_weight(use, state)
    width = _width_over(use, state)
    if use.number("p", 2.0) != 2.0 or width is None:
        raise AbstainError("width of the norm is not known")
    inner, back = normalised(use, state, state.q, float(width), 1.0, lambda grad: 0.0, centred=False, own=False)
    assert inner is not None and back is not None
    share, whole = 1.0 / width, back
    return shrunk(inner, share), lambda grad: [one.times(share) for one in whole(grad) if one is not None]


def _width_over(use: Use, state: State) -> int | None:
    """Returns the size of the dimension that a vector norm is taken over: that of a head where there are several."""
    shape, dim = use.shape(), use.get("dim")
    dim = 1 if dim is None else dim
    size = shape[dim] if shape is not None and isinstance(dim, int) and -len(shape) <= dim < len(shape) else None
    return size if isinstance(size, int) else state.channels if isinstance(state.channels, int) else None


def normalised_weight(use: Use, state: State) -> Step:
    shape, dim = use.shape(), use.get("dim")
    dim = 1 if dim is None else dim
    size = shape[dim] if shape is not None and isinstance(dim, int) and -len(shape) <= dim < len(shape) else None
    if use.number("p", 2.0) != 2.0 or not isinstance(size, int) or not size:
        raise AbstainError("width of the norm is not known")
    variance = 1.0 / size
    out = state._replace(
        q=variance, mu=0.0, ds=variance if state.ds else 0.0, r=0.0, spread=Spread(0.0, variance), law=None
    )
    return out, lambda grad: [grad.times(variance / state.q if state.q > 0 else 0.0)]


@maps("local_response_norm")
def local_response_norm(use: Use) -> Step:
    """Divides by (k + alpha·mean square)^beta, nearly a constant."""
    state = use.state()
    if state.scale:
        raise AbstainError("a width is not known")
    divisor = use.number("k", 1.0) + use.number("alpha", 1e-4) * state.q
    factor = divisor ** (-2 * use.number("beta", 0.75))
    return shrunk(state, factor)._replace(law=None), lambda grad: [grad.times(factor)]


def evaluation(use: Use, state: State) -> Step:
    """With running statistics 0 and 1 nothing happens."""
    return state, lambda grad: [grad] + [Grad(0.0)] * (len(use.inputs) - 1)


def normalised(
    use: Use,
    state: State,
    variance: float,
    count: float,
    inverse_noise: float,
    mean_gradient: Callable[[Grad], float],
    *,
    centred: bool = True,
    own: bool = True,
    radial: Callable[[Grad], float] = lambda grad: 0.0,
    uneven: float = 1.0,
    affine: tuple[Spread, Spread] | None = None,
    eps: float | None = None,
) -> Step:
    """Returns the map of x → γ·(x − mean)/√(variance + eps) + β; `radial` is what a gradient loses to the norm beyond 1/count of it,
    `uneven` = E[1/variance]·E[variance] over the channels."""
    if affine is None:
        plain = Spread(1.0, 0.0), Spread(0.0, 0.0)
        affine = (affine_of(use, "weight", 1.0), affine_of(use, "bias", 0.0)) if own else plain
    gamma, beta = affine
    gain = gamma.mean**2 + (gamma.variance() or 0.0)
    eps = epsilon(use, 0.0 if state.scale else _EPS if own else 1e-24) if eps is None else eps
    whole = variance + eps
    if whole <= 0.0:
        raise AbstainError("a signal of zero is normalised")
    inverse = 1.0 / whole
    shift = beta.mean**2 + (beta.variance() or 0.0)
    kept = variance if centred else state.q
    q = gain * kept * inverse
    mu = beta.mean if centred else gamma.mean * state.mu * math.sqrt(inverse) + beta.mean
    out = state._replace(
        q=q + shift,
        mu=mu,
        db=min(gain * state.db * inverse * uneven, q),
        ds=min(gain * state.ds * inverse, q),
        r=mu * mu,
        scale=(),
        law=None,
        parts=((use.index, 1.0),),
        fresh=0.0,
        scores=None,
        spread=None,
        map=state.map if has(use.node.op, "each_channel") or use.node.op == "group_norm" else None,
    )
    noise = 1.0 + state.fresh * (inverse_noise - 1.0)
    # A norm that is written out ends in a quotient or a product.
    together = has(use.node.op, "over_features") or has(use.node.op, "scales")
    ratio = gain * inverse * noise * uneven

    def back(grad: Grad) -> Sequence[Grad]:
        # What pulls on the size of the normalised signal is taken away with the mean.
        mean = min(max(mean_gradient(grad), 0.0) + max(radial(grad), 0.0) + grad.along**2 * q, grad.g)
        own_share = (1.0 - 1.0 / count) if count > 1 else 1.0
        inner = Grad(
            (grad.g - mean) * own_share * ratio,
            (grad.gs - mean) * ratio,
            (grad.gb - mean) * ratio if use.node.op == "batch_norm" else grad.gb * ratio,
            (grad.gx - mean) * ratio if use.node.op == "batch_norm" else grad.gx * ratio,
            0.0 if together else grad.gr * ratio,
            merged(grad.scale, state.scale, -1),
            grad.lv,
            grad.rho,
            grad.map,
        )
        if together:
            inner = inner._replace(gs=grad.gs * ratio)
        return [inner] + [Grad(0.0)] * (len(use.inputs) - 1)

    return out, back


@lru_cache(maxsize=4096)
def inverse_mean(freedom: float, share: float = 1.0) -> float:
    """Returns E[1/s²] / (1/E[s²]) where `share` of s² is χ² with that many degrees of freedom and the rest is fixed.

    For few degrees the mean diverges while the gradient's part along the signal is removed: what is below 0.05 of the mean is not counted.
    """
    if share <= 0.0 or freedom > 1e4:
        return 1.0
    if freedom > 30 and share > 0.9:
        return 1.0 + 2.0 / (freedom - 2.0)
    freedom = max(freedom, 1.0)
    total = 0.0
    for z, weight in _NORMAL:
        # Wilson and Hilferty's cube root.
        cube = max(1.0 - 2.0 / (9.0 * freedom) + z * math.sqrt(2.0 / (9.0 * freedom)), 0.0) ** 3
        total += weight / max(1.0 - share + share * cube, 0.05)
    return total


_NORMAL = tuple(
    (-3.5 + 0.25 * i, 0.25 * math.exp(-0.5 * (-3.5 + 0.25 * i) ** 2) / math.sqrt(2 * math.pi)) for i in range(29)
)


def epsilon(use: Use, default: float) -> float:
    if default == 0.0:
        return 0.0
    value = use.get("eps")
    if isinstance(value, (int, float)):
        return float(value)
    return 1.2e-7 if use.node.op == "rms_norm" and value is None else default


def affine_of(use: Use, name: str, default: float) -> Spread:
    """Returns the distribution of gamma or beta; one given as an input is found by its place among the inputs."""
    parameter = use.parameter(name)
    if parameter is not None:
        return use.spread_of(parameter, parameter.shape)
    if isinstance(use.get(name), Unknown):
        raise AbstainError(f"{name} is not known")
    if use.node.type is None and len(use.inputs) > 1:
        names = (
            ["running_mean", "running_var", "weight", "bias"]
            if has(use.node.op, "each_channel")
            else ["weight", "bias"]
        )
        config = {key for key, _ in use.node.config}
        names = [one for one in names if one not in config]
        place = names.index(name) + 1 if name in names else 0
        if 0 < place < len(use.inputs):
            given = use.inputs[place]
            if given is None or given.spread is None:
                raise AbstainError(f"{name} is not known")
            return given.spread
    return Spread(default, 0.0)


def shrunk(state: State, factor: float) -> State:
    """Returns the state of a tensor times √factor."""
    return state._replace(
        q=state.q * factor,
        mu=state.mu * math.sqrt(factor),
        db=state.db * factor,
        ds=state.ds * factor,
        r=state.r * factor,
    )
