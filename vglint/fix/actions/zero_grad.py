"""`zero-grad`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import in_block_of, is_same_block
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request, change
from vglint.fix.source import Statement

_ALLOWED = Allowed(ops=frozenset({"zero_grad"}))


def zero_grad(request: Request) -> Answer:
    """Puts `optimizer.zero_grad()` before the backward pass that fills the gradients, or behind a step that does not run in every turn."""
    source = request.source
    step = source.at(request.finding.span)
    statement = source.statement(request.finding.span)
    if not isinstance(step, cst.Call) or statement is None:
        return Refusal("the step is not written as a call")
    optimizer = stepped(step)
    if optimizer is None:
        return Refusal("the optimiser has no name here")
    line = f"{source.code(optimizer)}.zero_grad()"
    suite = source.around(step, cst.SimpleStatementSuite, cst.IndentedBlock, cst.Module)
    if isinstance(suite, cst.SimpleStatementSuite) and isinstance(source.parent(suite), cst.If):
        _, end = source.range(step)
        return Change(((end, end, f"; {line}"),), _ALLOWED)
    arms = _around_arms(request, statement, source.code(optimizer))
    if arms is not None:
        return change(_ALLOWED, request.before(arms, line))
    for place in request.places[1:]:
        backward = source.statement(place)
        if backward is None or not _is_backward(source.at(place)):
            continue
        around = in_block_of(source, backward, statement)
        if around is not None and (around is backward or not is_same_block(source, backward, statement)):
            return change(_ALLOWED, request.before(around, line))
        break
    return change(_ALLOWED, request.after(statement, line))


def _around_arms(request: Request, step: Statement, optimizer: str) -> Statement | None:
    """Returns the `if` inside the loop in whose arms one optimiser steps, each time after a backward pass of the arm; None where there is none."""
    source = request.source
    around = source.parent(step)
    while around is not None and not isinstance(around, (cst.For, cst.While, cst.FunctionDef)):
        if isinstance(around, cst.If) and source.indent(around) is not None:
            calls = list(source.every(cst.Call, around))
            owners = [owner for owner in map(stepped, calls) if owner is not None]
            steps = sum(source.code(owner) == optimizer for owner in owners)
            if steps > 1 and sum(map(_is_backward, calls)) >= steps:
                return around
        around = source.parent(around)
    return None


def stepped(call: cst.Call) -> cst.BaseExpression | None:
    """Returns the optimiser that `optimizer.step()` or `scaler.step(optimizer)` moves."""
    match call:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="step")), args=[cst.Arg(value=first, star=""), *_]) if (
            isinstance(first, (cst.Name, cst.Attribute))
        ):
            return first
        case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value="step"))) if isinstance(
            owner, (cst.Name, cst.Attribute)
        ):
            return owner
        case _:
            return None


def _is_backward(node: cst.BaseExpression | None) -> bool:
    match node:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="backward"))):
            return True
        case _:
            return False
