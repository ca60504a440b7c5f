"""`training-order`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import in_block_of
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.source import Splice, Statement


def training_order(request: Request) -> Answer:
    """Brings `zero_grad()`, `backward()` and `step()` of one block into this order: what stands between the other two is moved."""
    zero = request.source.statement(request.finding.span)
    backward = _called(request, zero, "backward")
    step = _called(request, zero, "step")
    if zero is None or backward is None or step is None:
        return Refusal("they do not stand in one block")
    place = {one: request.source.range(one)[0] for one in (zero, backward, step)}
    moved: tuple[Splice | None, Splice | None] = (None, None)
    if place[backward] < place[zero] < place[step]:
        moved = _moved(request, zero, before=backward)
    elif place[zero] < place[step] < place[backward]:
        moved = _moved(request, step, behind=backward)
    if moved[0] is None or moved[1] is None:
        return Refusal("their order is another one")
    return Change((moved[0], moved[1]), Allowed(ops=frozenset({"zero_grad", "step", "backward"})))


def _called(request: Request, beside: Statement | None, name: str) -> Statement | None:
    """Returns the statement of the block of another one in which a method is called at one of the finding's places."""
    for place in request.places[1:] if beside is not None else ():
        match request.source.at(place):
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=called))) as call if called == name:
                return None if beside is None else in_block_of(request.source, call, beside)
    return None


def _moved(
    request: Request, statement: Statement, *, before: Statement | None = None, behind: Statement | None = None
) -> tuple[Splice | None, Splice | None]:
    source = request.source
    whole = source.whole_line(statement)
    if whole is None or source.block(statement) is None:
        return None, None
    text = source.text[whole[0] : whole[1]].strip()
    put = request.before(before, text) if before is not None else request.after(behind, text) if behind else None
    return put, (*whole, "")
