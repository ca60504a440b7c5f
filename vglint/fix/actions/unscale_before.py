"""`unscale-before`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.change import Allowed, Answer, Refusal, Request, change


def unscale_before(request: Request) -> Answer:
    """Puts `scaler.unscale_(optimizer)` before the clip, with the names that the later `scaler.step(optimizer)` has for them."""
    source = request.source
    statement = source.statement(request.finding.span)
    step = next((call for call in map(source.at, request.places[1:]) if _is_step(call)), None)
    if statement is None or not isinstance(step, cst.Call) or not isinstance(step.func, cst.Attribute):
        return Refusal("the scaler's step is not found")
    line = f"{source.code(step.func.value)}.unscale_({source.code(step.args[0].value)})"
    return change(Allowed(ops=frozenset({"unscale"})), request.before(statement, line))


def _is_step(node: cst.BaseExpression | None) -> bool:
    match node:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="step")), args=[_, *_]):
            return True
        case _:
            return False
