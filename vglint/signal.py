"""What flows through a graph at initialisation: second moments forward, squared gradients back."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

NO_GRADIENT = "no gradient arrives"
"""Why a node has none: all of it is cut off, or multiplied by zero, on its way."""
Lack: TypeAlias = "tuple[int, str]"
"""A node of which the theory says nothing, and why."""


class Signal(Struct, frozen=True):
    """Moments of one activation over random weights and N(0, 1) inputs.

    `q` = E[x²]; `mu` = E[x]; `db` = q − E[x_b x_b'] between two samples; `ds` = the same between two positions of one sample;
    `r` = E[x_i x_j] between two channels of one position. Differences are kept, not covariances: they fall to 1e-50.
    """

    q: float
    mu: float = 0.0
    db: float = 0.0
    ds: float = 0.0
    r: float = 0.0


class Trace(Struct, frozen=True):
    """A signal and a gradient for each node of a graph, predicted or measured.

    `signals[i]` describes the output of node i; `gradients[i]` is log10 of RMS ∂L/∂(output of node i), up to a constant
    shared by the whole trace; None where it is not known. `gains[i]` is log10 of RMS gradient at the node's first
    tensor input over RMS gradient at its output, through this node alone.
    """

    source: Literal["predicted", "measured"]
    signals: tuple[Signal | None, ...]
    gradients: tuple[float | None, ...]
    gains: tuple[float | None, ...]
    flows: tuple[tuple[tuple[int, float], ...], ...] = ()
    """For each node, log10 RMS of the gradient that it sends to each of its inputs (node, value); () in a measured trace."""
    abstained: tuple[Lack, ...] = ()
    """Nodes of which the theory says nothing, and why; what depends on them is unknown too."""
    causes: tuple[Lack | None, ...] = ()
    """For each node whose gradient is not known, the node at which knowledge ends, and why; () in a measured trace."""

    def is_zero(self, index: int) -> bool:
        """Whether it is known that no gradient arrives at a node."""
        return bool(self.causes) and self.causes[index] == (index, NO_GRADIENT)


class Depth(Struct, frozen=True):
    """One loop of unknown length whose turns feed each other.

    `per_turn` is what a late turn does to log10 of the RMS gradient (negative: it shrinks on its way back). `below_1e3`, `below_1e7` and
    `above_1e3` are the turns after which the gradient at the loop's entry has fallen below 1e-3 and 1e-7, or exceeds 1e3, of that at its exit;
    None where it never does. `nodes` are the body.
    """

    region: int
    text: str
    nodes: tuple[int, ...]
    per_turn: float
    below_1e3: int | None
    below_1e7: int | None
    above_1e3: int | None


class Ratio(Struct, frozen=True):
    """How the gradient at the first weight layer compares with the one at the last.

    `log10_ratio` = log10 of RMS ∂L/∂(output of node `first`) over RMS ∂L/∂(output of node `last`): `first` is the first weight layer on the way
    from the input, `last` the last weight layer whose output feeds another. `profile` holds every weight layer (node, log10 RMS gradient
    relative to `last`).
    """

    log10_ratio: float | None
    first: int | None
    last: int | None
    profile: tuple[tuple[int, float | None], ...]
    depths: tuple[Depth, ...] = ()
    """What is known of loops of unknown length, where it was asked for."""
    why: Lack | None = None
    """Where the ratio is not known: the node at which knowledge of the gradient ends, and why."""


Cause = Literal[
    "activation",
    "init",
    "width",
    "norm",
    "residual",
    "gate",
    "attention",
    "recurrence",
    "pooling",
    "dropout",
    "loss",
    "other",
]


class Attribution(Struct, frozen=True):
    """A log ratio split over causes: `nodes` are (node, cause, decades), `causes` their sums; all decades sum to the ratio."""

    total: float | None
    nodes: tuple[tuple[int, Cause, float], ...]
    causes: tuple[tuple[Cause, float], ...]
