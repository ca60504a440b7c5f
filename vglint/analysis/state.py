"""What the propagation carries through a graph: moments forward, second moments of the gradient back.

All are expectations over random weights and an N(0, 1) input (Poole et al. 2016; Yang et al. 2019 for the pairs).
Differences (`db`, `ds`) are kept, not covariances: they fall to 1e-50 and a subtraction would lose them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from vglint.analysis.streams import Mixture
from vglint.ops import has, having
from vglint.ops.curves import ELEMENTWISE, Curve, rays
from vglint.ops.init import Spread
from vglint.shape import Dim, Shape
from vglint.value import Expr

Scale: TypeAlias = tuple[tuple[str, int], ...]
"""A product of powers of unknown sizes; () is the number 1."""

IDENTITY = rays(1.0, 1.0)

Profile: TypeAlias = tuple[tuple[float, ...], ...]
"""How a second moment varies along each axis of a map whose size is known: factors with mean 1 (edges see fewer taps)."""

PLACES = 49
"""Positions of a map whose size is not known, where an average over it needs a number (7 x 7)."""


class Law(NamedTuple):
    """An activation as a function of a Gaussian tensor: curve(z) or, where `among` > 1, curve(largest of `count` z's).

    `mu`, `v`, `db`, `ds`, `r` are the moments of z, `root` is the node that made it; `slope2`, `slope4`, `kb`, `ks`, `kr` the
    slope moments of the curve at z: alone, and between samples, positions and channels.
    """

    root: int
    mu: float
    v: float
    db: float
    ds: float
    r: float
    curve: Curve = IDENTITY
    among: float = 1.0
    slope2: float = 1.0
    slope4: float = 1.0
    kb: float = 1.0
    ks: float = 1.0
    kr: float = 1.0
    mixture: Mixture | None = None
    """z itself where it is no Gaussian: a stream that activations have cut, plus a Gaussian."""


class Scores(NamedTuple):
    """Products of queries and keys over `width` channels, scaled by `factor`; once `soft`, their `strength` is width · factor².

    A factor that is not known is 0: 1/√width is what is written then.
    """

    query: float
    query_distance: float
    key: float
    key_distance: float
    width: float | None
    factor: float = 1.0
    soft: bool = False
    causal: bool = False
    strength: float = 1.0
    plain: bool = False
    """A softmax over the positions of one tensor: there are no queries and keys."""


class Choices(NamedTuple):
    """A dimension of `number` tensors that are stacked (`k` in `axes`), and E[x_i x_j] of two of them."""

    number: float
    common: float


class Piece(NamedTuple):
    """One part of a concatenation: its share of the channels, and its moments."""

    share: float
    q: float
    mu: float
    db: float
    ds: float


class State(NamedTuple):
    """Moments of one activation: see `vglint.signal.Signal` for `q`, `mu`, `db`, `ds`, `r`.

    `scale` multiplies all second moments: a size that is not known. `channels` counts features; `axes` says what each dimension is
    (`b` sample, `c` channel, `s` position, `k` one of several tensors that are stacked), `*c` where the rank is not known; `places` counts positions where known.
    `map` is how q varies over them. `parts` writes the tensor as Σ coefficient · node over tensors that are uncorrelated beyond their means. `fresh` is the
    share of q that comes straight from Gaussian weights (norms see its χ² noise). `spread` is set for a parameter that weights are made of.
    """

    q: float
    mu: float = 0.0
    db: float = 0.0
    ds: float = 0.0
    r: float = 0.0
    scale: Scale = ()
    channels: Dim = None
    axes: str | None = None
    places: float | None = None
    law: Law | None = None
    parts: tuple[tuple[int, float], ...] = ()
    fresh: float = 0.0
    spread: Spread | None = None
    scores: Scores | None = None
    map: Profile | None = None
    pieces: tuple[Piece, ...] = ()
    """The parts of a concatenation of channels: a norm that sees one channel at a time scales each by its own."""
    choices: Choices | None = None
    near: float = 0.0
    """How much of what differs between positions two neighbours have in common: windows that overlap leave some."""

    def parts_of(self) -> tuple[Piece, ...]:
        """Returns the parts that this state has, itself where it is no concatenation or something was done to it since."""
        mean = sum(piece.share * piece.q for piece in self.pieces)
        if self.pieces and abs(mean - self.q) <= 1e-6 * self.q:
            return self.pieces
        return (Piece(1.0, self.q, self.mu, self.db, self.ds),)


class Focus(NamedTuple):
    """The positions between two fractions of a sequence, and the share of the squared gradient that lies there (a class token's)."""

    start: float
    stop: float
    share: float


class Grad(NamedTuple):
    """Second moment `g` of the gradient, the same between positions (`gs`), samples (`gb`), both (`gx`) and channels (`gr`).

    `scale` multiplies all of them; `map` says how they vary over positions, `units` how over the
    points of a residual stream. `lv` = variance of ln‖g‖² that finite width brings, `rho` = mean squared cosine between gradients of samples.
    `pieces` says how it varies over the parts of a concatenation, mean 1.
    `focus` says where one part of a sequence has more of it than the others.
    `along` = c where the gradient is c·x + what is independent of the signal x: a loss pulls on outputs that the network itself made.
    """

    g: float
    gs: float = 0.0
    gb: float = 0.0
    gx: float = 0.0
    gr: float = 0.0
    scale: Scale = ()
    lv: float = 0.0
    rho: float = 0.0
    map: Profile | None = None
    units: tuple[float, ...] | None = None
    along: float = 0.0
    pieces: tuple[float, ...] | None = None
    focus: Focus | None = None
    alike: float = 0.0
    """The same second moment between two of several tensors that are weighed and added: a softmax over their weights passes none of it."""
    bend: float = 0.0
    """E[c²] where the gradient is c·z + what is independent of z, with one c for all positions: an activation lets pass what its input z chooses."""

    def times(self, gain: float, scale: Scale = ()) -> Grad:
        return Grad(
            self.g * gain,
            self.gs * gain,
            self.gb * gain,
            self.gx * gain,
            self.gr * gain,
            merged(self.scale, scale) if scale else self.scale,
            self.lv,
            self.rho,
            self.map,
            self.units,
            self.along * gain if not scale else 0.0,
            self.pieces,
            self.focus,
            self.alike * gain,
        )

    def pulled(self, state: State, along: float, share: float = 1.0) -> Grad:
        """Returns the gradient with a part `along` the signal: it adds along²·E[x²], of which `share` is not counted yet."""
        # In the median over weights what is quadratic in the network's own gain falls behind by as much as ln‖g‖² varies.
        extra = along * along * share * math.exp(-self.lv)
        if extra == 0.0 or self.scale or state.scale:
            return self._replace(along=0.0)
        return self._replace(
            g=self.g + extra * state.q,
            gs=self.gs + extra * max(state.q - state.ds, 0.0),
            gb=self.gb + extra * max(state.q - state.db, 0.0),
            gx=self.gx + extra * max(state.q - max(state.db, state.ds), 0.0),
            along=along,
        )


ZERO = Grad(0.0)
"""No gradient passes here."""

Back: TypeAlias = "Callable[[Grad], Sequence[Grad | None]]"
"""Maps the gradient of an output to those of the inputs; None where it is not known."""

Step: TypeAlias = "tuple[State | None, Back | None]"


class AbstainError(Exception):
    """The theory does not say what this node does; the text says why."""


def merged(left: Scale, right: Scale, sign: int = 1) -> Scale:
    """Returns left · right^sign."""
    if not right:
        return left
    powers = dict(left)
    for name, power in right:
        powers[name] = powers.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in powers.items() if power))


def sized(number: int | float | Expr) -> tuple[float, Scale]:
    """Returns a size as a number times a scale: 4·hidden → (4.0, hidden); a sum of symbols is one symbol of its own."""
    if not isinstance(number, Expr):
        return float(number), ()
    if len(number.terms) == 1:
        powers, factor = number.terms[0]
        return float(factor), powers
    return 1.0, ((str(number), 1),)


def quotient(above: int | float | Expr, below: int | float | Expr) -> tuple[float, Scale]:
    """Returns above / below as a number times a scale."""
    if above == below:
        return 1.0, ()
    number, scale = sized(above)
    divisor, under = sized(below)
    return (number / divisor if divisor else 0.0), merged(scale, under, -1)


def law_of(state: State, index: int) -> Law:
    """Returns the state's law; a tensor without one is taken to be Gaussian."""
    if state.law is not None:
        return state.law
    if len(state.parts) == 1 and state.parts[0][1] == 1.0:
        index = state.parts[0][0]
    return Law(index, state.mu, max(state.q - state.mu * state.mu, 0.0), state.db, state.ds, state.r)


def combined(left: Grad, right: Grad) -> Grad | None:
    """Returns the gradient where two uncorrelated ones meet, None where their scales differ."""
    if left.g == 0.0:
        return right
    if right.g == 0.0:
        return left
    if left.scale != right.scale:
        return None
    share = left.g / (left.g + right.g)
    other = 1.0 - share
    return Grad(
        left.g + right.g,
        left.gs + right.gs,
        left.gb + right.gb,
        left.gx + right.gx,
        left.gr + right.gr,
        left.scale,
        share * left.lv + other * right.lv,
        share * left.rho + other * right.rho,
        mixed(left.map, right.map, share),
        together(left.units, right.units, share),
        left.along + right.along,
        together(left.pieces, right.pieces, share),
        both_in_focus(left.focus, right.focus, share),
        left.alike + right.alike,
        left.bend + right.bend,
    )


def both_in_focus(left: Focus | None, right: Focus | None, share: float) -> Focus | None:
    """Returns where the sum of two gradients lies, of which `share` is the left one; one without a focus lies everywhere alike."""
    if left is not None and right is not None and left[:2] != right[:2]:
        # Of two parts that are not the same, the one with more of the gradient counts.
        left, right = (left, None) if share >= 0.5 else (None, right)
    one = left or right
    if one is None:
        return None
    even = one.stop - one.start
    inside = share * (left.share if left else even) + (1.0 - share) * (right.share if right else even)
    return one._replace(share=inside)


def looked_at(grad: Grad, op: str, position: int, sent: Grad) -> Grad:
    """Returns what an op sends to one of its inputs, gathered at the positions where the gradient of its output is."""
    if sent.bend and op not in _BENDING:
        sent = sent._replace(bend=0.0)
    if has(op, "map_parting"):
        return sent
    kept = grad.focus if op in _PLACEWISE or (has(op, "map_of_first") and position == 0) else None
    return sent if sent.focus is kept else sent._replace(focus=kept)


_BENDING = ELEMENTWISE | having("adds")
"""Ops whose maps say how much of a gradient goes with what they get, or hand it on."""
_PLACEWISE = ELEMENTWISE | having("map_places")
"""Ops that do the same at every position."""


def together(left: tuple[float, ...] | None, right: tuple[float, ...] | None, share: float) -> tuple[float, ...] | None:
    """Returns how the sum of two gradients varies over a stream's points; one without `units` does not vary."""
    if left is None and right is None:
        return None
    count = len(left if left is not None else right or ())
    one, two = left or (1.0,) * count, right or (1.0,) * count
    if len(one) != len(two):
        return None
    return tuple(share * a + (1.0 - share) * b for a, b in zip(one, two, strict=True))


def mixed(left: Profile | None, right: Profile | None, share: float) -> Profile | None:
    """Returns the profile of a sum of which `share` is the left part."""
    if left is None or right is None or [len(axis) for axis in left] != [len(axis) for axis in right]:
        return left if right is None else right if left is None else None
    if left is right:
        return left
    other = 1.0 - share
    return tuple(
        tuple(share * a + other * b for a, b in zip(one, two, strict=True))
        for one, two in zip(left, right, strict=True)
    )


def whole(shape: Shape | None, axes: str | None, role: str) -> float | None:
    """Returns the product of the sizes that have a role, None where one is not a plain number."""
    if shape is None or axes is None or len(shape) != len(axes) or "*" in axes:
        return None
    size = 1.0
    for dim, axis in zip(shape, axes, strict=True):
        if axis == role:
            if not isinstance(dim, int):
                return None
            size *= dim
    return size
