"""`log-probabilities`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.change import Allowed, Answer, Change, Refusal, Request

_LOGS = {
    "torch.nn.functional.softmax": "torch.nn.functional.log_softmax",
    "torch.softmax": "torch.log_softmax",
    "torch.nn.Softmax": "torch.nn.LogSoftmax",
}


def log_probabilities(request: Request) -> Answer:
    """Hands log-probabilities to a loss that takes them: `F.softmax(x, dim=1)` becomes `F.log_softmax(x, dim=1)`."""
    source = request.source
    call = source.at(request.places[1]) if len(request.places) > 1 else None
    match call:
        case cst.Call(func=func) if (said := request.names.dotted(func)) in _LOGS:
            spelled = request.names.spelled(_LOGS[said])
            splice = None if spelled is None else (*source.range(func), spelled)
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="softmax") as name)) if not request.names.dotted(
            call.func
        ):
            splice = (*source.range(name), "log_softmax")
        case _:
            return Refusal("the loss's input is not made by a softmax")
    if splice is None:
        return Refusal("no import leads to log_softmax")
    return Change((splice,), Allowed(ops=frozenset({"softmax", "log_softmax"}), anywhere=True))
