"""Calls in a tree: their arguments by name and place, and what stands around an expression."""

from __future__ import annotations

import libcst as cst

from vglint.fix.source import Source

_CLOSED = (cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.Integer, cst.Float, cst.SimpleString)


def argument(call: cst.Call, name: str, place: int | None = None) -> cst.Arg | None:
    """Returns the argument that a call gives for a parameter, by keyword or by place."""
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == name:
            return arg
    positional = [arg for arg in call.args if arg.keyword is None]
    if place is None or place >= len(positional) or any(arg.star for arg in positional[: place + 1]):
        return None
    return positional[place]


def is_starred(call: cst.Call) -> bool:
    """Whether a call hands on arguments that the text does not show."""
    return any(arg.star for arg in call.args)


def grouped(source: Source, node: cst.BaseExpression) -> str:
    """Returns an expression's text such that an operator or an attribute may stand behind it."""
    text = source.code(node)
    return text if isinstance(node, _CLOSED) or node.lpar else f"({text})"


def in_place_of(source: Source, outer: cst.BaseExpression, inner: cst.BaseExpression) -> str:
    """Returns an expression's text such that it may stand where another stood."""
    text = source.code(inner)
    around = source.parent(outer)
    free = isinstance(around, (cst.Arg, cst.Return, cst.Assign, cst.AnnAssign, cst.Expr, cst.Element, cst.Index))
    bare = isinstance(inner, _CLOSED) or inner.lpar or (free and not isinstance(inner, (cst.GeneratorExp, cst.Yield)))
    return text if (bare and "\n" not in text.replace("\r", "\n")) or inner.lpar else f"({text})"


def method(call: cst.BaseExpression, *names: str) -> cst.BaseExpression | None:
    """Returns the owner of a call of one of some methods: `x` of `x.sqrt()`."""
    match call:
        case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value=name))) if name in names:
            return owner
        case _:
            return None
