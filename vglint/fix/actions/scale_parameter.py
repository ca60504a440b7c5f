"""`scale-parameter`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import grouped
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.ops import has


def scale_parameter(request: Request) -> Answer:
    """Divides a random parameter by the root of its first size: `nn.Parameter(torch.randn(a, b) / a**0.5)`."""
    source = request.source
    call = source.at(request.finding.span)
    match call:
        case cst.Call(args=[cst.Arg(value=cst.Call() as random), *_]) if request.names.dotted(call.func) == (
            "torch.nn.Parameter"
        ):
            pass
        case _:
            return Refusal("it is not written as nn.Parameter(torch.randn(…))")
    sizes = [arg.value for arg in random.args if arg.keyword is None]
    if request.names.dotted(random.func) != "torch.randn" or len(sizes) < 2:
        return Refusal("it is not filled by torch.randn of two sizes")
    size = next((size for size in _fan_in(request, sizes)), None)
    if size is None:
        return Refusal("which of its sizes is summed over is not known")
    _, end = source.range(random)
    return Change(((end, end, f" / {grouped(source, size)}**0.5"),), Allowed(inits=True))


def _fan_in(request: Request, sizes: list[cst.BaseExpression]) -> list[cst.BaseExpression]:
    """Returns the size that the product sums over: the last but one of `x @ weight`, the last of `F.linear(x, weight)`."""
    for place in request.places[1:]:
        for _, node in request.nodes_at(place):
            if has(node.op, "matrix_product") and len(sizes) >= 2:
                return [sizes[-2]]
            if node.op == "linear":
                return [sizes[-1]]
    return []
