"""`exp-to-softmax`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import argument, assignments, method
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request


def exp_to_softmax(request: Request) -> Answer:
    """Writes a softmax or log-sum-exp by hand as torch's own: `e / e.sum(1, keepdim=True)` becomes `torch.softmax(x, 1)`."""
    source = request.source
    exp = source.at(request.finding.span)
    use = source.at(request.places[1]) if len(request.places) > 1 else None
    torch = request.names.spelled("torch.softmax")
    scores = None if exp is None else _exponent(request, exp)
    if exp is None or use is None or torch is None or scores is None:
        return Refusal("the exponential and its sum are not written as calls")
    ops = frozenset({"exp", "sum", "div", "log", "softmax", "logsumexp"})
    owner = torch.rpartition(".")[0]
    prefix = f"{owner}." if owner else ""
    match use:
        case cst.BinaryOperation(operator=cst.Divide(), left=cst.Name() as above, right=below) if (
            dim := _sum_of(request, below, above)
        ) is not None:
            function = source.around(exp, cst.FunctionDef, cst.Module)
            made = [] if function is None else assignments(source, above.value, function)
            own = next((one for one in made if one.value is exp), None)
            reads = [name for name in source.every(cst.Name, function) if name.value == above.value]
            target = source.statement(use)
            rebound = any(one.value is use for one in made)
            if (
                own is None
                or target is None
                or len(reads) != len(made) + 2 + _later(source.text, request, use, above.value, rebound)
            ):
                return Refusal("the exponential is used for something else too")
            statement = source.statement(exp)
            gone = None if statement is None else request.without(statement)
            if gone is None:
                return Refusal("it shares its line with others")
            return Change(
                (gone, (*source.range(use), f"{prefix}softmax({source.code(scores)}, {dim})")), Allowed(ops=ops)
            )
        case cst.Call() if _logged(request, use) is not None:
            total = _logged(request, use)
            if total is None or (dim := _sum_of(request, total, exp)) is None:
                return Refusal("the sum is not taken of the exponential itself")
            return Change(((*source.range(use), f"{prefix}logsumexp({source.code(scores)}, {dim})"),), Allowed(ops=ops))
        case _:
            return Refusal("it is neither a quotient nor a logarithm of the sum")


def _later(text: str, request: Request, use: cst.BaseExpression, name: str, rebound: bool) -> int:
    """Returns how many reads of the name come behind its new binding."""
    if not rebound:
        return 0
    source = request.source
    function = source.around(use, cst.FunctionDef, cst.Module)
    _, end = source.range(use)
    return sum(one.value == name and source.range(one)[0] > end for one in source.every(cst.Name, function))


def _exponent(request: Request, node: cst.BaseExpression) -> cst.BaseExpression | None:
    if isinstance(node, cst.Call) and request.names.dotted(node.func) == "torch.exp" and len(node.args) == 1:
        return node.args[0].value
    return method(node, "exp")


def _logged(request: Request, node: cst.BaseExpression) -> cst.BaseExpression | None:
    if isinstance(node, cst.Call) and request.names.dotted(node.func) == "torch.log" and len(node.args) == 1:
        return node.args[0].value
    return method(node, "log")


def _sum_of(request: Request, node: cst.BaseExpression, of: cst.BaseExpression) -> str | None:
    """Returns the dimensions, as arguments, over which a sum of an expression is taken."""
    source = request.source
    if not isinstance(node, cst.Call):
        return None
    owner = method(node, "sum")
    place = 0
    if request.names.dotted(node.func) == "torch.sum" and node.args:
        owner, place = node.args[0].value, 1
    dim = argument(node, "dim", place) or argument(node, "axis")
    if owner is None or dim is None or source.code(owner) != source.code(of):
        return None
    keep = argument(node, "keepdim", place + 1)
    kept = keep is not None and source.code(keep.value) == "True"
    divided = isinstance(of, cst.Name)
    if divided and not kept:
        return None
    return source.code(dim.value) + (", keepdim=True" if kept and not divided else "")
