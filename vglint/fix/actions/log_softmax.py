"""`log-softmax`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import argument, defined, is_same_block, method
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.source import Splice

_LOGS = {"softmax": "log_softmax", "sigmoid": "logsigmoid"}


def log_softmax(request: Request) -> Answer:
    """Takes the logarithm of a softmax or sigmoid in one step: `torch.log(F.softmax(x, dim=1))` becomes `F.log_softmax(x, dim=1)`."""
    source = request.source
    log = source.at(request.finding.span)
    inner = None if log is None else _logged(request, log)
    made = None if inner is None else defined(source, inner)
    if log is None or inner is None or not isinstance(made, cst.Call):
        return Refusal("the probability is not made by a call that stands beside it")
    what, given, rest = _squashed(request, made)
    function = request.names.spelled(f"torch.nn.functional.{_LOGS.get(what, what)}")
    if given is None or function is None or argument(made, "dtype") is not None:
        return Refusal("it is no softmax or sigmoid of one tensor")
    allowed = Allowed(ops=frozenset({what, _LOGS[what], "log"}), anywhere=inner is not made)
    text = source.code(given)
    extra: tuple[Splice, ...] = ()
    idle = None if inner is made else _idle(request, inner, made)
    if idle is not None:
        extra = (idle,)
    elif inner is not made and not isinstance(given, cst.Name):
        name = _free(request, inner)
        statement = source.statement(made)
        first = None if statement is None or name is None else request.before(statement, f"{name} = {text}")
        if first is None or name is None:
            return Refusal("what stands before it has no name")
        text, extra = name, (first, (*source.range(given), name))
    dims = "".join(f", {source.code(arg).rstrip().rstrip(',')}" for arg in rest) if what == "softmax" else ""
    own: Splice = (*source.range(log), f"{function}({text}{dims})")
    return Change((*extra, own), allowed)


def _idle(request: Request, name: cst.BaseExpression, made: cst.Call) -> Splice | None:
    """Returns the edit that takes the statement of a probability out which only its logarithm reads; None where it has to stay."""
    source = request.source
    function = source.around(name, cst.FunctionDef, cst.Module)
    statement = source.statement(made)
    if function is None or statement is None or not isinstance(name, cst.Name):
        return None
    uses = [one for one in source.every(cst.Name, function) if one.value == name.value]
    beside = source.statement(name)
    is_next = beside is not None and is_same_block(source, statement, beside)
    return request.without(statement) if len(uses) == 2 and is_next else None


def _logged(request: Request, node: cst.BaseExpression) -> cst.BaseExpression | None:
    if isinstance(node, cst.Call) and request.names.dotted(node.func) == "torch.log" and node.args:
        return node.args[0].value
    return method(node, "log")


def _squashed(request: Request, call: cst.Call) -> tuple[str, cst.BaseExpression | None, list[cst.Arg]]:
    """Returns `softmax` or `sigmoid`, the tensor that it is taken of, and the other arguments."""
    dotted = request.names.dotted(call.func)
    name = (dotted or "").rpartition(".")[2]
    if dotted is not None and dotted.startswith("torch") and name in _LOGS:
        given = argument(call, "input", 0)
        return name, None if given is None else given.value, [arg for arg in call.args if arg is not given]
    for name in _LOGS:
        if dotted is None and (owner := method(call, name)) is not None and not _is_self(owner):
            return name, owner, list(call.args)
    return "", None, []


def _is_self(owner: cst.BaseExpression) -> bool:
    return isinstance(owner, cst.Name) and owner.value == "self"


def _free(request: Request, near: cst.CSTNode) -> str | None:
    """Returns a name that the function around a node does not use yet."""
    function = request.source.around(near, cst.FunctionDef, cst.Module)
    if function is None:
        return None
    taken = {node.value for node in request.source.every(cst.Name, function)}
    return next((name for name in ("logits", "scores") if name not in taken), None)
