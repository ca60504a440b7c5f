"""`divide-loss`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import grouped
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request


def divide_loss(request: Request) -> Answer:
    """Divides an accumulated loss by the number of its micro-batches: `(loss / 4).backward()`, with the number as the condition of the step
    has it."""
    source = request.source
    for place in request.places:
        call = source.at(place)
        match call:
            case cst.Call(func=cst.Attribute(value=loss, attr=cst.Name(value="backward"))):
                break
    else:
        return Refusal("the backward pass is not written as loss.backward()")
    match loss:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="scale")), args=[cst.Arg(value=scaled)]):
            loss = scaled
    count = _count(request, call)
    if count is None:
        return Refusal("the number of micro-batches is not written in a condition of the loop")
    text = f"{grouped(source, loss)} / {count}"
    bare = isinstance(source.parent(loss), cst.Arg)
    return Change(((*source.range(loss), text if bare else f"({text})"),), Allowed(ops=frozenset({"div"})))


def _count(request: Request, near: cst.CSTNode) -> str | None:
    """Returns the right side of the loop's only `step % count`."""
    loop = request.source.around(near, cst.For, cst.While)
    if loop is None:
        return None
    found = [
        node.right
        for node in request.source.every(cst.BinaryOperation, loop)
        if isinstance(node.operator, cst.Modulo) and isinstance(node.right, (cst.Name, cst.Integer, cst.Attribute))
    ]
    return request.source.code(found[0]) if len({request.source.code(one) for one in found}) == 1 else None
