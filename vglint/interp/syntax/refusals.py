"""Arms in which a script refuses to run: without a GPU, without an option, with something that the interpreter knows too little of."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.interp.machine.core import Frame, Run, evaluate
from vglint.interp.protocols.comparison import GPU
from vglint.interp.values.objects import Value
from vglint.source import code

_SAYING = frozenset({"print", "exit", "quit", "error", "warning", "warn", "info", "critical", "exception", "_exit"})


def refuses(run: Run, node: code.If, condition: Value, known: bool | None, frame: Frame) -> bool | None:
    """Returns the arm that is walked where the other one only gives up: True for the body, False for the rest, None for no such thing.

    Code is followed as on a machine without a GPU and with the defaults of its command line, but training code that does nothing but
    complain there is followed as if it had what it asks for: its author has run it.
    """
    if known is None or not run.context.training_code:
        return None
    if condition == GPU and not _is_elif(node) and _gives_up(node.orelse):
        return True
    if known and _gives_up(node.body) and (_without_gpu(run, node.test, frame) or _raises(run, node)):
        return False
    return None


def _without_gpu(run: Run, test: code.Expression, frame: Frame) -> bool:
    return isinstance(test, code.Unary) and test.operator == "not" and evaluate(run, test.operand, frame) == GPU


def _raises(run: Run, node: code.If) -> bool:
    """Whether an arm is an error that nothing around catches: its author's program came past it."""
    return not run.context.trying and any(isinstance(each, code.Raise) for each in node.body)


def _gives_up(statements: Sequence[code.Statement]) -> bool:
    """Whether statements do nothing but say something, raise or leave."""
    return bool(statements) and all(_complains(each) for each in statements)


def _is_elif(node: code.If) -> bool:
    return len(node.orelse) == 1 and isinstance(node.orelse[0], code.If)


def _complains(node: code.Statement) -> bool:
    match node:
        case code.Raise() | code.Jump(kind="pass") | code.Return(value=None):
            return True
        case code.Expr(value=code.Call(func=code.Name(id=name) | code.Attribute(attr=name))):
            return name in _SAYING
        case _:
            return False
