"""`clip-before-step`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.actions.zero_grad import stepped
from vglint.fix.calls import argument, defined
from vglint.fix.change import Allowed, Answer, Refusal, Request, change


def clip_before_step(request: Request) -> Answer:
    """Puts `torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)` before the step, with the parameters as the optimiser was given them."""
    source = request.source
    step = source.at(request.finding.span)
    statement = source.statement(request.finding.span)
    optimizer = stepped(step) if isinstance(step, cst.Call) else None
    clip = request.names.spelled("torch.nn.utils.clip_grad_norm_")
    if statement is None or optimizer is None or clip is None or source.code(step or statement).startswith("scaler"):
        return Refusal("the step is not written as optimizer.step(), or no import leads to torch.nn.utils")
    built = defined(source, optimizer)
    given = argument(built, "params", 0) if isinstance(built, cst.Call) else None
    match None if given is None else given.value:
        case (
            cst.Call(
                func=cst.Attribute(value=cst.Name() | cst.Attribute(), attr=cst.Name(value="parameters"))
            ) as parameters
        ):
            line = f"{clip}({source.code(parameters)}, 1.0)"
        case _:
            return Refusal("the optimiser is not built here from model.parameters()")
    return change(Allowed(ops=frozenset({"clip_grad_norm"})), request.before(statement, line))
