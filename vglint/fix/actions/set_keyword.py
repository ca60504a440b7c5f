"""`set-keyword`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import argument, is_starred
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.source import Source, Splice
from vglint.span import Span

_MOVES = {"norm_first": frozenset({"layer_norm"}), "batch_first": frozenset({"transpose"})}
"""Operations that a keyword moves to another place in the graph."""


def set_keyword(request: Request) -> Answer:
    """Gives a layer's constructor a keyword: `with = "norm_first=True"`; with `"related batch_first=True"` at the first other place, with
    `"torch.nn.TransformerEncoderLayer norm_first=True"` wherever the entry builds such layers."""
    *where, assigned = request.with_.split(" ")
    keyword, _, value = assigned.partition("=")
    spans = [request.target] if where in ([], ["related"]) else _built(request, frozenset(where))
    ops = _MOVES.get(keyword, frozenset())
    allowed = Allowed(ops=ops, config=frozenset({keyword}), links=bool(ops), anywhere=True)
    splices: list[Splice] = []
    for span in spans:
        call = None if span is None or span.file != request.finding.span.file else request.source.at(span)
        if not isinstance(call, cst.Call) or not value or is_starred(call):
            return Refusal("it is not written as a call whose arguments are all seen")
        splices.append(_given(request.source, call, keyword, value))
    return Change(tuple(splices), allowed) if splices else Refusal("no such layer is built here")


def _built(request: Request, types: frozenset[str]) -> list[Span | None]:
    """Returns where the finding's entry builds the layers of some types."""
    modules = () if request.graph is None else request.graph.modules
    return list(dict.fromkeys(module.span for module in modules if module.type in types))


def _given(source: Source, call: cst.Call, keyword: str, value: str) -> Splice:
    """Returns the edit that gives a call a keyword."""
    given = argument(call, keyword)
    if given is not None:
        return (*source.range(given.value), value)
    if not call.args:
        _, end = source.range(call)
        return end - 1, end - 1, f"{keyword}={value}"
    _, end = source.range(call.args[-1].value)
    return end, end, f", {keyword}={value}"
