"""`replace-op`."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.source import Splice
from vglint.ops import find
from vglint.span import Span


def replace_op(request: Request) -> Answer:
    """Puts another activation, `with = "torch.nn.GELU"`, in the place of this one and of those of its kind that the finding names."""
    wanted = find(request.with_)
    kinds = {node.op for _, node in request.nodes_at(request.finding.span)}
    if wanted is None or len(kinds) != 1:
        return Refusal("its operation is not known")
    old = kinds.pop()
    splices = replaced(request, request.places, old, request.with_)
    if isinstance(splices, str):
        return Refusal(splices)
    return Change(splices, Allowed(ops=frozenset({old, wanted.op}), anywhere=True))


def replaced(request: Request, places: Sequence[Span], old: str, new: str) -> tuple[Splice, ...] | str:
    """Returns the edits that put an activation, by its module's dotted name, in the place of those of another kind; why not, where there
    are none."""
    wanted = find(new)
    assert wanted is not None
    splices: dict[Splice, None] = {}
    for span in dict.fromkeys(places):
        call = request.source.at(span) if span.file == request.finding.span.file else None
        nodes = [node for _, node in request.nodes_at(span) if node.op == old]
        if not nodes:
            continue
        if not isinstance(call, cst.Call):
            return f"{old} is not written as a call in this file"
        splice = _replaced(request, call, new, wanted.op)
        if splice is None:
            return f"no import leads to {new}, or {old} takes more arguments than a tensor"
        splices[splice] = None
    return tuple(splices) or "it is not written as a call in this file"


def _replaced(request: Request, call: cst.Call, dotted: str, op: str) -> Splice | None:
    """Returns the edit of one call: `nn.Sigmoid()` becomes `nn.GELU()`, `torch.sigmoid(x)` and `x.sigmoid()` become `F.gelu(x)`."""
    source, names = request.source, request.names
    start, end = source.range(call)
    said = names.dotted(call.func)
    known = find(said) if said else None
    if known is not None and known.form == "module":
        spelled = names.spelled(dotted)
        return None if spelled is None else (start, end, f"{spelled}()")
    function = names.spelled(f"torch.{op}") if op == "relu" else None
    function = function or names.spelled(f"torch.nn.functional.{op}")
    if function is None:
        return None
    if known is not None and call.args and not call.args[0].star:
        return start, end, f"{function}({source.code(call.args[0].value)})"
    if isinstance(call.func, cst.Attribute) and said is None:
        return start, end, f"{function}({source.code(call.func.value)})"
    return None
