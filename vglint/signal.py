"""What flows through a graph at initialisation: second moments forward, squared gradients back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Signal:
    """Moments of one activation over random weights and N(0, 1) inputs.

    `q` = E[x²]; `mu` = E[x]; `db` = q − E[x_b x_b'] between two samples; `ds` = the same between two positions of one sample;
    `r` = E[x_i x_j] between two channels of one position. Differences are kept, not covariances: they fall to 1e-50.
    """

    q: float
    mu: float = 0.0
    db: float = 0.0
    ds: float = 0.0
    r: float = 0.0


@dataclass(frozen=True, slots=True)
class Trace:
    """A signal and a gradient for each node of a graph, predicted or measured.

    `signals[i]` describes the output of node i; `gradients[i]` is log10 of RMS ∂L/∂(output of node i), up to a constant
    shared by the whole trace; None where it is not known. `gains[i]` is log10 of RMS gradient at the node's first
    tensor input over RMS gradient at its output, through this node alone.
    """

    source: Literal["predicted", "measured"]
    signals: tuple[Signal | None, ...]
    gradients: tuple[float | None, ...]
    gains: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """How the gradient at each weight layer compares with the one at the last, in decades.

    `first` is the first weight layer on the way from the input, `last` the last one whose output feeds another (paths);
    `layers` holds every weight layer in program order with log10 of RMS ∂L/∂(its output) over that at `last`, and
    `log10_ratio` is the value of `first`; None where it is not known.
    """

    first: str | None
    last: str | None
    log10_ratio: float | None
    layers: tuple[tuple[str, float | None], ...] = ()
