"""`recurrent-init`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import argument
from vglint.fix.change import Allowed, Answer, Refusal, Request, change
from vglint.fix.source import Splice, Statement

_FILLS = {"orthogonal": "orthogonal_", "identity": "eye_"}


def recurrent_init(request: Request) -> Answer:
    """Initialises the recurrent weights of a layer behind its construction: `with = "orthogonal"` or `"identity"`; with `zeros` behind it the biases
    start at zero, with `tanh` a ReLU becomes a tanh."""
    found = built(request)
    if found is None:
        return Refusal("the layer is not assigned as it is built")
    owner, statement = found
    kind, *more = request.with_.split(" ")
    spelled = request.names.spelled(f"torch.nn.init.{_FILLS[kind]}")
    zeros = request.names.spelled("torch.nn.init.zeros_")
    if spelled is None or zeros is None:
        return Refusal("no import leads to torch.nn.init")
    lines = [
        f"for name, weight in {owner}.named_parameters():",
        '    if "weight_hh" in name:',
        f"        {spelled}(weight)",
    ]
    if "zeros" in more:
        lines += ['    elif "bias" in name:', f"        {zeros}(weight)"]
    own = request.after(statement, "\n".join(lines))
    if "tanh" not in more:
        return change(Allowed(inits=True), own)
    call = request.source.at(request.finding.span)
    given = argument(call, "nonlinearity") if isinstance(call, cst.Call) else None
    if given is None or not isinstance(given.value, cst.SimpleString):
        return Refusal("its nonlinearity is not written beside it")
    quote = given.value.quote
    tanh: Splice = (*request.source.range(given.value), f"{quote}tanh{quote}")
    return change(Allowed(inits=True, config=frozenset({"nonlinearity"})), own, tanh)


def built(request: Request) -> tuple[str, Statement] | None:
    """Returns what the finding's layer is assigned to where it is built, and the statement that does it."""
    source = request.source
    call = source.at(request.finding.span)
    match source.statement(request.finding.span):
        case cst.SimpleStatementLine(body=[cst.Assign(targets=[one], value=value)]) as statement if value is call:
            return source.code(one.target), statement
        case _:
            return None
