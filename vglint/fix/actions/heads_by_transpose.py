"""`heads-by-transpose`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.change import Allowed, Answer, Change, Refusal, Request


def heads_by_transpose(request: Request) -> Answer:
    """Splits heads off the last dimension: `x.view(b, heads, n, d)` becomes `x.view(b, n, heads, d).transpose(1, 2)`."""
    source, span = request.source, request.target
    call = None if span is None else source.at(span)
    match call:
        case cst.Call(
            func=cst.Attribute(attr=cst.Name(value="view" | "reshape")),
            args=[cst.Arg(), cst.Arg(value=heads), cst.Arg(value=length), cst.Arg()] as args,
        ) if not any(arg.star or arg.keyword for arg in args):
            pass
        case _:
            return Refusal("it is not written as a view of four sizes")
    _, end = source.range(call)
    splices = (
        (*source.range(heads), source.code(length)),
        (*source.range(length), source.code(heads)),
        (end, end, ".transpose(1, 2)"),
    )
    return Change(splices, Allowed(ops=frozenset({"view", "reshape", "transpose"})))
