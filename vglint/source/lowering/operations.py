"""Operators and what else is an expression, lowered."""

from __future__ import annotations

from typing import Literal

import libcst as cst

from vglint.source import code
from vglint.source.code import Expression
from vglint.source.lowering.cursor import Cursor, Mismatch, expression, expression_rule, optional

OPERATORS: dict[type[cst.CSTNode], str] = {
    cst.Add: "+",
    cst.Subtract: "-",
    cst.Multiply: "*",
    cst.Divide: "/",
    cst.FloorDivide: "//",
    cst.Modulo: "%",
    cst.Power: "**",
    cst.MatrixMultiply: "@",
    cst.LeftShift: "<<",
    cst.RightShift: ">>",
    cst.BitAnd: "&",
    cst.BitOr: "|",
    cst.BitXor: "^",
    cst.LessThan: "<",
    cst.LessThanEqual: "<=",
    cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=",
    cst.Equal: "==",
    cst.Is: "is",
    cst.In: "in",
}
_UNARY: dict[type[cst.CSTNode], Literal["-", "+", "~", "not"]] = {
    cst.Minus: "-",
    cst.Plus: "+",
    cst.BitInvert: "~",
    cst.Not: "not",
}


@expression_rule(cst.BinaryOperation)
def binary(node: cst.BinaryOperation, at: Cursor) -> Expression:
    start = at.skip()
    left = expression(node.left, at)
    symbol = OPERATORS[type(node.operator)]
    at.take(symbol)
    right = expression(node.right, at)
    return code.Binary(start, at.at, left, symbol, right)


@expression_rule(cst.UnaryOperation)
def unary(node: cst.UnaryOperation, at: Cursor) -> Expression:
    symbol = _UNARY[type(node.operator)]
    start = at.take(symbol)
    operand = expression(node.expression, at)
    return code.Unary(start, at.at, symbol, operand)


@expression_rule(cst.BooleanOperation)
def boolean(node: cst.BooleanOperation, at: Cursor) -> Expression:
    start = at.skip()
    left = expression(node.left, at)
    symbol: Literal["and", "or"] = "and" if isinstance(node.operator, cst.And) else "or"
    at.take(symbol)
    right = expression(node.right, at)
    return code.Boolean(start, at.at, left, symbol, right)


@expression_rule(cst.Comparison)
def compare(node: cst.Comparison, at: Cursor) -> Expression:
    start = at.skip()
    left = expression(node.left, at)
    symbols, comparators = [], []
    for target in node.comparisons:
        symbols.append(_comparison(target.operator, at))
        comparators.append(expression(target.comparator, at))
    return code.Compare(start, at.at, left, tuple(symbols), tuple(comparators))


def _comparison(node: cst.BaseCompOp, at: Cursor) -> str:
    match node:
        case cst.NotEqual(value=value):
            at.take(value)
            return "!="
        case cst.IsNot():
            at.take("is")
            at.take("not")
            return "is not"
        case cst.NotIn():
            at.take("not")
            at.take("in")
            return "not in"
        case _:
            symbol = OPERATORS[type(node)]
            at.take(symbol)
            return symbol


@expression_rule(cst.IfExp)
def conditional(node: cst.IfExp, at: Cursor) -> Expression:
    start = at.skip()
    body = expression(node.body, at)
    at.take("if")
    test = expression(node.test, at)
    at.take("else")
    orelse = expression(node.orelse, at)
    return code.Conditional(start, at.at, test, body, orelse)


@expression_rule(cst.NamedExpr)
def walrus(node: cst.NamedExpr, at: Cursor) -> Expression:
    target = expression(node.target, at)
    if not isinstance(target, code.Name):
        raise Mismatch("`:=` binds a name")
    at.take(":=")
    value = expression(node.value, at)
    return code.Walrus(target.start, at.at, target, value)


@expression_rule(cst.Await)
def await_(node: cst.Await, at: Cursor) -> Expression:
    start = at.take("await")
    value = expression(node.expression, at)
    return code.Await(start, at.at, value)


@expression_rule(cst.Yield)
def yield_(node: cst.Yield, at: Cursor) -> Expression:
    start = at.take("yield")
    if isinstance(node.value, cst.From):
        at.take("from")
        value: Expression | None = expression(node.value.item, at)
        return code.Yield(start, at.at, value, True)
    value = optional(node.value, at)
    return code.Yield(start, at.at, value)
