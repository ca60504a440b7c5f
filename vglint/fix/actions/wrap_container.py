"""`wrap-container`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.change import Allowed, Answer, Change, Refusal, Request


def wrap_container(request: Request) -> Answer:
    """Registers what a list or dict holds: `self.layers = […]` becomes `self.layers = nn.ModuleList([…])`, of parameters `nn.ParameterList`."""
    statement = request.source.statement(request.finding.span)
    match statement:
        case cst.SimpleStatementLine(body=[cst.Assign(value=value)]):
            pass
        case cst.SimpleStatementLine(body=[cst.AnnAssign(value=value)]) if value is not None:
            pass
        case _:
            return Refusal("the container is not assigned as a whole")
    what = (
        "Parameter" if any(_is_parameter(request, call) for call in request.source.every(cst.Call, value)) else "Module"
    )
    if isinstance(value, (cst.List, cst.ListComp)):
        name = f"{what}List"
    elif isinstance(value, (cst.Dict, cst.DictComp)):
        name = f"{what}Dict"
    else:
        return Refusal("it is no list or dict that is written out")
    owner = request.names.spelled(f"torch.nn.{name}")
    if owner is None:
        return Refusal("no import leads to torch.nn")
    start, end = request.source.range(value)
    return Change(((start, start, f"{owner}("), (end, end, ")")), Allowed(registered=True, inits=True))


def _is_parameter(request: Request, call: cst.Call) -> bool:
    return request.names.dotted(call.func) in ("torch.nn.Parameter", "torch.nn.parameter.Parameter")
