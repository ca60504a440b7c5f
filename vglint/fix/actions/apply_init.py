"""`apply-init`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import body
from vglint.fix.change import Allowed, Answer, Refusal, Request, change


def apply_init(request: Request) -> Answer:
    """Calls a class's own initialiser at the end of its `__init__`: `self.apply(self._init_weights)`, or `self.init_weights()`; a function
    of the file is applied behind the one statement that builds the model which the file trains."""
    source = request.source
    function = source.statement(request.finding.span)
    if not isinstance(function, cst.FunctionDef):
        return Refusal("it is no function")
    owner = source.around(source.parent(function) or function, cst.ClassDef, cst.FunctionDef)
    if not isinstance(owner, cst.ClassDef):
        return _applied(request, function)
    makers = [one for one in source.every(cst.FunctionDef, owner) if one.name.value == "__init__"]
    arguments = [one for one in function.params.params if one.default is None]
    last = body(makers[0])[-1:] if makers else []
    if not last or function.decorators or len(arguments) not in (1, 2):
        return Refusal("its class has no __init__, or it takes other arguments")
    name = f"self.{function.name.value}"
    line = f"{name}()" if len(arguments) == 1 else f"self.apply({name})"
    return change(Allowed(inits=True, ops=frozenset({"idle_init"}), anywhere=True), request.after(last[0], line))


def _applied(request: Request, function: cst.FunctionDef) -> Answer:
    """Applies a function of the file's top level to the model: `model.apply(init_weights)`."""
    source, graph = request.source, request.graph
    if not isinstance(source.parent(function), cst.Module) or function.decorators or len(function.params.params) != 1:
        return Refusal("it belongs to no class, and cannot be applied to a model")
    kinds = {module.type.rpartition(".")[2] for module in graph.modules} if graph is not None else set()
    built = [
        node
        for node in source.every(cst.Assign)
        if isinstance(node.value, cst.Call)
        and isinstance(node.value.func, cst.Name)
        and node.value.func.value in kinds
        and isinstance(node.targets[0].target, cst.Name)
    ]
    statement = source.statement(built[0]) if len(built) == 1 else None
    if statement is None:
        return Refusal("it is not one statement that builds the model")
    if isinstance(source.parent(statement), cst.Module) and source.range(statement)[0] < source.range(function)[1]:
        return Refusal("the model is built before it")
    line = f"{source.code(built[0].targets[0].target)}.apply({function.name.value})"
    allowed = Allowed(inits=True, ops=frozenset({"idle_init"}), anywhere=True)
    return change(allowed, request.after(statement, line))
