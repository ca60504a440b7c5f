"""A matrix product of two signals whose sum runs over the channels of the left one and the positions of the right one: linear attention's
`q @ (kᵀ v)`.

    o_i = Σ_d a_id b_d     E[o²] = n·q_a·q_b + n(n−1)·r_a·c_b,   c_b = q_b − ds_b what two rows of b have in common
"""

from __future__ import annotations

from collections.abc import Sequence

from vglint.analysis.state import Grad, State, Step
from vglint.analysis.use import Use


def over_rows(use: Use, left: State, right: State, outside: float) -> Step | None:
    """Returns the map of a product over the rows of the right side, None where its rows are no positions or a size is not known."""
    shape = use.shape(0)
    number = shape[-1] if shape else None
    if left.axes is None or right.axes is None or left.scale or right.scale or not isinstance(number, int):
        return None
    if left.axes[-2:] != "sc" or right.axes[-2:] != "sc":
        return None
    n, rows = float(number), float(shape[-2]) if shape and isinstance(shape[-2], int) else left.places or use.length
    common, pairs = max(right.q - right.ds, 0.0), n * (n - 1)
    q = max(n * left.q * right.q + pairs * left.r * common, 0.0)
    weighed = 2 * left.r > left.q  # rows that are shares of one: what the other's have in common does not differ
    out = State(
        q,
        n * left.mu * right.mu,
        min(
            n * (left.q * right.q - (left.q - left.db) * (right.q - right.db)) + pairs * left.r * min(right.db, common),
            q,
        ),
        min(n * left.ds * (right.ds if weighed else right.q), q),
        n * left.q * right.r,
        channels=right.channels,
        axes=left.axes,
        places=left.places,
        parts=((use.index, 1.0),),
    )

    def back(grad: Grad) -> Sequence[Grad]:
        mine = grad.times(outside * right.q)._replace(gr=outside * common * grad.g)
        together = rows * (rows - 1) * max(grad.gs, 0.0)
        other = Grad(
            rows * left.q * grad.g + max(left.q - left.ds, 0.0) * together,
            left.r * (rows * grad.g + together),
            scale=grad.scale,
            lv=grad.lv,
            rho=grad.rho,
        )
        return [mine, other]

    return out, back
