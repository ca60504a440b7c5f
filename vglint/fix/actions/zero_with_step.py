"""`zero-with-step`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import loops
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.source import Statement


def zero_with_step(request: Request) -> Answer:
    """Moves `zero_grad()` behind the step, under the step's own condition, so that gradients add up until then. A step that stands behind
    the loop is moved into it, behind the backward pass."""
    zero = request.source.statement(request.finding.span)
    step, backward = _called(request, "step"), _called(request, "backward")
    if zero is None or step is None:
        return Refusal("they are not written on lines of their own")
    if set(loops(request.source, zero)) <= set(loops(request.source, step)):
        return _behind(request, step, zero)
    if backward is None:
        return Refusal("the backward pass is not written on a line of its own")
    return _behind(request, backward, step)


def _behind(request: Request, anchor: Statement, moved: Statement) -> Answer:
    """Moves one statement behind another."""
    whole, gone = request.source.whole_line(moved), request.without(moved)
    if whole is None or gone is None:
        return Refusal("they are not written on lines of their own")
    put = request.after(anchor, request.source.text[whole[0] : whole[1]].strip())
    allowed = Allowed(ops=frozenset({"zero_grad", "step"}))
    return Refusal("it shares its line") if put is None else Change((put, gone), allowed)


def _called(request: Request, name: str) -> Statement | None:
    """Returns the statement in which a method is called at one of the finding's places."""
    for place in request.places[1:]:
        match request.source.at(place):
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=called))) if called == name:
                if (statement := request.source.statement(place)) is not None:
                    return statement
            case _:
                pass
    return None
