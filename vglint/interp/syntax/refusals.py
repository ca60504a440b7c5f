"""Arms in which a script refuses to run: without a GPU, without an option, with something that the interpreter knows too little of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from vglint.interp.machine.core import Frame, Run, evaluate
from vglint.interp.protocols.comparison import GPU
from vglint.interp.values.objects import Value

_SAYING = frozenset({"print", "exit", "quit", "error", "warning", "warn", "info", "critical", "exception", "_exit"})


def refuses(run: Run, node: cst.If, condition: Value, known: bool | None, frame: Frame) -> bool | None:
    """Returns the arm that is walked where the other one only gives up: True for the body, False for the rest, None for no such thing.

    Code is followed as on a machine without a GPU and with the defaults of its command line, but training code that does nothing but
    complain there is followed as if it had what it asks for: its author has run it.
    """
    if known is None or not run.training_code:
        return None
    if condition == GPU and isinstance(node.orelse, cst.Else) and _gives_up(node.orelse.body.body):
        return True
    if known and _gives_up(node.body.body) and (_without_gpu(run, node.test, frame) or _raises(run, node)):
        return False
    return None


def _without_gpu(run: Run, test: cst.BaseExpression, frame: Frame) -> bool:
    return (
        isinstance(test, cst.UnaryOperation)
        and isinstance(test.operator, cst.Not)
        and evaluate(run, test.expression, frame) == GPU
    )


def _raises(run: Run, node: cst.If) -> bool:
    """Whether an arm is an error that nothing around catches: its author's program came past it."""
    return run.trying == 0 and any(isinstance(each, cst.Raise) for each in _small(node.body.body))


def _gives_up(statements: Sequence[Any]) -> bool:
    """Whether statements do nothing but say something, raise or leave."""
    found = list(_small(statements))
    return bool(found) and len(found) >= len(statements) and all(_complains(each) for each in found)


def _complains(node: Any) -> bool:
    if isinstance(node, (cst.Raise, cst.Pass)):
        return True
    if isinstance(node, cst.Return):
        return node.value is None
    if not isinstance(node, cst.Expr) or not isinstance(node.value, cst.Call):
        return False
    callee = node.value.func
    name = (
        callee.attr.value if isinstance(callee, cst.Attribute) else callee.value if isinstance(callee, cst.Name) else ""
    )
    return name in _SAYING


def _small(statements: Sequence[Any]) -> list[Any]:
    """Returns the simple statements; a compound one stands for itself."""
    found: list[Any] = []
    for each in statements:
        found += each.body if isinstance(each, cst.SimpleStatementLine) else [each]
    return found
