"""`set-keyword`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import argument, is_starred
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request

_MOVES = {"norm_first": frozenset({"layer_norm"}), "batch_first": frozenset({"transpose"})}
"""Operations that a keyword moves to another place in the graph."""


def set_keyword(request: Request) -> Answer:
    """Gives a layer's constructor a keyword: `with = "norm_first=True"`, or `with = "related batch_first=True"` at the first other place."""
    source, span = request.source, request.target
    keyword, _, value = request.with_.removeprefix("related").strip().partition("=")
    call = None if span is None else source.at(span)
    if not isinstance(call, cst.Call) or not value or is_starred(call):
        return Refusal("it is not written as a call whose arguments are all seen")
    given = argument(call, keyword)
    ops = _MOVES.get(keyword, frozenset())
    allowed = Allowed(ops=ops, config=frozenset({keyword}), links=bool(ops), anywhere=True)
    if given is not None:
        return Change(((*source.range(given.value), value),), allowed)
    if not call.args:
        _, end = source.range(call)
        return Change(((end - 1, end - 1, f"{keyword}={value}"),), allowed)
    _, end = source.range(call.args[-1].value)
    return Change(((end, end, f", {keyword}={value}"),), allowed)
