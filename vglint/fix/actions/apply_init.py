"""`apply-init`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import body
from vglint.fix.change import Allowed, Answer, Refusal, Request, change


def apply_init(request: Request) -> Answer:
    """Calls a class's own initialiser at the end of its `__init__`: `self.apply(self._init_weights)`, or `self.init_weights()`."""
    source = request.source
    function = source.statement(request.finding.span)
    if not isinstance(function, cst.FunctionDef):
        return Refusal("it is no function")
    owner = source.around(source.parent(function) or function, cst.ClassDef, cst.FunctionDef)
    if not isinstance(owner, cst.ClassDef):
        return Refusal("it belongs to no class")
    makers = [one for one in source.every(cst.FunctionDef, owner) if one.name.value == "__init__"]
    arguments = [one for one in function.params.params if one.default is None]
    last = body(makers[0])[-1:] if makers else []
    if not last or function.decorators or len(arguments) not in (1, 2):
        return Refusal("its class has no __init__, or it takes other arguments")
    name = f"self.{function.name.value}"
    line = f"{name}()" if len(arguments) == 1 else f"self.apply({name})"
    return change(Allowed(inits=True, ops=frozenset({"idle_init"}), anywhere=True), request.after(last[0], line))
