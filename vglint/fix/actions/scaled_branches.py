"""`scaled-branches`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import grouped
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.models import model_of
from vglint.fix.remedies.scaled_branches import branches_of
from vglint.fix.source import Splice


def scaled_branches(request: Request) -> Answer:
    """Divides each residual branch by the number of blocks: `x + self.block(x)` becomes `x + self.block(x) / 16`."""
    model = model_of(request)
    branches = None if model is None else branches_of(model)
    if model is None or branches is None:
        return Refusal("the branches are not found in the graph")
    splices: dict[Splice, None] = {}
    for index, branch in branches:
        node = model.view.graph.nodes[index]
        span = node.span
        expression = request.source.at(span) if span.file == request.finding.span.file else None
        operand = None if expression is None else _side(expression, node.inputs.index(branch))
        if operand is None:
            return Refusal("a sum is not written as a + b in this file")
        text = f"{grouped(request.source, operand)} / {len(branches)}"
        start, end = request.source.range(operand)
        splices[start, end, text] = None
    return Change(tuple(splices), Allowed(ops=frozenset({"mul", "div"})))


def _side(expression: cst.BaseExpression, place: int) -> cst.BaseExpression | None:
    """Returns the left or right term of a sum."""
    match expression:
        case cst.BinaryOperation(operator=cst.Add(), left=left, right=right):
            return right if place else left
        case _:
            return None
