"""Recurrent cells at their fixed point: the second moments of gates and states, and what one step keeps of the gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from vglint.graph import Graph, Init, Node, Parameter
from vglint.ops import has
from vglint.ops.curves import Curve, curve, rays
from vglint.ops.init import Spread, default_bias, quotient_of, spread
from vglint.ops.quadrature import Moments, gaussian_moments
from vglint.shape import Shape
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


def cell_of(graph: Graph, node: Node, level: int, q: float, alike: float | None = None) -> Cell | None:
    """Returns the fixed point of a cell under inputs of second moment `q`, None where a parameter is not understood.

    `alike` is the share of q that the inputs of two steps have in common: what a gate keeps of it adds up in phase. None: nothing does.
    """
    cell = node.op.removesuffix("_cell")
    known = weights_of(graph, node, level)
    if known is None:
        return None
    into, back, shifts = known
    width = node.get("hidden_size")
    size = width if isinstance(width, (int, Expr)) else None
    q, kept = float(f"{q:.4g}"), shifts
    if cell == "rnn":
        return _vanilla(node.get("nonlinearity") == "relu", into, back, kept, q, size)
    common = None if alike is None else float(f"{alike:.2g}")
    return (_lstm if cell == "lstm" else _gru)(into, back, kept, q, size, common)


def weights_of(graph: Graph, node: Node, level: int) -> tuple[Matrix, Matrix, Shifts] | None:
    """Returns a cell's weights from its input and from its state, and its biases; None where one is not understood."""
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
    return found[0], found[1], tuple(shifts)


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


class Single(NamedTuple):
    """One step from a state that is no step's of the same cell: second moments of h', of what it keeps and what it takes,
    and the gains to the state (directly, and through weights) and to the input."""

    square: float
    keeps: float
    takes: float
    direct: float
    mean: float
    through: float
    into: float


def single_of(graph: Graph, node: Node, q: float, held: float) -> Single | None:
    """Returns what a GRU cell makes of an input of second moment `q` and a state of second moment `held`, None where it is not understood."""
    known = weights_of(graph, node, 0)
    if known is None or node.op != "gru_cell":
        return None
    into, back, shifts = known
    sigmoid, tanh = _named("sigmoid"), _named("tanh")
    z, half = into.forward * q + back.forward * held, shifts[2][1] / 2
    r, u = (gaussian_moments(sigmoid, mean, z + var) for mean, var in shifts[:2])
    inner = back.forward * held + half
    n = gaussian_moments(tanh, shifts[2][0], into.forward * q + half + r.square * inner)
    closed = 1 - 2 * u.mean + u.square
    gates = (held + n.square) * u.slope2
    through = back.backward * (closed * n.slope2 * (r.square + inner * r.slope2) + gates)
    entering = into.backward * (closed * n.slope2 * (1.0 + inner * r.slope2) + gates)
    keeps, takes = u.square * held, closed * n.square
    return Single(keeps + takes, keeps, takes, u.square, u.mean, through, entering)


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
