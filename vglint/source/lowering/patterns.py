"""Patterns of `match`, lowered to the expressions that they are written as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from vglint.source import code
from vglint.source.code import Expression
from vglint.source.lowering.cursor import Cursor, Mismatch, expression


def pattern(node: Any, at: Cursor) -> Expression:
    """Lowers a pattern to the expression that it is written as."""
    own = isinstance(node, (cst.MatchTuple, cst.MatchValue, cst.MatchSingleton))  # take their parentheses themselves
    for _ in () if own else getattr(node, "lpar", ()):
        at.take("(")
    made = _pattern(node, at)
    for _ in () if own else getattr(node, "rpar", ()):
        at.take(")")
    return made


def _pattern(node: Any, at: Cursor) -> Expression:
    start = at.skip()
    match node:
        case cst.MatchValue(value=value) | cst.MatchSingleton(value=value):
            return expression(value, at)
        case cst.MatchAs(pattern=None, name=name):
            text = "_" if name is None else name.value
            return code.Name(at.take(text), at.at, text)
        case cst.MatchAs(pattern=inner, name=name):
            found = pattern(inner, at)
            at.take("as")
            assert name is not None
            target = code.Name(at.take(name.value), at.at, name.value)
            return code.Walrus(start, at.at, target, found)
        case cst.MatchStar(name=name):
            at.take("*")
            text = "_" if name is None else name.value
            target = code.Name(at.take(text), at.at, text)
            return code.Starred(start, at.at, target)
        case cst.MatchTuple(lpar=opened, patterns=patterns):
            for _ in opened:
                at.take("(")
            elements = _patterns(patterns, at)
            for _ in opened:
                at.take(")")
            return code.Display(start, at.at, "tuple", elements)
        case cst.MatchList(lbracket=bracket, patterns=patterns):
            if bracket is not None:
                at.take("[")
            elements = _patterns(patterns, at)
            if bracket is not None:
                at.take("]")
            return code.Display(start, at.at, "list", elements)
        case cst.MatchSequenceElement(value=inner) | cst.MatchOrElement(pattern=inner):
            return pattern(inner, at)
        case cst.MatchOr(patterns=[first, *others]):
            made = pattern(first, at)
            for other in others:
                at.take("|")
                made = code.Binary(start, at.at, made, "|", pattern(other, at))
            return made
        case cst.MatchMapping(elements=elements, rest=rest):
            return _mapping(elements, rest, start, at)
        case cst.MatchClass(cls=cls, patterns=patterns, kwds=kwds):
            return _class_pattern(cls, patterns, kwds, start, at)
        case _:
            raise Mismatch(f"{type(node).__name__} is not lowered")


def _patterns(nodes: Sequence[Any], at: Cursor) -> tuple[Expression, ...]:
    made = []
    for each in nodes:
        made.append(pattern(each, at))
        at.take_if(",")
    return tuple(made)


def _mapping(elements: Sequence[cst.MatchMappingElement], rest: cst.Name | None, start: int, at: Cursor) -> Expression:
    at.take("{")
    keys: list[Expression | None] = []
    values: list[Expression] = []
    for each in elements:
        keys.append(expression(each.key, at))
        at.take(":")
        values.append(pattern(each.pattern, at))
        at.take_if(",")
    if rest is not None:
        at.take("**")
        keys.append(None)
        values.append(code.Name(at.take(rest.value), at.at, rest.value))
        at.take_if(",")
    at.take("}")
    return code.Mapping(start, at.at, tuple(keys), tuple(values))


def _class_pattern(
    cls: cst.BaseExpression,
    patterns: Sequence[cst.MatchSequenceElement],
    kwds: Sequence[cst.MatchKeywordElement],
    start: int,
    at: Cursor,
) -> Expression:
    func = expression(cls, at)
    at.take("(")
    args = _patterns(patterns, at)
    keywords = []
    for each in kwds:
        begin = at.take(each.key.value)
        at.take("=")
        value = pattern(each.pattern, at)
        keywords.append(code.Keyword(begin, at.at, each.key.value, value))
        at.take_if(",")
    at.take(")")
    return code.Call(start, at.at, func, args, tuple(keywords))
