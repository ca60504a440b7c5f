"""`relu-between`."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView, commonest
from vglint.fix.actions.matching_init import initialising
from vglint.fix.actions.replace_op import replaced
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.models import model_of
from vglint.fix.remedies.matching_init import init_behind
from vglint.fix.source import Splice
from vglint.value import Unknown


def relu_between(request: Request) -> Answer:
    """Puts ReLU in the place of the activations between layers, in every spelling, and initialises the weights to match it."""
    model = model_of(request)
    made = "the model is not found in the graph" if model is None else rectified(request, model)
    if isinstance(made, str):
        return Refusal(made)
    kind, splices = made
    return Change(splices, Allowed(ops=frozenset({kind, "relu"}), inits=True, anywhere=True))


def rectified(request: Request, model: ModelView) -> tuple[str, tuple[Splice, ...]] | str:
    """Returns what the activations were, and the edits that put ReLU in their place and initialise the weights; why not, where there are none."""
    kind = commonest(model, model.activations)
    if isinstance(kind, Unknown):
        return "the activations are not found in the graph"
    nodes = [model.view.graph.nodes[index] for index in model.activations]
    calls = replaced(request, [node.span for node in nodes if node.op == kind], kind, "torch.nn.ReLU")
    if isinstance(calls, str):
        return calls
    inits = initialising(request, model, init_behind("relu")[1])
    return inits if isinstance(inits, str) else (kind, (*calls, *inits))
