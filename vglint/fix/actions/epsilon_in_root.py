"""`epsilon-in-root`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import argument, grouped, method
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.source import Source

_EPSILON = "1e-12"


def epsilon_in_root(request: Request) -> Answer:
    """Adds a small number under a root, `torch.sqrt(x + 1e-12)`, so that its slope is finite where `x` is 0."""
    node = request.source.at(request.finding.span)
    under = None if node is None else _under(request, node)
    if under is None:
        return Refusal("the root's argument cannot be told")
    if dict(request.finding.evidence).get("root_of_variance") is True:
        return Refusal("a variance by hand may be below zero: a small number added to it does not help")
    start, end = request.source.range(under)
    text = f"{_term(request.source, under)} + {_EPSILON}"
    bare = isinstance(request.source.parent(under), cst.Arg)
    return Change(((start, end, text if bare else f"({text})"),), Allowed(ops=frozenset({"add"})))


def _under(request: Request, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """Returns what a root is taken of, in each of its spellings."""
    owner = method(node, "sqrt", "sqrt_", "pow", "pow_", "rsqrt")
    match node:
        case cst.Call(func=func) if request.names.dotted(func) in ("torch.sqrt", "torch.rsqrt", "torch.pow"):
            given = argument(node, "input", 0) or argument(node, "self", 0)
            return None if given is None or given.star else given.value
        case cst.BinaryOperation(operator=cst.Power(), left=left):
            return left
        case _:
            return owner


def _term(source: Source, node: cst.BaseExpression) -> str:
    arithmetic = isinstance(node, cst.BinaryOperation)
    return source.code(node) if arithmetic and not node.lpar else grouped(source, node)
