"""`drop-rewrap`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import in_place_of
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request, change

_WRAPS = (
    "torch.tensor",
    "torch.as_tensor",
    "torch.autograd.Variable",
    "torch.autograd.variable.Variable",
    "torch.Tensor",
)


def drop_rewrap(request: Request) -> Answer:
    """Takes the new tensor around a loss away: `torch.tensor(loss, requires_grad=True)` becomes `loss`."""
    source = request.source
    call = source.at(request.finding.span)
    statement = source.statement(request.finding.span)
    if not isinstance(call, cst.Call) or statement is None:
        return Refusal("it is not written as a call")
    allowed = Allowed(ops=frozenset({"tensor", "as_tensor", "detach", "parameter", "requires_grad"}), links=True)
    match call.func:
        case cst.Attribute(attr=cst.Name(value="requires_grad_")) if isinstance(source.parent(call), cst.Expr):
            return change(allowed, request.without(statement), why="its block would be empty")
    if request.names.dotted(call.func) not in _WRAPS or not call.args or call.args[0].star:
        return Refusal("what is wrapped cannot be told")
    inner = call.args[0].value
    match statement:
        case cst.SimpleStatementLine(body=[cst.Assign(targets=[one], value=value)]) if value is call and source.code(
            one.target
        ) == source.code(inner):
            return change(allowed, request.without(statement), why="its block would be empty")
    return Change(((*source.range(call), in_place_of(source, call, inner)),), allowed)
