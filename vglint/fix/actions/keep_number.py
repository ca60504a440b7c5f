"""`keep-number`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import grouped
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request


def keep_number(request: Request) -> Answer:
    """Keeps a loss as a number in place of its graph: `total += loss` becomes `total += loss.item()`, `losses.append(loss)` likewise."""
    source = request.source
    statement = source.statement(request.finding.span)
    kept: cst.BaseExpression | None = None
    match statement:
        case cst.SimpleStatementLine(body=[cst.AugAssign(operator=cst.AddAssign(), value=value)]):
            kept = value
        case cst.SimpleStatementLine(
            body=[
                cst.Expr(value=cst.Call(func=cst.Attribute(attr=cst.Name(value="append")), args=[cst.Arg(value=value)]))
            ]
        ):
            kept = value
    if kept is None:
        return Refusal("it is no sum or list that is added to")
    if isinstance(kept, cst.BinaryOperation) and isinstance(kept.left, cst.Name) and not kept.lpar:
        kept = kept.left
    return Change(
        ((*source.range(kept), f"{grouped(source, kept)}.item()"),), Allowed(ops=frozenset({"add", "item", "carried"}))
    )
