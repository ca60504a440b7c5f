"""`leaf-last`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import argument, grouped
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.source import Source


def leaf_last(request: Request) -> Answer:
    """Makes a tensor require its gradient only once it is finished: `(torch.randn(3) * 0.1).requires_grad_()`, `nn.Parameter(x.cuda())`."""
    source = request.source
    for place in request.places:
        outer = source.at(place)
        if outer is None:
            continue
        for call in source.every(cst.Call, outer):
            if call is outer:
                continue
            flag = argument(call, "requires_grad")
            if flag is not None and isinstance(flag.value, cst.Name) and flag.value.value == "True":
                return _finished(source, outer, call, flag)
            if request.names.dotted(call.func) == "torch.nn.Parameter" and len(call.args) == 1:
                return _wrapped(source, outer, call)
    return Refusal("where it starts to require a gradient cannot be told")


_ALLOWED = Allowed(
    ops=frozenset({"mul", "div", "add", "sub", "to", "parameter", "requires_grad", "cuda"}),
    config=frozenset({"requires_grad"}),
    registered=True,
    inits=True,
    links=True,
)


def _finished(source: Source, outer: cst.BaseExpression, call: cst.Call, flag: cst.Arg) -> Answer:
    args = list(call.args)
    place = args.index(flag)
    start = source.range(args[place - 1].value)[1] if place else source.range(flag)[0]
    end = source.range(flag.value)[1] if place or len(args) == 1 else source.range(args[1])[0]
    (first, last), text = source.range(outer), grouped(source, outer)
    opened = "(" if text.startswith("(") and not source.code(outer).startswith("(") else ""
    return Change(
        ((first, first, opened), (start, end, ""), (last, last, (")" if opened else "") + ".requires_grad_()")),
        _ALLOWED,
    )


def _wrapped(source: Source, outer: cst.BaseExpression, call: cst.Call) -> Answer:
    start, end = source.range(call)
    inner = grouped(source, call.args[0].value)
    first, last = source.range(outer)
    name = source.code(call.func)
    return Change(((first, last, f"{name}({source.text[first:start]}{inner}{source.text[end:last]})"),), _ALLOWED)
