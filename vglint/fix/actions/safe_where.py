"""`safe-where`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import grouped, method
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.ops import having

_FUNCTIONS = ("torch.log", "torch.log2", "torch.log10", "torch.sqrt", "torch.rsqrt", "torch.reciprocal")
_METHODS = tuple(sorted(having("singular")))


def safe_where(request: Request) -> Answer:
    """Gives the function inside a `torch.where` an argument of its domain where its result is not taken: a `where` inside the `where`."""
    source = request.source
    outer = source.at(request.finding.span)
    inner = source.at(request.places[1]) if len(request.places) > 1 else None
    if not isinstance(outer, cst.Call) or request.names.dotted(outer.func) != "torch.where" or len(outer.args) != 3:
        return Refusal("it is not written as torch.where(condition, a, b)")
    condition, taken, other = (arg.value for arg in outer.args)
    if any(arg.keyword is not None or arg.star for arg in outer.args):
        return Refusal("its arguments are given by keyword")
    given = None if inner is None else _argument(request, inner)
    if inner is None or given is None:
        return Refusal("the function's argument cannot be told")
    where = source.code(outer.func)
    start, end = source.range(inner)
    first, last = source.range(taken)
    if first <= start and end <= last:
        text = f"{where}({source.code(condition)}, {source.code(given)}, 1.0)"
    elif source.range(other)[0] <= start and end <= source.range(other)[1]:
        text = f"{where}({source.code(condition)}, 1.0, {source.code(given)})"
    else:
        return Refusal("the function stands outside of it")
    if not isinstance(source.parent(given), cst.Arg):
        text = text if text.endswith(")") else grouped(source, given)
    return Change(
        ((*source.range(given), text),), Allowed(ops=frozenset({"where", "gt", "ge", "lt", "le", "ne", "eq"}))
    )


def _argument(request: Request, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """Returns what may leave the function's domain: the argument of a logarithm or root, or a divisor."""
    match node:
        case cst.Call(func=func, args=[cst.Arg(value=value, star="")]) if request.names.dotted(func) in _FUNCTIONS:
            return value
        case cst.BinaryOperation(operator=cst.Divide(), right=right):
            return right
        case _:
            return method(node, *_METHODS)
