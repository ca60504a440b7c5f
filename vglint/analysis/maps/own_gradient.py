"""Functions whose backward the user writes, where both are functions of single entries: y = φ(x), δ → ψ(x)·δ.

q' = E[φ²],  g ← g·E[ψ²],  pairs g ← g·E[ψψ']
"""

from __future__ import annotations

from collections.abc import Sequence

from vglint.analysis.maps import maps
from vglint.analysis.maps.activation import evaluated, through
from vglint.analysis.state import AbstainError, Grad, State, Step, law_of
from vglint.analysis.use import Use
from vglint.ops.curves import Curve, composed
from vglint.ops.expressions import curves
from vglint.ops.init import Spread
from vglint.ops.quadrature import gaussian_moments


@maps("opaque")
def own_gradient(use: Use) -> Step:
    forward, backward = use.get("forward"), use.get("backward")
    if forward is None or backward is None or len(use.inputs) != 1:
        raise AbstainError("opaque is not modelled" if use.get("function") is None else "its backward is its own")
    found = curves(forward, backward)
    if found is None:
        raise AbstainError("its backward is its own")
    ahead, behind = found
    state = use.state()
    if state.spread is not None:
        return of_weights(state, state.spread, ahead, behind)
    if behind is None:
        return through(use, ahead)
    law = law_of(state, use.node.inputs[0])
    if state.scale or law.among != 1.0 or law.mixture is not None:
        raise AbstainError("its backward is its own")
    out, _ = evaluated(state, law, composed(law.curve, ahead), use.index)
    sent = gaussian_moments(composed(law.curve, behind), law.mu, law.v)
    gain, between = sent.square, max(sent.square - sent.distance(law.db), 0.0)
    across, channel = max(sent.square - sent.distance(law.ds), 0.0), sent.mean**2
    width = float(state.channels) if isinstance(state.channels, int) else 1e9
    pairs = use.batch * (state.places or 1.0)

    def back(grad: Grad) -> Sequence[Grad]:
        rho = grad.rho * (between / gain) ** 2 if gain > 0 else grad.rho
        # Of factors that are 0 or 1, E[ψ⁴]/E[ψ²]² = 1/E[ψ²].
        excess = 3.0 * max(1.0 / gain - 1.0, 0.0) if gain > 0 else 0.0
        return [
            grad._replace(
                g=grad.g * gain, gs=grad.gs * across, gb=grad.gb * between, gx=grad.gx * min(across, between),
                gr=grad.gr * channel, along=0.0, rho=min(rho, 1.0),
                lv=grad.lv + excess / width * ((1.0 - grad.rho) / pairs + grad.rho),
            )
        ]  # fmt: skip

    return out._replace(law=None), back


def of_weights(state: State, spread: Spread, ahead: Curve, behind: Curve | None) -> Step:
    """The function of a parameter that other weights are: its entries are taken to be normal."""
    variance = spread.variance()
    if variance is None or state.scale:
        raise AbstainError("the weight is not known")
    found = gaussian_moments(ahead, spread.mean, variance)
    own = max(found.square - found.mean**2, 0.0)
    gain = found.slope2 if behind is None else gaussian_moments(behind, spread.mean, variance).square
    out = state._replace(
        q=found.square,
        mu=found.mean,
        ds=own if state.ds else 0.0,
        r=found.mean**2,
        spread=Spread(found.mean, own),
        law=None,
    )
    return out, lambda grad: [grad.times(gain)]
