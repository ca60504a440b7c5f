"""What each op makes of tensors that are made of numbers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vglint.ops.curves import Get
from vglint.ops.grid import Grid, Maker
from vglint.ops.grid_made import MADE
from vglint.ops.grid_moved import MOVED

_MAKERS: Mapping[str, Maker] = {**MADE, **MOVED}


def grid(op: str, get: Get, inputs: Sequence[Grid]) -> Grid | None:
    """Returns what an op makes of grids, None where it is not known."""
    maker = _MAKERS.get(op)
    try:
        return maker(get, inputs) if maker is not None else None
    except (ArithmeticError, ValueError, IndexError, KeyError, TypeError):
        return None
