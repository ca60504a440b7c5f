"""Pooling, upsampling, dropout: what moves or drops positions and entries.

average of K positions   q' = q − ds(1 − 1/K), ds' = ds/K        g ← g·windows/(positions·K)
maximum of K             the largest of K correlated Gaussians   g ← g·windows/positions
dropout                  q/(1 − p), covariances kept             g ← g/(1 − p)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from vglint.analysis.maps import maps
from vglint.analysis.maps.activation import evaluated
from vglint.analysis.maps.neighbours import after_windows, in_common
from vglint.analysis.maps.resolution import of_other, reads_weights
from vglint.analysis.maps.weight import each, sizes
from vglint.analysis.state import PLACES, ZERO, AbstainError, Back, Grad, Profile, State, Step, law_of
from vglint.analysis.use import Use
from vglint.shape import Dim


@maps("max_pool1d", "max_pool2d", "max_pool3d")
def max_pool(use: Use) -> Step:
    rank = int(use.node.op[-2])
    window, ratio = windows(use, rank)
    return maximum(use, window, ratio)


@maps("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_max_pool(use: Use) -> Step:
    window, ratio = adaptive(use)
    return maximum(use, window, ratio)


@maps("avg_pool1d", "avg_pool2d", "avg_pool3d")
def average_pool(use: Use) -> Step:
    rank = int(use.node.op[-2])
    window, ratio = windows(use, rank)
    return average(use, window, ratio)


@maps("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def adaptive_average_pool(use: Use) -> Step:
    window, ratio = adaptive(use)
    return average(use, window, ratio) if ratio <= 1.0 else repeated(use, ratio, None)


@maps("interpolate", "upsample")
def upsample(use: Use) -> Step:
    """Each value is repeated; linear interpolation is taken as repetition."""
    state = use.state()
    factor = 1.0
    rank = len(use.node.shape) - 2 if use.node.shape is not None else 2
    before, after = sizes(use.shape(0), rank), sizes(use.node.shape, rank)
    scale = use.get("scale_factor")
    scales = scale if isinstance(scale, tuple) else (scale,) * rank
    for axis in range(rank):
        old, new, by = before[axis], after[axis], scales[axis] if axis < len(scales) else None
        if old and new:
            factor *= new / old
        elif isinstance(by, (int, float)):
            factor *= float(by)
        elif (found := of_other(use, axis - rank)) is not None:
            factor *= found
        else:
            raise AbstainError("factor of the upsampling is not known")
    return repeated(use, factor, fine_up(state.map, use))


def repeated(use: Use, factor: float, grown: Profile | None) -> Step:
    """Returns the map of a tensor each of whose values stands `factor` times in the result; `grown` is how the result varies over positions."""
    state = use.state()
    places = state.places * factor if state.places is not None else None
    out = state._replace(places=places, parts=((use.index, 1.0),), law=None, fresh=0.0, map=grown)

    def back(grad: Grad) -> Sequence[Grad]:
        if factor <= 1:
            return [grad.times(factor)._replace(map=None)]
        spread = factor * grad.g + factor * (factor - 1) * grad.gs
        other = factor * grad.gb + factor * (factor - 1) * grad.gx
        return [
            grad._replace(
                g=spread,
                gb=other,
                gs=grad.gs * factor**2,
                gx=grad.gx * factor**2,
                gr=grad.gr * factor,
                map=coarse_down(grad.map, use),
            ).pulled(state, grad.along * factor, 1.0 - 1.0 / factor)
        ]

    return out, back


@maps("unfold", "tensor_unfold")
def windows_of(use: Use) -> Step:
    """All windows beside each other: an entry has as many copies as windows that it lies in, and their gradients add up."""
    state = use.state()
    channels: Dim
    axes: str | None
    alike = 1.0
    if use.node.op == "unfold":
        kernel, stride = each(use.get("kernel_size"), 2, None), each(use.get("stride"), 2, 1)
        if any(size is None for size in kernel):
            raise AbstainError("the window is not known")
        taps = math.prod(size or 1 for size in kernel)
        copies = taps / math.prod(step or 1 for step in stride)
        # Two positions lie at the same places of windows where they are a multiple of the stride apart; elsewhere they become other channels.
        alike = copies / math.prod(step or 1 for step in stride)
        channels = state.channels * taps if isinstance(state.channels, int) else None
        axes = "bcs"
    else:
        size, step = use.get("size"), use.get("step")
        if not isinstance(size, int) or not isinstance(step, int) or step < 1:
            raise AbstainError("the window is not known")
        copies, channels = size / step, state.channels
        axes = state.axes + "s" if state.axes is not None and "*" not in state.axes else None
    places = state.places / copies if state.places is not None else None
    out = state._replace(law=None, parts=((use.index, 1.0),), axes=axes, channels=channels, places=places, map=None)
    between = max(copies - alike, 0.0)
    return out, lambda grad: [
        grad._replace(
            g=copies * grad.g + copies * max(copies - 1.0, 0.0) * max(grad.gr, 0.0),
            gs=alike * grad.gs + between * max(grad.gr, 0.0),
            gx=alike * grad.gx,
            map=None,
        )
    ]


@maps("pixel_shuffle")
def pixel_shuffle(use: Use) -> Step:
    state = use.state()
    return state._replace(
        law=None, parts=((use.index, 1.0),), channels=None, places=None, ds=max(state.ds, state.q - state.r)
    ), lambda grad: [grad]


@maps("pixel_unshuffle")
def pixel_unshuffle(use: Use) -> Step:
    """Blocks of positions become channels."""
    state, factor = use.state(), use.get("downscale_factor")
    known = isinstance(state.channels, int) and isinstance(factor, int)
    channels = state.channels * factor**2 if isinstance(state.channels, int) and isinstance(factor, int) else None
    places = state.places / factor**2 if state.places is not None and known and isinstance(factor, int) else None
    return state._replace(law=None, parts=((use.index, 1.0),), channels=channels, places=places, map=None), in_windows(
        1.0 / factor**2 if isinstance(factor, int) and factor > 0 else 1.0
    )


def in_windows(share: float) -> Back:
    """Returns how a gradient goes back where positions became channels: a `share` of all pairs of positions lies at the same place of two windows."""
    return lambda grad: [
        grad._replace(gs=share * grad.gs + (1.0 - share) * max(grad.gr, 0.0), gx=share * grad.gx, map=None)
    ]


@maps("grid_sample")
def grid_sample(use: Use) -> Step:
    """Weighs four neighbours (eight in a volume) of each place, whose squared weights add up to 4/9 in the mean: each axis has 2/3."""
    state = use.state()
    if len(use.node.inputs) > 1 and reads_weights(use.graph, use.node.inputs[1]):
        raise AbstainError("the grid is computed from weights, and its gradient goes with the size")
    rank = len(use.node.shape) - 2 if use.node.shape is not None else 2
    own = (2 / 3) ** rank if use.get("mode") != "nearest" else 1.0
    out = state._replace(
        q=state.q - state.ds + own * state.ds, ds=own * state.ds, law=None, parts=((use.index, 1.0),), map=None
    )
    return out, lambda grad: [
        grad._replace(g=own * grad.g + (1.0 - own) * max(grad.gs, 0.0), map=None),
        *[ZERO] * (len(use.node.inputs) - 1),
    ]


@maps("dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout")
def dropout(use: Use) -> Step:
    state = use.state()
    given = use.get("p")
    # A rate that is not known is taken to be the usual one: it moves the second moments by a few per cent.
    p = float(given) if isinstance(given, (int, float)) else 0.5 if given is None else 0.1
    off = use.get("training") is False or use.get("train") is False
    if off or p <= 0 or p >= 1:
        return state, lambda grad: [grad]
    keep = 1.0 / (1.0 - p)
    extra = state.q * (keep - 1.0)
    together = use.node.op != "dropout"
    ds = state.ds * keep if together else state.ds + extra
    parts = ((use.index, 1.0),)
    out = state._replace(q=state.q * keep, db=state.db + extra, ds=ds, law=None, parts=parts, spread=None)
    return out, lambda grad: [grad._replace(g=grad.g * keep, gs=grad.gs * keep if together else grad.gs)]


@maps("alpha_dropout", "feature_alpha_dropout")
def alpha_dropout(use: Use) -> Step:
    """Dropped units take SELU's floor α' = −λα, then an affine map restores mean 0 and variance 1."""
    state = use.state()
    p = use.number("p", 0.5)
    if p <= 0 or p >= 1 or use.get("training") is False:
        return state, lambda grad: [grad]
    floor = -1.7580993408473766
    scale = 1.0 / ((1.0 - p) * (1.0 + p * floor * floor))
    shift = -math.sqrt(scale) * p * floor
    keep = 1.0 - p
    mean = math.sqrt(scale) * (keep * state.mu + p * floor) + shift
    q = scale * (keep * state.q + p * floor * floor) + shift * (2 * mean - shift)
    db = q - mean * mean - scale * keep * keep * max(state.q - state.mu**2 - state.db, 0.0)
    out = state._replace(q=q, mu=mean, db=db, ds=db, r=mean * mean, law=None, parts=((use.index, 1.0),))
    return out, lambda grad: [
        grad._replace(g=grad.g * scale * keep, gs=grad.gs * scale * keep**2, gb=grad.gb * scale * keep**2)
    ]


def coarse(profile: Profile | None, use: Use) -> Profile | None:
    """Returns a map's profile after pooling by whole windows."""
    if profile is None:
        return None
    after = sizes(use.node.shape, len(profile))
    found = []
    for axis, new in zip(profile, after, strict=True):
        if not new or len(axis) % new:
            return None
        step = len(axis) // new
        found.append(tuple(sum(axis[i * step : (i + 1) * step]) / step for i in range(new)))
    return tuple(found)


def fine(profile: Profile | None, use: Use) -> Profile | None:
    """Returns a gradient's profile before pooling by whole windows."""
    if profile is None:
        return None
    before = sizes(use.shape(0), len(profile))
    found = []
    for axis, old in zip(profile, before, strict=True):
        if not old or old % len(axis):
            return None
        step = old // len(axis)
        found.append(tuple(value for value in axis for _ in range(step)))
    return tuple(found)


def fine_up(profile: Profile | None, use: Use) -> Profile | None:
    return _resized(profile, sizes(use.node.shape, len(profile))) if profile is not None else None


def coarse_down(profile: Profile | None, use: Use) -> Profile | None:
    return _resized(profile, sizes(use.shape(0), len(profile))) if profile is not None else None


_FINEST = 4096
"""Positions along an axis: sixteen turns of a loop that doubles a map make a hundred thousand."""


def _resized(profile: Profile, after: list[int | None]) -> Profile | None:
    """Returns the profile at the nearest positions of another size; None where those are more than a profile is kept for."""
    found = []
    for axis, new in zip(profile, after, strict=True):
        if not new or new > _FINEST:
            return None
        found.append(tuple(axis[min(i * len(axis) // new, len(axis) - 1)] for i in range(new)))
    return tuple(found)


def windows(use: Use, rank: int) -> tuple[float, float]:
    """Returns entries per window and output positions per input position."""
    kernel = each(use.get("kernel_size"), rank, None)
    stride = each(use.get("stride"), rank, None) if use.get("stride") not in (None, ()) else kernel
    before, after = sizes(use.shape(0), rank), sizes(use.node.shape, rank)
    window = ratio = 1.0
    for axis in range(rank):
        size, step = kernel[axis], stride[axis]
        if size is None:
            given = use.get("kernel_size")
            if given is None or stride[axis] is not None:
                raise AbstainError("the window is not known")
            # A size of the map itself: a mean over all of it.
            size = round((state.places or PLACES) ** (1.0 / rank)) if (state := use.inputs[0]) is not None else 1
            window, ratio = window * size, ratio / size
            continue
        window *= size
        old, new = before[axis], after[axis]
        ratio *= new / old if old and new else 1.0 / (step or size)
    return window, ratio


def adaptive(use: Use) -> tuple[float, float]:
    state = use.state()
    rank = int(use.node.op[-2])
    wanted = each(use.get("output_size"), rank, None)
    given = use.get("output_size")
    kept = [
        given is None or (isinstance(given, tuple) and axis < len(given) and given[axis] is None)
        for axis in range(rank)
    ]
    if any(size is None and not keeps for size, keeps in zip(wanted, kept, strict=True)):
        raise AbstainError("output size of the pooling is not known")
    if any(kept):  # the axes that None names stay as they are
        window = 1.0
        for size, old in zip(wanted, sizes(use.shape(0), rank), strict=True):
            window *= max((old or math.sqrt(PLACES)) / size, 1.0) if size is not None else 1.0
        return window, 1.0 / window
    out = math.prod(size or 1 for size in wanted)
    before = state.places or float(max(PLACES, out))
    window = max(before / out, 1.0)
    return window, out / before


def rank_of(state: State) -> float:
    """Returns how many dimensions positions have, two where that is not known."""
    return float(max(state.axes.count("s"), 1)) if state.axes is not None else 2.0


def average(use: Use, window: float, ratio: float) -> Step:
    state = use.state()
    if window <= 1:
        return state._replace(places=state.places), lambda grad: [grad]
    rank = rank_of(state)
    size = window ** (1.0 / rank)
    kept = min(in_common(size, 0.0, state.near) ** rank, 1.0)
    lost = state.ds * (1.0 - kept)
    # What differs between samples is partly what differs between positions; the mean over the window keeps the rest.
    between = max(state.db - lost, state.db * kept) if state.db >= state.ds * (1 - 1e-6) else state.db * kept
    q = max(state.q - lost, 0.0)
    out = state._replace(
        q=q,
        db=min(between, q),
        ds=state.ds * kept,
        places=state.places * ratio if state.places is not None else (1.0 if ratio * PLACES <= 1.0 else None),
        law=None,
        parts=((use.index, 1.0),),
        fresh=0.0,
        map=coarse(state.map, use),
        near=after_windows(state, window, ratio, rank),
    )
    gain = ratio / window

    def back(grad: Grad) -> Sequence[Grad]:
        near = ratio * ratio
        inside = max(1.0 / max((state.places or PLACES), 1.0), 0.0) * window
        gs = grad.gs * near + (grad.g - grad.gs) * near * min(inside, 1.0)
        gx = grad.gx * near + (grad.gb - grad.gx) * near * min(inside, 1.0)
        along = grad.along * gain * (window * q / state.q if state.q > 0 else 0.0)
        gs, gx = min(gs, grad.g * gain), min(gx, max(grad.gb, grad.gx) * gain)
        inner = grad._replace(g=grad.g * gain, gs=gs, gb=grad.gb * gain, gx=gx, gr=grad.gr * gain)
        return [inner._replace(map=fine(grad.map, use), along=along)]

    return out, back


def maximum(use: Use, window: float, ratio: float) -> Step:
    state = use.state()
    law = law_of(state, use.node.inputs[0])
    if window <= 1:
        return state, lambda grad: [grad.times(ratio)]
    if not law.curve.monotone:
        # The largest of a curve that folds is taken to be the largest of Gaussians with its moments.
        law = law_of(state._replace(law=None), use.node.inputs[0])
    wider = law._replace(among=law.among * window)
    found, after = evaluated(state, wider, law.curve, use.index)
    out = found._replace(
        law=after, places=state.places * ratio if state.places is not None else None, map=coarse(state.map, use),
        near=after_windows(state, window, ratio, rank_of(state)),
    )  # fmt: skip
    part = after.slope2 / law.slope2 if law.slope2 > 0 else 1.0

    def back(grad: Grad) -> Sequence[Grad]:
        # Which entry wins hardly agrees between samples: covariances shrink by 1/window more.
        pair = ratio / window
        # An entry that is the largest in two windows which overlap gets the gradients of both.
        windows = window * ratio
        twice = (windows - 1.0) / (window * (1.0 + 1.0 / windows)) if windows > 1.0 else 0.0
        return [
            grad._replace(
                g=(grad.g * ratio + windows * twice * max(grad.gs, 0.0)) * part,
                gs=grad.gs * ratio * ratio,
                gb=grad.gb * pair,
                gx=grad.gx * pair * ratio,
                gr=grad.gr * pair,
                map=fine(grad.map, use),
                along=grad.along * ratio * (out.q / state.q if state.q > 0 else 0.0),
            )
        ]

    return out, back


def flattened(state: State, channels: float | None) -> State:
    """Returns the state once positions have become channels."""
    places = state.places
    if places is None or not isinstance(state.channels, int):
        return state._replace(law=state.law, map=None)
    pairs = (places - 1) * (state.q - state.ds) + (state.channels - 1) * places * state.r
    count = places * state.channels - 1
    return state._replace(r=pairs / count if count > 0 else 0.0, map=None)
