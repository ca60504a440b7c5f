"""An expression of the condition language as a function of the facts, made once: it asks for a fact when it needs it, and not before."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from vglint import origin
from vglint.analysis.facts.spec import FactValue
from vglint.rulebook.functions import FUNCTIONS
from vglint.value import Unknown

Answer: TypeAlias = "FactValue | Unknown"
Lookup: TypeAlias = Callable[[str], Answer]
"""The meaning of a name."""
Run: TypeAlias = Callable[[Lookup], Answer]


def compiled(node: ast.expr) -> Run:
    """Returns the function of a checked expression."""
    match node:
        case ast.Constant(value=bool() | str() as value):
            return lambda lookup: value
        case ast.Constant(value=int() | float() as value):
            return lambda lookup: value
        case ast.Name() | ast.Attribute():
            name = name_of(node)
            return lambda lookup: lookup(name)
        case ast.BoolOp(op=ast.And(), values=values):
            return conjunction([_Part(compiled(value)) for value in values])
        case ast.BoolOp(values=values):
            return negation(conjunction([_Part(negation(compiled(value))) for value in values]))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return negation(compiled(operand))
        case ast.UnaryOp(op=op, operand=operand):
            return _applied([compiled(operand)], operator.neg if isinstance(op, ast.USub) else operator.pos)
        case ast.BinOp(left=left, op=op, right=right):
            return _applied([compiled(left), compiled(right)], _ARITHMETIC[type(op)])
        case ast.Compare():
            return _chain(node)
        case ast.Call(func=ast.Name(id="known"), args=[argument]):
            run = compiled(argument)
            return lambda lookup: not isinstance(run(lookup), Unknown)
        case ast.Call(func=ast.Name(id=helper), args=args):
            return _applied([compiled(arg) for arg in args], FUNCTIONS[helper].run)
        case _:
            raise AssertionError(f"a checked condition holds {ast.dump(node)}")


class Part(Protocol):
    """What a conjunction is made of, which may make its function when it is asked for it."""

    @property
    def run(self) -> Run: ...


class _Part(Struct, frozen=True):
    run: Run


def conjunction(parts: Sequence[Part]) -> Run:
    """Returns the function that is False where one of these is, else unknown where one of these is, else True."""

    def run(lookup: Lookup) -> Answer:
        unknown: Unknown | None = None
        for each in parts:
            value = each.run(lookup)
            if isinstance(value, Unknown):
                unknown = unknown or value
            elif not value:
                return False
        return True if unknown is None else unknown

    return run


def negation(run: Run) -> Run:
    """Returns the function that is False where this one is True; unknown stays unknown."""

    def negated(lookup: Lookup) -> Answer:
        value = run(lookup)
        return value if isinstance(value, Unknown) else not value

    return negated


def name_of(node: ast.expr) -> str:
    """Returns the name that an expression reads: `name` or `owner.name`."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr=attr):
            return f"{owner}.{attr}"
        case _:
            raise AssertionError(ast.dump(node))


def _applied(arguments: Sequence[Run], function: Callable[..., Answer]) -> Run:
    """Returns the function of the arguments' values: unknown where one of them is, or where arithmetic fails."""

    def run(lookup: Lookup) -> Answer:
        values: list[FactValue] = []
        for argument in arguments:
            value = argument(lookup)
            if isinstance(value, Unknown):
                return value
            values.append(value)
        try:
            return function(*values)
        except (ArithmeticError, ValueError) as error:
            return Unknown(origin.Call(f"{type(error).__name__} in a condition"))

    return run


def _power(left: float, right: float) -> Answer:
    result = float(left) ** float(right)
    return result if isinstance(result, float) else Unknown(origin.Call("complex root"))


_ARITHMETIC: dict[type[ast.operator], Callable[..., Answer]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: lambda left, right: float(left) * float(right),  # whole numbers would grow without bound
    ast.Div: operator.truediv,
    ast.Pow: _power,
}

_ORDER: dict[type[ast.cmpop], Callable[..., bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _chain(node: ast.Compare) -> Run:
    """Returns the function of `a < b < c`, which is that of `a < b and b < c`."""
    operands = [node.left, *node.comparators]
    links = []
    for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
        if isinstance(op, (ast.In, ast.NotIn)):
            held = _member(compiled(left), right)
            links.append(held if isinstance(op, ast.In) else negation(held))
        else:
            links.append(_applied([compiled(left), compiled(right)], _ORDER[type(op)]))
    return links[0] if len(links) == 1 else conjunction([_Part(link) for link in links])


def _member(left: Run, right: ast.expr) -> Run:
    listed = [compiled(item) for item in right.elts] if isinstance(right, (ast.Tuple, ast.List)) else None
    whole = compiled(right) if listed is None else None

    def run(lookup: Lookup) -> Answer:
        value = left(lookup)
        among = [item(lookup) for item in listed] if listed is not None else whole(lookup) if whole else ()
        if isinstance(value, Unknown):
            return value
        if isinstance(among, Unknown):
            return among
        assert isinstance(among, (list, tuple))
        if value in among:
            return True
        unknown = next((item for item in among if isinstance(item, Unknown)), None)
        return False if unknown is None else unknown

    return run
