"""`relu-and-skips`."""

from __future__ import annotations

from vglint.fix.actions.relu_between import rectified
from vglint.fix.actions.skip_connections import ADDED, added
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.models import model_of


def relu_and_skips(request: Request) -> Answer:
    """Puts ReLU in the place of the activations between layers, with its initialisation, and adds the input of each block to its output."""
    model = model_of(request)
    if model is None:
        return Refusal("the model is not found in the graph")
    first, second = rectified(request, model), added(request, model)
    if isinstance(first, str) or isinstance(second, str):
        return Refusal(first if isinstance(first, str) else str(second))
    kind, splices = first
    return Change((*splices, *second), Allowed(ops=ADDED | {kind, "relu"}, inits=True, anywhere=True))
