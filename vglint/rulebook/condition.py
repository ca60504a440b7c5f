"""The condition language: one infix expression over facts and parameters, checked at load, evaluated in three values.

    condition = comparison | condition and condition | condition or condition | not condition | flag
    term      = number | "text" | name | term + - * / ** term | helper(term, …) | text in ("a", "b")

A fact that is not known makes its comparison unknown; `False and unknown` is False, `True or unknown` is True.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vglint.analysis.facts.spec import FactType, FactValue
from vglint.nearest import nearest
from vglint.rulebook.functions import FUNCTIONS
from vglint.value import Unknown


class ConditionError(Exception):
    """What is wrong with a condition, and what would have been right."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked expression; `names` are the facts and parameters that it reads, in order of first use."""

    text: str
    tree: ast.expr
    type: FactType
    names: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


def parse(text: str, types: Mapping[str, FactType]) -> Condition:
    """Returns the checked expression; raises ConditionError on syntax, an unknown name or operands that do not fit."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(" ".join(text.split()), mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ConditionError(f"not an expression: {error.args[0]}: {text!r}") from None
    names: list[str] = []
    kind = _type(tree, types, names)
    return Condition(text, tree, kind, tuple(dict.fromkeys(names)))


def parse_flag(text: str, types: Mapping[str, FactType]) -> Condition:
    """Returns the checked condition; raises ConditionError also where the expression is not true or false."""
    condition = parse(text, types)
    if condition.type != "flag":
        raise ConditionError(f"a condition must be true or false, this is a {condition.type}: {text!r}")
    return condition


def evaluate(condition: Condition, lookup: Callable[[str], FactValue | Unknown]) -> FactValue | Unknown:
    """Returns the expression's value; Unknown where it rests on a fact that is not known."""
    return _value(condition.tree, lookup)


def _type(node: ast.expr, types: Mapping[str, FactType], names: list[str]) -> FactType:
    match node:
        case ast.Constant(value=bool()):
            return "flag"
        case ast.Constant(value=int() | float()):
            return "number"
        case ast.Constant(value=str()):
            return "text"
        case ast.Name() | ast.Attribute(value=ast.Name()):
            name = _name(node)
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
            _need(left, "number", types, names)
            _need(right, "number", types, names)
            return "number"
        case ast.Compare():
            return _compare_type(node, types, names)
        case ast.Call(func=ast.Name(id=helper), args=args, keywords=[]):
            return _call_type(helper, args, types, names)
        case _:
            raise ConditionError(f"{ast.unparse(node)!r} is not part of the condition language")


def _need(node: ast.expr, wanted: FactType, types: Mapping[str, FactType], names: list[str]) -> None:
    found = _type(node, types, names)
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
        kind = _type(left, types, names)
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
    found = tuple(_type(arg, types, names) for arg in args)
    for arguments, result in FUNCTIONS[helper].signatures:
        if found == arguments or (arguments[-1:] == ("...",) and len(found) > 1 and set(found) == {arguments[0]}):
            return result
    wanted = " or ".join(f"{helper}({', '.join(arguments)})" for arguments, _ in FUNCTIONS[helper].signatures)
    raise ConditionError(f"{helper}({', '.join(found)}) does not fit: {wanted}")


def _value(node: ast.expr, lookup: Callable[[str], FactValue | Unknown]) -> FactValue | Unknown:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value
        case ast.Name() | ast.Attribute():
            return lookup(_name(node))
        case ast.BoolOp(op=op, values=values):
            return _connective(values, lookup, decisive=isinstance(op, ast.Or))
        case ast.UnaryOp(op=op, operand=operand):
            return _unary(op, _value(operand, lookup))
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(op, _value(left, lookup), _value(right, lookup))
        case ast.Compare():
            return _comparison(node, lookup)
        case ast.Call(func=ast.Name(id=helper), args=args):
            return _call(helper, [_value(arg, lookup) for arg in args])
        case _:
            raise AssertionError(f"a checked condition holds {ast.dump(node)}")


def _connective(
    values: list[ast.expr], lookup: Callable[[str], FactValue | Unknown], *, decisive: bool
) -> FactValue | Unknown:
    unknown: Unknown | None = None
    for item in values:
        value = _value(item, lookup)
        if isinstance(value, Unknown):
            unknown = unknown or value
        elif bool(value) is decisive:
            return decisive
    return unknown if unknown is not None else not decisive


def _unary(op: ast.unaryop, value: FactValue | Unknown) -> FactValue | Unknown:
    if isinstance(value, Unknown):
        return value
    if isinstance(op, ast.Not):
        return not value
    assert isinstance(value, (int, float))
    return -value if isinstance(op, ast.USub) else value


def _arithmetic(op: ast.operator, left: FactValue | Unknown, right: FactValue | Unknown) -> FactValue | Unknown:
    if isinstance(left, Unknown):
        return left
    if isinstance(right, Unknown):
        return right
    assert isinstance(left, (int, float)) and isinstance(right, (int, float))
    try:
        match op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
            case ast.Pow():
                result = left**right
                return float(result) if isinstance(result, (int, float)) else Unknown("unmodelled call", "complex root")
            case _:
                raise AssertionError(f"a checked condition holds {op}")
    except (ArithmeticError, ValueError) as error:
        return Unknown("unmodelled call", f"{type(error).__name__} in a condition")


def _comparison(node: ast.Compare, lookup: Callable[[str], FactValue | Unknown]) -> FactValue | Unknown:
    operands = [node.left, *node.comparators]
    unknown: Unknown | None = None
    for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
        verdict = _compare(_value(left, lookup), op, _operand(right, lookup))
        if isinstance(verdict, Unknown):
            unknown = unknown or verdict
        elif not verdict:
            return False
    return unknown if unknown is not None else True


def _operand(node: ast.expr, lookup: Callable[[str], FactValue | Unknown]) -> object:
    if isinstance(node, (ast.Tuple, ast.List)):
        return [_value(item, lookup) for item in node.elts]
    return _value(node, lookup)


def _compare(left: FactValue | Unknown, op: ast.cmpop, right: object) -> bool | Unknown:
    if isinstance(left, Unknown):
        return left
    if isinstance(right, Unknown):
        return right
    match op:
        case ast.In() | ast.NotIn():
            assert isinstance(right, (list, tuple))
            if left in right:
                return isinstance(op, ast.In)
            unknown = next((item for item in right if isinstance(item, Unknown)), None)
            return unknown if unknown is not None else isinstance(op, ast.NotIn)
        case ast.Eq():
            return left == right
        case ast.NotEq():
            return left != right
        case _:
            assert isinstance(left, (int, float)) and isinstance(right, (int, float))
            match op:
                case ast.Lt():
                    return left < right
                case ast.LtE():
                    return left <= right
                case ast.Gt():
                    return left > right
                case _:
                    return left >= right


def _call(helper: str, args: list[FactValue | Unknown]) -> FactValue | Unknown:
    if helper == "known":
        return not isinstance(args[0], Unknown)
    known: list[FactValue] = []
    for arg in args:
        if isinstance(arg, Unknown):
            return arg
        known.append(arg)
    return FUNCTIONS[helper].run(*known)


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr=attr):
            return f"{owner}.{attr}"
        case _:
            raise AssertionError(ast.dump(node))
