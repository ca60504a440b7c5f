"""`train-mode`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import body, loops
from vglint.fix.change import Allowed, Answer, Refusal, Request, change


def train_mode(request: Request) -> Answer:
    """Puts `model.train()` at the start of each turn of the loop in which the model is both evaluated and trained."""
    source = request.source
    call = source.at(request.finding.span)
    trained = next((statement for place in request.places[1:] if (statement := source.statement(place))), None)
    match call:
        case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value="eval"))):
            line = f"{source.code(owner)}.train()"
        case _:
            return Refusal("it is not written as model.eval()")
    if trained is None:
        return Refusal("it is trained in another file")
    around = loops(source, trained)
    both = [loop for loop in around if loop in loops(source, call)]
    if both:
        first = body(both[0])
        place = request.before(first[0], line) if first else None
    else:
        place = request.before(around[-1], line) if around else None
    return change(Allowed(ops=frozenset({"train_mode"})), place, why="it is trained in no loop of this function")
