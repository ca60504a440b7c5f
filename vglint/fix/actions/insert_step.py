"""`insert-step`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import loops
from vglint.fix.change import Allowed, Answer, Refusal, Request, change


def insert_step(request: Request) -> Answer:
    """Puts `optimizer.step()` behind the backward pass of an optimiser that is never stepped."""
    source = request.source
    match source.statement(request.finding.span):
        case cst.SimpleStatementLine(body=[cst.Assign(targets=[one])]):
            line = f"{source.code(one.target)}.step()"
        case _:
            return Refusal("the optimiser has no name")
    for place in request.places[1:]:
        match source.at(place):
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="backward"))) as call if loops(source, call):
                statement = source.statement(call)
                put = None if statement is None else request.after(statement, line)
                return change(Allowed(ops=frozenset({"step"})), put)
    return Refusal("its backward pass is not written in a loop of this file")
