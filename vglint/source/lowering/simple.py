"""Statements of one line, lowered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import libcst as cst

from vglint.source import code
from vglint.source.code import Statement
from vglint.source.lowering.access import element_or
from vglint.source.lowering.cursor import Cursor, Mismatch, expression, optional, statement_rule
from vglint.source.lowering.operations import OPERATORS

_AUGMENTED: dict[type[cst.CSTNode], str] = {
    getattr(cst, f"{kind.__name__}Assign"): symbol
    for kind, symbol in OPERATORS.items()
    if hasattr(cst, f"{kind.__name__}Assign")
}


@statement_rule(cst.Expr)
def expr(node: cst.Expr, at: Cursor) -> Statement:
    start = at.skip()
    value = expression(node.value, at)
    return code.Expr(start, at.at, value)


@statement_rule(cst.Assign)
def assign(node: cst.Assign, at: Cursor) -> Statement:
    start = at.skip()
    targets = []
    for each in node.targets:
        targets.append(expression(each.target, at))
        at.take("=")
    value = expression(node.value, at)
    return code.Assign(start, at.at, tuple(targets), value)


@statement_rule(cst.AnnAssign)
def annotated(node: cst.AnnAssign, at: Cursor) -> Statement:
    start = at.skip()
    target = expression(node.target, at)
    at.take(":")
    annotation = element_or(node.annotation.annotation, at)
    value = None
    if node.value is not None:
        at.take("=")
        value = expression(node.value, at)
    return code.Annotated(start, at.at, target, annotation, value)


@statement_rule(cst.AugAssign)
def augmented(node: cst.AugAssign, at: Cursor) -> Statement:
    start = at.skip()
    target = expression(node.target, at)
    symbol = _AUGMENTED[type(node.operator)]
    at.take(symbol + "=")
    value = expression(node.value, at)
    return code.Augmented(start, at.at, target, symbol, value)


@statement_rule(cst.Return)
def return_(node: cst.Return, at: Cursor) -> Statement:
    start = at.take("return")
    value = optional(node.value, at)
    return code.Return(start, at.at, value)


@statement_rule(cst.Raise)
def raise_(node: cst.Raise, at: Cursor) -> Statement:
    start = at.take("raise")
    exception = optional(node.exc, at)
    cause = None
    if node.cause is not None:
        at.take("from")
        cause = expression(node.cause.item, at)
    return code.Raise(start, at.at, exception, cause)


@statement_rule(cst.Assert)
def assert_(node: cst.Assert, at: Cursor) -> Statement:
    start = at.take("assert")
    test = expression(node.test, at)
    message = None
    if node.msg is not None:
        at.take(",")
        message = expression(node.msg, at)
    return code.Assert(start, at.at, test, message)


@statement_rule(cst.Del)
def delete(node: cst.Del, at: Cursor) -> Statement:
    start = at.take("del")
    target = expression(node.target, at)
    targets = target.elements if isinstance(target, code.Display) else (target,)
    return code.Delete(start, at.at, targets)


@statement_rule(cst.Pass)
def pass_(node: cst.Pass, at: Cursor) -> Statement:
    return code.Jump(at.take("pass"), at.at, "pass")


@statement_rule(cst.Break)
def break_(node: cst.Break, at: Cursor) -> Statement:
    return code.Jump(at.take("break"), at.at, "break")


@statement_rule(cst.Continue)
def continue_(node: cst.Continue, at: Cursor) -> Statement:
    return code.Jump(at.take("continue"), at.at, "continue")


@statement_rule(cst.Global, cst.Nonlocal)
def declared(node: cst.Global | cst.Nonlocal, at: Cursor) -> Statement:
    kind: Literal["global", "nonlocal"] = "global" if isinstance(node, cst.Global) else "nonlocal"
    start = at.take(kind)
    for each in node.names:
        at.take(each.name.value)
        at.take_if(",")
    return code.Declared(start, at.at, kind, tuple(each.name.value for each in node.names))


@statement_rule(cst.Import)
def import_(node: cst.Import, at: Cursor) -> Statement:
    start = at.take("import")
    aliases = _aliases(node.names, at)
    return code.Import(start, at.at, aliases)


@statement_rule(cst.ImportFrom)
def import_from(node: cst.ImportFrom, at: Cursor) -> Statement:
    start = at.take("from")
    for _ in node.relative:
        at.take(".")
    module = "" if node.module is None else _take_dotted(node.module, at)
    at.take("import")
    if isinstance(node.names, cst.ImportStar):
        star = at.take("*")
        aliases: tuple[code.Alias, ...] = (code.Alias(star, at.at, "*"),)
    else:
        if node.lpar is not None:
            at.take("(")
        aliases = _aliases(node.names, at)
        if node.rpar is not None:
            at.take(")")
    return code.ImportFrom(start, at.at, module, len(node.relative), aliases)


def _aliases(nodes: Sequence[cst.ImportAlias], at: Cursor) -> tuple[code.Alias, ...]:
    made = []
    for each in nodes:
        start = at.skip()
        name = _take_dotted(each.name, at)
        asname = None
        if each.asname is not None:
            at.take("as")
            assert isinstance(each.asname.name, cst.Name)
            asname = each.asname.name.value
            at.take(asname)
        made.append(code.Alias(start, at.at, name, asname))
        if isinstance(each.comma, cst.Comma):
            at.take(",")
    return tuple(made)


def _take_dotted(node: cst.Attribute | cst.Name, at: Cursor) -> str:
    name = code.dotted(expression(node, at))
    if not name:
        raise Mismatch("a module has a dotted name")
    return name


@statement_rule(cst.TypeAlias)
def type_alias(node: cst.TypeAlias, at: Cursor) -> Statement:
    start = at.take("type")
    at.take(node.name.value)
    if node.type_parameters is not None:
        at.take_brackets()
    at.take("=")
    value = expression(node.value, at)
    return code.TypeAlias_(start, at.at, node.name.value, value)
