"""Rows that are looked up in a table: embeddings and bags of them."""

from __future__ import annotations

import math

from vglint.analysis.maps import maps
from vglint.analysis.state import PLACES, ZERO, AbstainError, State, Step, quotient
from vglint.analysis.use import Use, filled


@maps("embedding")
def embedding(use: Use) -> Step:
    parameter = use.parameter("weight")
    if parameter is not None:
        shape = filled(parameter.shape, parameter.path)
        spread, rows = use.spread_of(parameter, shape), (shape[0] if shape else None)
        width = parameter.shape[1] if parameter.shape is not None and len(parameter.shape) > 1 else None
    else:
        given = use.inputs[1] if len(use.inputs) > 1 else None
        if given is None or given.spread is None:
            raise AbstainError("the table is not known")
        spread, rows, width = given.spread, None, given.channels
    variance, scale = quotient(1, spread.over)
    q = spread.mean**2 + spread.var * variance
    apart = spread.var * variance * (1 - 1 / rows if isinstance(rows, int) and rows > 0 else 1.0)
    axes = None if use.node.shape is None else "b" + "s" * (len(use.node.shape) - 2) + "c"
    state = State(q, spread.mean, apart, apart, spread.mean**2, scale, width, axes or "*c", fresh=1.0)
    return state, lambda grad: [ZERO] * len(use.inputs)


@maps("embedding_bag")
def embedding_bag(use: Use) -> Step:
    """The mean or the sum of n rows of a table: rows that differ are independent. Bags whose length is not known have `PLACES` rows."""
    found, back = embedding(use)
    shape, mode = use.shape(0), use.get("mode") or "mean"
    if found is None or mode not in ("mean", "sum") or len(use.inputs) > (2 if use.parameter("weight") else 3):
        return None, back  # weights of single rows
    length = shape[1] if shape is not None and len(shape) == 2 else None
    rows = float(length) if isinstance(length, int) and length > 0 else float(PLACES)
    common, apart = (1.0, 1.0 / rows) if mode == "mean" else (rows * rows, rows)
    return found._replace(
        q=found.r * common + (found.q - found.r) * apart,
        mu=found.mu * math.sqrt(common),
        db=found.db * apart,
        ds=found.ds * apart,
        r=found.r * common,
    ), back
