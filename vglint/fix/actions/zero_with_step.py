"""`zero-with-step`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.change import Allowed, Answer, Change, Refusal, Request


def zero_with_step(request: Request) -> Answer:
    """Moves `zero_grad()` behind the step, under the step's own condition, so that gradients add up until then."""
    source = request.source
    zero = source.statement(request.finding.span)
    step = next(
        (
            statement
            for place in request.places[1:]
            if _is_step(source.at(place)) and (statement := source.statement(place)) is not None
        ),
        None,
    )
    whole = None if zero is None else source.whole_line(zero)
    gone = None if zero is None else request.without(zero)
    if zero is None or step is None or whole is None or gone is None:
        return Refusal("they are not written on lines of their own")
    put = request.after(step, source.text[whole[0] : whole[1]].strip())
    return (
        Refusal("the step shares its line")
        if put is None
        else Change((put, gone), Allowed(ops=frozenset({"zero_grad"})))
    )


def _is_step(node: cst.BaseExpression | None) -> bool:
    match node:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="step"))):
            return True
        case _:
            return False
