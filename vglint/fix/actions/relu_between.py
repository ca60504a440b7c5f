"""`relu-between`."""

from __future__ import annotations

from vglint.analysis.facts.model import commonest
from vglint.fix.actions.matching_init import initialising
from vglint.fix.actions.replace_op import replaced
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.models import model_of
from vglint.fix.remedies.matching_init import init_behind
from vglint.value import Unknown


def relu_between(request: Request) -> Answer:
    """Puts ReLU in the place of the activations between layers, in every spelling, and initialises the weights to match it."""
    model = model_of(request)
    kind: object = None if model is None else commonest(model, model.activations)
    if model is None or not isinstance(kind, str) or isinstance(kind, Unknown):
        return Refusal("the activations are not found in the graph")
    nodes = [model.view.graph.nodes[index] for index in model.activations]
    calls = replaced(request, [node.span for node in nodes if node.op == kind], kind, "torch.nn.ReLU")
    if isinstance(calls, str):
        return Refusal(calls)
    inits = initialising(request, model, init_behind("relu")[1])
    if isinstance(inits, str):
        return Refusal(inits)
    return Change((*calls, *inits), Allowed(ops=frozenset({kind, "relu"}), inits=True, anywhere=True))
