"""Fourier transforms, complex numbers and running sums.

X_k = Σ_t x_t e^(−2πikt/n):   E|X|² = n·q (Parseval), a real x gets the real part of what comes back, half of a gradient that has no phase
irfft                         every bin but the first and the last stands for two
cumsum over n                 q = (n+1)/2 · apart + (n+1)(2n+1)/6 · common, the same way back

`q` of complex numbers is E|x|², their gradient's `g` E|∂L/∂x|².
"""

from __future__ import annotations

import math
from typing import NamedTuple

from vglint.analysis.maps import maps
from vglint.analysis.state import ZERO, AbstainError, Grad, State, Step
from vglint.analysis.use import Use
from vglint.graph import Graph
from vglint.ops import has, kind


class Turned(NamedTuple):
    """What a transform goes over: points of the signal, bins of its spectrum, and the axes' letters."""

    points: float
    bins: float
    letters: frozenset[str]


@maps("fft", "rfft")
def transform(use: Use) -> Step:
    state = use.state()
    real = not is_complex(use.graph, use.node.inputs[0])
    over = turned(use, state, 0)
    gain = power(use, over.points, inverse=False)
    share = over.bins / over.points
    back = gain * share / 2 if real else gain
    out = spread_over(use, state, gain, over, 1.0 / share)
    return out, lambda grad: [passed(grad, back)]


@maps("ifft")
def inverse(use: Use) -> Step:
    state = use.state()
    over = turned(use, state, 0)
    gain = power(use, over.points, inverse=True)
    return spread_over(use, state, gain, over, 1.0), lambda grad: [passed(grad, gain)]


@maps("irfft")
def to_real(use: Use) -> Step:
    state = use.state()
    over = turned(use, state, None)
    gain = power(use, over.points, inverse=True)
    doubled = (4.0 * over.bins - 6.0) / over.bins if over.bins > 2 else 1.0
    return spread_over(use, state, gain, over, 1.0), lambda grad: [passed(grad, gain * doubled)]


@maps("real", "imag")
def side(use: Use) -> Step:
    state = use.state()
    source = use.node.inputs[0]
    if use.node.op == "real" and not is_complex(use.graph, source):
        return state, lambda grad: [grad]
    if use.graph.nodes[source].op == "ifft" or not is_complex(use.graph, source):
        raise AbstainError("the phase of complex numbers is not known")
    return scaled(use, state, 0.5), lambda grad: [passed(grad, 1.0)]


@maps("view_as_complex")
def paired(use: Use) -> Step:
    return reshaped(use, use.state(), 2.0)


@maps("view_as_real")
def parted(use: Use) -> Step:
    return reshaped(use, use.state(), 0.5)


@maps("cumsum")
def running_sum(use: Use) -> Step:
    state = use.state()
    dim = use.get("dim")
    if not isinstance(dim, int):
        raise AbstainError("the dimension of a running sum is not known")
    letter, n = letter_of(use, state, dim), size_of(use, 0, dim)
    apart = state.ds if letter == "s" else state.q - state.r if letter == "c" else state.db
    one, two = (n + 1) / 2, (n + 1) * (2 * n + 1) / 6

    def total(apart: float, common: float) -> float:
        return one * max(apart, 0.0) + two * max(common, 0.0)

    q = total(apart, state.q - apart)
    common = n / 3 * max(apart, 0.0) + n * n / 4 * max(state.q - apart, 0.0)
    mu = state.mu * one
    out = State(
        q,
        mu,
        q - common if letter == "b" else total(min(state.db, apart), state.db - min(state.db, apart)),
        max(q - common, 0.0) if letter == "s" else q * state.ds / state.q if state.q else 0.0,
        common if letter == "c" else q * state.r / state.q if state.q else 0.0,
        state.scale,
        state.channels,
        state.axes,
        state.places,
        parts=((use.index, 1.0),),
    )

    def back(grad: Grad) -> list[Grad]:
        held = grad.gs if letter == "s" else grad.gr if letter == "c" else grad.gb
        g = total(grad.g - held, held)
        rest = n / 3 * max(grad.g - held, 0.0) + n * n / 4 * held
        return [Grad(g, rest if letter == "s" else 0.0, scale=grad.scale, lv=grad.lv, rho=grad.rho)]

    return out, back


def turned(use: Use, state: State, position: int | None) -> Turned:
    """Returns over what a transform goes: `position` of the input that holds the signal, None where the node does."""
    dims = use.get("dim")
    found = (dims,) if isinstance(dims, int) else dims
    if not isinstance(found, tuple) or not found or not all(isinstance(dim, int) for dim in found):
        raise AbstainError("the dimensions of a transform are not known")
    places = [dim for dim in found if isinstance(dim, int)]
    points = math.prod(size_of(use, position, dim) for dim in places)
    last = size_of(use, position, places[-1])
    bins = points / last * (last // 2 + 1) if has_half(use.node.op) else points
    return Turned(points, bins, frozenset(letter_of(use, state, dim) for dim in places))


def has_half(op: str) -> bool:
    """Whether a transform has only the bins of frequencies that are not negative."""
    return op == "rfft" or op == "irfft"


def size_of(use: Use, position: int | None, dim: int) -> float:
    shape = use.node.shape if position is None else use.shape(position)
    size = shape[dim] if shape is not None and -len(shape) <= dim < len(shape) else None
    return float(size) if isinstance(size, int) and size > 0 else use.length


def letter_of(use: Use, state: State, dim: int) -> str:
    """Returns what a dimension is, as `State.axes` has it."""
    axes, shape = state.axes, use.shape(0)
    if axes is None:
        raise AbstainError("what the dimensions are is not known")
    if axes.startswith("*"):
        place = dim if dim < 0 else dim - len(shape) if shape is not None else 0
        if place >= 0 or -place > len(axes) - 1:
            return "s"
        return axes[place]
    return axes[dim] if -len(axes) <= dim < len(axes) else "s"


def power(use: Use, points: float, *, inverse: bool) -> float:
    """Returns by how much a transform multiplies the second moment."""
    norm = use.get("norm")
    if norm == "ortho":
        return 1.0
    if norm not in (None, "backward", "forward"):
        raise AbstainError("the norm of a transform is not known")
    return 1.0 / points if inverse == (norm != "forward") else points


def spread_over(use: Use, state: State, gain: float, over: Turned, constant: float) -> State:
    """Returns the signal with `gain` times its second moment, independent along what was transformed; what was common there lies in one bin."""
    if state.scale:
        raise AbstainError("a width is not known")
    common = state.q - state.ds if "s" in over.letters else state.r if "c" in over.letters else 0.0
    q = gain * (state.q + (constant - 1.0) * max(common, 0.0))
    shape, axes = use.node.shape, state.axes
    channels = shape[axes.index("c")] if shape and axes and "c" in axes and len(axes) == len(shape) else state.channels
    return State(
        q,
        0.0,
        min(gain * state.db * (q / (gain * state.q) if state.q else 1.0), q),
        q if "s" in over.letters else min(gain * state.ds, q),
        0.0 if "c" in over.letters else gain * state.r,
        (),
        channels,
        axes,
        use.places(axes) or state.places,
        parts=((use.index, 1.0),),
    )


def passed(grad: Grad, gain: float) -> Grad:
    return Grad(grad.g * gain, scale=grad.scale, lv=grad.lv, rho=grad.rho, gr=0.0)


def scaled(use: Use, state: State, gain: float) -> State:
    return state._replace(
        q=state.q * gain, mu=0.0, db=state.db * gain, ds=state.ds * gain, r=state.r * gain, law=None,
        parts=((use.index, 1.0),), pieces=(),
    )  # fmt: skip


def reshaped(use: Use, state: State, gain: float) -> Step:
    """Joins the last dimension to complex numbers, or parts them again."""
    spread = state.spread.scaled(gain**0.5) if state.spread is not None and state.spread.form == "iid" else None
    if state.spread is not None and (spread is None or spread.mean != 0.0):
        raise AbstainError("weights with a mean")
    out = scaled(use, state, gain)._replace(spread=spread, axes=None, channels=None)
    return out, lambda grad: [grad.times(1.0 / gain) if spread is None else ZERO]


_DEPTH = 40
"""Nodes that are asked one after the other whether they are complex."""


def is_complex(graph: Graph, index: int, depth: int = _DEPTH) -> bool:
    """Whether a node's output is known to be complex numbers."""
    node = graph.nodes[index]
    if has(node.op, "makes_complex"):
        return True
    if has(node.op, "makes_real") or depth == 0 or node.params or kind(node.op) in ("create", "input", "weight"):
        return False
    return any(is_complex(graph, source, depth - 1) for source in node.inputs)
