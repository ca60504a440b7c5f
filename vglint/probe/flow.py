"""Whether the gradient reaches every weight layer, by what was measured at the first step: apart from whether the loss fell."""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec import Struct

from vglint.number import compared
from vglint.probe.record import Layer, Measured, Run


class Flow(Struct, frozen=True):
    """The weight layer that gets least of the gradient at `last`, the last one that feeds another. `decades` is log10 of the RMS gradient at
    its output over that at `last`; -inf where none arrives."""

    path: str
    last: str
    decades: float

    def __str__(self) -> str:
        if self.decades == -math.inf:
            return f"no gradient reaches {self.path}"
        if self.path == self.last:
            return f"no weight layer gets less of it than {self.last}"
        return f"the gradient at {self.path} is {compared(self.decades)} the one at {self.last}"


def weakest(measured: Measured) -> Flow | None:
    """Returns the weakest flow of all runs; None where no run has two weight layers of which one feeds the other."""
    return min(
        (flow for run in measured.runs if (flow := _of(run)) is not None), key=lambda flow: flow.decades, default=None
    )


def _of(run: Run) -> Flow | None:
    """Returns the weakest flow at the first step at which the last layer has a gradient: a head that starts at zero passes none at step 0."""
    for snapshot in run.snapshots:
        layers = [layer for layer in snapshot.layers if layer.weighted and not layer.frozen]
        feeding = [layer for layer in layers if layer.feeds and layer.gradient is not None]
        if not feeding:
            continue
        last = feeding[-1]
        assert last.gradient is not None
        lost = [layer for layer in layers if layer.feeds and layer.gradient is None and _silent(layer, run)]
        if lost:
            return Flow(lost[0].path, last.path, -math.inf)
        rows = list(_rows(layers, last))
        if len(rows) > 1:
            return min(rows, key=lambda flow: flow.decades)
    return None


def _silent(layer: Layer, run: Run) -> bool:
    return any(name.rpartition(".")[0] == layer.path for name in run.zero_parameters)


def _rows(layers: list[Layer], last: Layer) -> Iterator[Flow]:
    for layer in layers:
        if layer.gradient is not None and last.gradient is not None and (layer.feeds or layer is last):
            yield Flow(layer.path, last.path, layer.gradient - last.gradient)
