"""Recurrent cells: their stationary signal, and how much of the gradient one step back keeps.

With weights tied over time two paths that use W equally often interfere, so that the second moment after T steps is not (f² + s²)^T but
    M_T = (1/2π) ∫ (E[f²] + s² + 2 E[f]·s̄·cos θ)^T dθ,
f what the state keeps by itself (forget gate, update gate), s what goes through the recurrent weights (Chen et al. 2018 have the gates'
mean field). Biases persist over time: M_T is averaged over their distribution, not multiplied.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from vglint.graph import Graph, Init, Node, Parameter
from vglint.ops import has, kind
from vglint.ops.curves import Curve, curve, rays
from vglint.ops.init import Spread, default_bias, quotient_of, spread
from vglint.ops.quadrature import Moments, gaussian_moments
from vglint.shape import Shape
from vglint.signal import Trace
from vglint.value import Expr, divided


class Retention(NamedTuple):
    """What one step keeps, for one value of the biases: E[f], E[f²], s², s̄."""

    mean: float
    square: float
    through: float
    straight: float


class Cell(NamedTuple):
    """A cell at its fixed point: `square` = E[h²], `moved` the part of it that inputs move, `step` the gain of g per step,
    `into` the gain from state to input, `kept` the retentions over which M_T is averaged."""

    square: float
    moved: float
    step: float
    into: float
    width: int | Expr | None
    kept: tuple[Retention, ...]
    carried: float = 0.0
    opened: float = 1.0
    """An LSTM's state is a pair: `carried` is the share of `step` that stays in c, `opened` the gain from h's gradient to c's."""
    alike: float = 0.0
    """Share of E[h²] that two distant steps have in common."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """One recurrence of a graph.

    `node` is where it runs (its first turn), `cell` its op, `steps` the number of time steps where known; `per_step` is the loss of
    log10 RMS gradient in one step back in time once it is steady, `below_1e3` and `below_1e7` the steps after which the gradient has fallen
    below 1e-3 and 1e-7 (None: not within 10,000), `grows` the steps after which it exceeds 1e3.
    """

    node: int
    path: str
    cell: str
    steps: int | None
    per_step: float
    below_1e3: int | None
    below_1e7: int | None
    grows: int | None


def recurrences(graph: Graph, trace: Trace) -> Iterator[Recurrence]:
    """Yields every recurrent module and every cell that runs in a loop; one that is not understood is left out."""
    seen: dict[tuple[str, str, tuple[tuple[str, int], ...]], int] = {}
    counts: dict[tuple[str, str, tuple[tuple[str, int], ...]], int] = {}
    for node in graph.nodes:
        if kind(node.op) == "recurrent":
            key = (node.path, node.op, node.params)
            seen.setdefault(key, node.index)
            counts[key] = counts.get(key, 0) + 1
    for key, index in seen.items():
        node = graph.nodes[index]
        source = trace.signals[node.inputs[0]] if node.inputs else None
        levels = list(stacked(graph, node, source.q if source is not None else 1.0))
        if not levels or not all(levels):
            continue
        steps: int | None
        if node.op.endswith("_cell"):
            region = graph.regions[node.region]
            steps = counts[key] if region.kind != "loop" else region.count if isinstance(region.count, int) else None
        else:
            steps = length_of(graph, node)
        yield Recurrence(
            index,
            node.path,
            node.op,
            steps,
            rate(levels),
            crossing(levels, 1e-3),
            crossing(levels, 1e-7),
            crossing(levels, 1e3),
        )


Kept: TypeAlias = "tuple[Retention, ...]"


def stacked(graph: Graph, node: Node, q: float) -> Iterator[Kept]:
    """Yields what each layer of a recurrent module keeps, the lowest first; () for one that is not understood."""
    layers = node.get("num_layers")
    for level in range(layers if isinstance(layers, int) and not node.op.endswith("_cell") else 1):
        cell = cell_of(graph, node, level, q)
        yield cell.kept if cell is not None else ()
        if cell is None:
            return
        q = cell.square


def moments(levels: Sequence[Kept], steps: int) -> list[float]:
    """Returns the second moment of the gradient 0, 1, … `steps` steps back, relative to the last step's.

    A gradient comes down from a layer (2) to the one below (1) at any step between. What the states keep by themselves, f, meets no weight,
    so that ways which come down at different steps add up in phase:
        M(T) = Σ M₂(t)·M₁(T − t) + 2 Σ_{t<t'} M₂(t)·(E[f₂] E[f₁])^(t'−t)·M₁(T − t')
    """
    total = [moment(levels[0], lag) for lag in range(steps + 1)]
    for below, kept in pairwise(levels):
        phase = math.prod(sum(one.mean for one in level) / len(level) for level in (below, kept))
        met: list[float] = []
        earlier = 0.0
        for lag in range(steps + 1):
            own = moment(kept, lag)
            met.append(own + 2 * earlier)
            earlier = phase * (earlier + own)
        total = [sum(met[i] * total[lag - i] for i in range(lag + 1)) for lag in range(steps + 1)]
    return total


def moment(kept: tuple[Retention, ...], steps: int) -> float:
    """Returns M_T, the second moment of the gradient `steps` back in time relative to the last step's."""
    total = 0.0
    for one in kept:
        for cosine in _COSINES:
            total += max(one.square + one.through + 2 * one.mean * one.straight * cosine, 0.0) ** steps
    return total / (len(kept) * len(_COSINES))


_COSINES = tuple(math.cos(2 * math.pi * (i + 0.5) / 48) for i in range(48))
_LONGEST = 10_000


_STACKED = 256
"""Steps over which layers of a stack are followed together; further on the slowest one decides."""


def crossing(levels: Sequence[Kept], level: float) -> int | None:
    """Returns the first number of steps at which the RMS gradient passes `level`, None where it does not within 10,000."""
    if len(levels) == 1:
        return crossing_of(levels[0], level)
    target = level * level
    reach = 32
    while reach <= _STACKED:
        for steps, size in enumerate(moments(levels, reach)):
            if size < target if level < 1 else size > target:
                return steps
        reach *= 2
    slowest = [last for kept in levels if (last := crossing_of(kept, level)) is not None]
    return max(slowest) if len(slowest) == len(levels) else None


def crossing_of(kept: Kept, level: float) -> int | None:
    """Returns the same for one layer."""
    target = level * level

    def beyond(steps: int) -> bool:
        try:
            found = moment(kept, steps)
        except OverflowError:
            return level > 1
        return found < target if level < 1 else found > target

    high = 1
    while not beyond(high):
        high *= 2
        if high > _LONGEST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return high


def rate(levels: Sequence[Kept]) -> float:
    """Returns decades of RMS gradient per step, between 10 and 20 steps back."""
    found = moments(levels, 20)
    near, far = found[10], found[20]
    if near <= 0 or far <= 0:
        return -math.inf
    return (math.log10(far) - math.log10(near)) / 20


def cell_of(graph: Graph, node: Node, level: int, q: float, alike: float | None = None) -> Cell | None:
    """Returns the fixed point of a cell under inputs of second moment `q`, None where a parameter is not understood.

    `alike` is the share of q that the inputs of two steps have in common: what a gate keeps of it adds up in phase. None: nothing does.
    """
    cell = node.op.removesuffix("_cell")
    gates = 1 if not has(node.op, "gated") else 4 if cell == "lstm" else 3
    suffix = "" if node.op.endswith("_cell") else f"_l{level}"
    found: list[Matrix] = []
    for name in ("weight_ih", "weight_hh"):
        parameter = _parameter(graph, node, name + suffix)
        matrix = _matrix(parameter, gates) if parameter is not None else None
        if matrix is None:
            return None
        found.append(matrix)
    shifts: list[tuple[float, float]] = [(0.0, 0.0)] * gates
    for name in ("bias_ih", "bias_hh"):
        parameter = _parameter(graph, node, name + suffix)
        if parameter is None:
            continue
        own = _bias(parameter, gates, node.get("hidden_size"))
        if own is None:
            return None
        shifts = [(mean + more, var + extra) for (mean, var), (more, extra) in zip(shifts, own, strict=True)]
    width = node.get("hidden_size")
    size = width if isinstance(width, (int, Expr)) else None
    into, back = found
    q, kept = float(f"{q:.4g}"), tuple(shifts)
    if cell == "rnn":
        return _vanilla(node.get("nonlinearity") == "relu", into, back, kept, q, size)
    common = None if alike is None else float(f"{alike:.2g}")
    return (_lstm if cell == "lstm" else _gru)(into, back, kept, q, size, common)


class Matrix(NamedTuple):
    """`forward` = fan_in · variance (a gate's pre-activation), `backward` = hidden · variance (a gate's gradient back)."""

    forward: float
    backward: float
    identity: bool = False


Shifts = tuple[tuple[float, float], ...]
"""Mean and variance of each gate's bias."""


@lru_cache(maxsize=512)
def _vanilla(linear: bool, into: Matrix, back: Matrix, shifts: Shifts, q: float, width: int | Expr | None) -> Cell:
    found = rays(0.0, 1.0) if linear else _named("tanh")
    mean, var = shifts[0]
    square = 0.0
    for _ in range(200):
        v = into.forward * q + back.forward * square + var
        moments = gaussian_moments(found, mean, v)
        if abs(moments.square - square) <= 1e-4 * moments.square or moments.square > 1e12:
            break
        square = moments.square
    gain = moments.slope2
    if back.identity and linear:
        # A unit above zero stays there: the identity passes its gradient on whole.
        return Cell(square, square, 1.0, into.backward * gain, width, (Retention(1.0, 1.0, 0.0, 0.0),))
    kept = (Retention(0.0, 0.0, back.backward * gain, 0.0),)
    step = back.backward * gain
    return Cell(
        moments.square,
        moments.distance(into.forward * q + back.forward * square),
        step,
        into.backward * gain,
        width,
        kept,
    )


@lru_cache(maxsize=512)
def _lstm(into: Matrix, back: Matrix, shifts: Shifts, q: float, width: int | Expr | None, alike: float | None) -> Cell:
    """E[c²] = E[f²]E[c²] + E[i²]E[g²] + 2 E[f] Cov(c, i·g): of g's part that all steps share, c holds 1/(1 − E[f])."""
    sigmoid, tanh = _named("sigmoid"), _named("tanh")
    cell = hidden = shared = 0.0
    for _ in range(400):
        z = into.forward * q + back.forward * hidden
        i, f, g, o = (
            gaussian_moments(shape, mean, z + var)
            for shape, (mean, var) in zip((sigmoid, sigmoid, tanh, sigmoid), shifts, strict=True)
        )
        new_cell = f.square * cell + i.square * g.square
        if alike is not None:
            steady = (
                i.mean**2
                * g.square
                * in_common(z, shifts[2][1], into.forward * q * alike + back.forward * hidden * shared)
            )
            new_cell += 2 * f.mean * steady / max(1.0 - f.mean, 1e-3)
            shared = min(steady / max(1.0 - f.mean, 1e-3) ** 2 / new_cell, 1.0)
        if f.square > 1 - 1e-6:
            new_cell = min(new_cell, 50.0)
        squashed = gaussian_moments(tanh, 0.0, new_cell)
        new_hidden = o.square * squashed.square
        done = abs(new_hidden - hidden) <= 1e-5 * new_hidden and abs(new_cell - cell) <= 1e-4 * new_cell
        cell, hidden = new_cell, new_hidden
        if done:
            break
    opened = o.square * squashed.slope2
    gates = g.square * i.slope2 + cell * f.slope2 + i.square * g.slope2
    through = back.backward * opened * gates
    straight = (
        math.sqrt(back.backward)
        * i.mean
        * _mean_slope(tanh, shifts[2], z)
        * o.mean
        * _mean_slope(tanh, (0.0, 0.0), cell)
    )
    mean, var = shifts[1]
    kept = tuple(Retention(one.mean, one.square, through, straight) for one in _over_bias(sigmoid, mean, var, z))
    entering = gates + (squashed.square * o.slope2 / opened if opened > 0 else 0.0)
    carried = f.square / (f.square + through)
    return Cell(
        hidden, hidden, (f.mean + straight) ** 2, into.backward * entering, width, kept, carried, opened, shared
    )


def in_common(z: float, bias: float, common: float) -> float:
    """Returns the share of a pre-activation z + bias that two steps have in common: all of the bias, and what z has."""
    whole = z + bias
    return min((common + bias) / whole, 1.0) if whole > 0 else 0.0


@lru_cache(maxsize=512)
def _gru(into: Matrix, back: Matrix, shifts: Shifts, q: float, width: int | Expr | None, alike: float | None) -> Cell:
    sigmoid, tanh = _named("sigmoid"), _named("tanh")
    hidden = shared = 0.0
    half = shifts[2][1] / 2
    for _ in range(400):
        z = into.forward * q + back.forward * hidden
        r, u = (gaussian_moments(sigmoid, mean, z + var) for mean, var in shifts[:2])
        inner = back.forward * hidden + half
        n = gaussian_moments(tanh, shifts[2][0], into.forward * q + half + r.square * inner)
        closed = 1 - 2 * u.mean + u.square
        new = u.square * hidden + closed * n.square
        if alike is not None:
            own = into.forward * q + r.square * back.forward * hidden
            steady = n.square * in_common(
                own, half * (1 + r.square), into.forward * q * alike + r.mean**2 * back.forward * hidden * shared
            )
            new += 2 * u.mean * (1.0 - u.mean) * steady
            shared = min(steady / new, 1.0)
        done = abs(new - hidden) <= 1e-5 * new
        hidden = new
        if done:
            break
    through = back.backward * (closed * n.slope2 * (r.square + inner * r.slope2) + (hidden + n.square) * u.slope2)
    v = into.forward * q + half + r.square * inner
    straight = math.sqrt(back.backward) * (1 - u.mean) * _mean_slope(tanh, (shifts[2][0], 0.0), v) * r.mean
    mean, var = shifts[1]
    kept = tuple(Retention(one.mean, one.square, through, straight) for one in _over_bias(sigmoid, mean, var, z))
    entering = closed * n.slope2 * (1.0 + inner * r.slope2) + (hidden + n.square) * u.slope2
    return Cell(hidden, hidden, (u.mean + straight) ** 2, into.backward * entering, width, kept, alike=shared)


def _over_bias(gate: Curve, mean: float, var: float, z: float) -> Iterator[Moments]:
    """Yields the gate's moments at quantiles of its bias, the sum of two uniforms (a triangle of variance `var`)."""
    reach = math.sqrt(6 * var)
    for quantile in _QUANTILES:
        yield gaussian_moments(gate, mean + reach * quantile, z)


_QUANTILES = tuple(
    math.copysign(1 - math.sqrt(1 - abs(2 * (i + 0.5) / 8 - 1)), 2 * (i + 0.5) / 8 - 1) for i in range(8)
)


def _mean_slope(shape: Curve, shift: tuple[float, float], z: float) -> float:
    """Returns E[φ'], from the first Hermite coefficient: a₁ = √v E[φ']."""
    mean, var = shift
    v = z + var
    if v <= 0:
        return shape.slope(mean)
    return math.sqrt(gaussian_moments(shape, mean, v).powers[0] / v)


def _named(name: str) -> Curve:
    found = curve(name, lambda argument: None)
    assert found is not None
    return found


def _parameter(graph: Graph, node: Node, name: str) -> Parameter | None:
    for key, index in node.params:
        if key == name:
            return graph.parameters[index]
    return None


def _matrix(parameter: Parameter, gates: int) -> Matrix | None:
    """Returns the gains of a stacked gate matrix (gates · hidden, inputs)."""
    shape = parameter.shape
    if shape is None or len(shape) != 2:
        return None
    found = _spread(parameter, shape)
    if found is None or found.mean != 0.0:
        return None
    hidden = divided(shape[0], gates) if shape[0] is not None else None
    if found.form == "identity":
        return Matrix(found.var, found.var, gates == 1)
    forward = quotient_of(shape[1], found.over)
    backward = quotient_of(hidden, found.over) if isinstance(hidden, (int, Expr)) else None
    if forward is None or backward is None:
        return None
    return Matrix(forward * found.var, backward * found.var)


def _spread(parameter: Parameter, shape: Shape) -> Spread | None:
    found = spread(parameter.init, shape)
    if found is None and _is_default(parameter.init):
        hidden = shape[1] if "weight_hh" in parameter.path else None
        return Spread(0.0, 1 / 3, hidden) if hidden is not None else None
    return found


def _is_default(init: Init) -> bool:
    return init.span is None and init.scheme == "uniform"


def _bias(parameter: Parameter, gates: int, hidden: object) -> list[tuple[float, float]] | None:
    found = _moments(replace(parameter.init, parts=()), parameter.shape, hidden)
    if found is None:
        return None
    each = [found] * gates
    if not isinstance(hidden, int):
        return None if parameter.init.parts else each
    for start, stop, init in parameter.init.parts:
        part = _moments(init, (stop - start,), hidden)
        if part is None or start % hidden or stop % hidden:
            return None
        for gate in range(start // hidden, stop // hidden):
            each[gate] = part
    return each


def _moments(init: Init, shape: Shape | None, hidden: object) -> tuple[float, float] | None:
    found = spread(init, shape)
    if found is None and _is_default(init):
        found = default_bias(hidden if isinstance(hidden, int) else 128)
    variance = found.variance() if found is not None else None
    return None if found is None or variance is None else (found.mean, variance)


def length_of(graph: Graph, node: Node) -> int | None:
    """Returns the number of time steps that a recurrent module is given, None where it is not a plain number."""
    shape = graph.nodes[node.inputs[0]].shape if node.inputs else None
    if shape is None or len(shape) != 3:
        return None
    steps = shape[1] if node.get("batch_first") is True else shape[0]
    return steps if isinstance(steps, int) else None
