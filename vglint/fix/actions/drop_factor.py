"""`drop-factor`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import argument, method
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request


def drop_factor(request: Request) -> Answer:
    """Takes a number by which the argument of an activation is multiplied out: `torch.tanh(50 * x)` becomes `torch.tanh(x)`."""
    source = request.source
    call = source.at(request.finding.span)
    if not isinstance(call, cst.Call):
        return Refusal("it is not written as a call")
    given = argument(call, "input", 0)
    inner = given.value if given is not None and request.names.dotted(call.func) else method(call, "tanh", "sigmoid")
    number = (cst.Integer, cst.Float)
    match inner:
        case cst.BinaryOperation(operator=cst.Multiply(), left=left, right=right) if isinstance(left, number):
            kept = right
        case cst.BinaryOperation(operator=cst.Multiply(), left=left, right=right) if isinstance(right, number):
            kept = left
        case _:
            return Refusal("the factor is not written as a number beside it")
    text = source.code(kept)
    return Change(((*source.range(inner), text),), Allowed(ops=frozenset({"mul"})))
