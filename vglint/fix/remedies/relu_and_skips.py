"""`relu-and-skips`."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView
from vglint.fix.imagined import Imagined, is_shallow
from vglint.fix.remedies.relu_between import relu_between
from vglint.fix.remedies.skip_connections import skipped


def relu_and_skips(model: ModelView) -> Imagined | None:
    """Puts ReLU in the place of the activations between layers, with its initialisation, and adds each block's input to its output; of models
    that are too deep for the first alone."""
    first = None if is_shallow(model) else relu_between(model)
    second = None if first is None else skipped(model, first.graph)
    if first is None or second is None:
        return None
    return Imagined(second.graph, f"{first.text}; and {second.text}")
