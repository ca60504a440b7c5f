"""The types of an expression of the condition language: what is accepted, and what is refused with which hint."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping

from vglint import origin
from vglint.analysis.facts.spec import FactType
from vglint.nearest import nearest
from vglint.rulebook.compiled import compiled, name_of
from vglint.rulebook.functions import FUNCTIONS
from vglint.value import Unknown


class ConditionError(Exception):
    """What is wrong with a condition, and what would have been right."""


def type_of(node: ast.expr, types: Mapping[str, FactType], names: list[str]) -> FactType:
    """Returns the type of an expression and adds the names that it reads to `names`; raises ConditionError."""
    match node:
        case ast.Constant(value=bool()):
            return "flag"
        case ast.Constant(value=int() | float() as number):
            if number > 1e308 or not math.isfinite(number):
                raise ConditionError("holds a number that is out of range")
            return "number"
        case ast.Constant(value=str()):
            return "text"
        case ast.Name() | ast.Attribute(value=ast.Name()):
            name = name_of(node)
            if name not in types:
                raise ConditionError(f"unknown name {name!r}{nearest(name, types)}")
            names.append(name)
            return types[name]
        case ast.BoolOp(values=values):
            for value in values:
                _need(value, "flag", types, names)
            return "flag"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _need(operand, "flag", types, names)
            return "flag"
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _need(operand, "number", types, names)
            return "number"
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow(), right=right):
            read: list[str] = []
            _need(left, "number", types, read)
            _need(right, "number", types, read)
            names += read
            if not read:
                _in_range(node)
            return "number"
        case ast.Compare():
            return _compare_type(node, types, names)
        case ast.Call(func=ast.Name(id=helper), args=args, keywords=[]):
            return _call_type(helper, args, types, names)
        case _:
            raise ConditionError(f"{ast.unparse(node)!r} is not part of the condition language")


def _in_range(node: ast.expr) -> None:
    """Raises ConditionError where arithmetic of constants has no value: out of range, division by zero, a root of a negative number."""
    value = compiled(node)(lambda name: Unknown(origin.Name(name)))
    if isinstance(value, Unknown) or not math.isfinite(float(str(value))):
        raise ConditionError(f"{ast.unparse(node)!r} has no value, or one that is out of range")


def _need(node: ast.expr, wanted: FactType, types: Mapping[str, FactType], names: list[str]) -> None:
    found = type_of(node, types, names)
    if found != wanted:
        raise ConditionError(
            f"{ast.unparse(node)!r} is a {found}, a {wanted} is needed here{_hint(found, wanted, node)}"
        )


def _hint(found: FactType, wanted: FactType, node: ast.expr) -> str:
    if found == "places" and wanted == "number":
        return f": did you mean count({ast.unparse(node)})?"
    if found == "places" and wanted == "flag":
        return f": did you mean any({ast.unparse(node)})?"
    return ""


def _compare_type(node: ast.Compare, types: Mapping[str, FactType], names: list[str]) -> FactType:
    operands = [node.left, *node.comparators]
    for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
        kind = type_of(left, types, names)
        match op:
            case ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE():
                _need(left, "number", types, [])
                _need(right, "number", types, names)
            case ast.Eq() | ast.NotEq():
                if kind not in ("number", "text", "flag"):
                    raise ConditionError(f"{ast.unparse(left)!r} is a {kind}, which has no equal")
                _need(right, kind, types, names)
            case ast.In() | ast.NotIn():
                _in_type(left, kind, right, types, names)
            case _:
                raise ConditionError(f"{ast.unparse(node)!r}: `is` is not part of the condition language, write ==")
    return "flag"


def _in_type(left: ast.expr, kind: FactType, right: ast.expr, types: Mapping[str, FactType], names: list[str]) -> None:
    if isinstance(right, (ast.Tuple, ast.List)):
        for item in right.elts:
            _need(item, kind, types, names)
    else:
        _need(left, "text", types, [])
        _need(right, "texts", types, names)


def _call_type(helper: str, args: list[ast.expr], types: Mapping[str, FactType], names: list[str]) -> FactType:
    if helper not in FUNCTIONS:
        raise ConditionError(f"unknown function {helper!r}{nearest(helper, FUNCTIONS)}")
    found = tuple(type_of(arg, types, names) for arg in args)
    for arguments, result in FUNCTIONS[helper].signatures:
        if found == arguments or (arguments[-1:] == ("...",) and len(found) > 1 and set(found) == {arguments[0]}):
            return result
    wanted = " or ".join(f"{helper}({', '.join(arguments)})" for arguments, _ in FUNCTIONS[helper].signatures)
    raise ConditionError(f"{helper}({', '.join(found)}) does not fit: {wanted}")
