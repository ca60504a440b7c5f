"""`delete-statement`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.change import Allowed, Answer, Refusal, Request, change


def delete_statement(request: Request) -> Answer:
    """Takes the statement of the finding out, with its line. The argument names the operations that go with it."""
    statement = request.source.statement(request.finding.span)
    if not isinstance(statement, cst.SimpleStatementLine):
        return Refusal("it is no statement of one line")
    allowed = Allowed(ops=frozenset(request.with_.split()), inits=True)
    return change(allowed, request.without(statement), why="its block would be empty")
