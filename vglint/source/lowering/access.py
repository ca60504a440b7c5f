"""Attributes, items, calls and parameters, lowered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst
from msgspec.structs import replace

from vglint.source import code
from vglint.source.code import Expression
from vglint.source.lowering.cursor import Cursor, expression, expression_rule, optional
from vglint.source.lowering.displays import element


@expression_rule(cst.Attribute)
def attribute(node: cst.Attribute, at: Cursor) -> Expression:
    start = at.skip()
    value = expression(node.value, at)
    at.take(".")
    at.take(node.attr.value)
    return code.Attribute(start, at.at, value, node.attr.value)


@expression_rule(cst.Subscript)
def subscript(node: cst.Subscript, at: Cursor) -> Expression:
    start = at.skip()
    value = expression(node.value, at)
    at.take("[")
    keys = []
    first = at.skip()
    trailing = False
    for each in node.slice:
        keys.append(_key(each.slice, at))
        trailing = isinstance(each.comma, cst.Comma)
        if trailing:
            at.take(",")
    behind = at.at
    at.take("]")
    alone = len(keys) == 1 and not trailing and not isinstance(keys[0], code.Starred)
    key = keys[0] if alone else code.Display(first, behind, "tuple", tuple(keys))
    return code.Subscript(start, at.at, value, key)


def _key(node: cst.BaseSlice, at: Cursor) -> Expression:
    if isinstance(node, cst.Index):
        if node.star is not None:
            start = at.take("*")
            value = expression(node.value, at)
            return code.Starred(start, at.at, value)
        return expression(node.value, at)
    assert isinstance(node, cst.Slice)
    start = at.skip()
    lower = optional(node.lower, at)
    at.take(":")
    upper = optional(node.upper, at)
    step = None
    if isinstance(node.second_colon, cst.Colon):
        at.take(":")
        step = optional(node.step, at)
    return code.Slice(start, at.at, lower, upper, step)


@expression_rule(cst.Call)
def call(node: cst.Call, at: Cursor) -> Expression:
    start = at.skip()
    func = expression(node.func, at)
    opened = at.take("(")
    args, keywords = arguments(node.args, at)
    at.take(")")
    if len(node.args) == 1 and type(node.args[0].value) is cst.GeneratorExp and not node.args[0].value.lpar:
        args = (replace(args[0], start=opened, end=at.at),)  # the call's parentheses are the generator's
    return code.Call(start, at.at, func, args, keywords)


def arguments(nodes: Sequence[cst.Arg], at: Cursor) -> tuple[tuple[Expression, ...], tuple[code.Keyword, ...]]:
    """Lowers the arguments of a call or class statement."""
    args: list[Expression] = []
    keywords: list[code.Keyword] = []
    for each in nodes:
        start = at.skip()
        if each.star == "*":
            at.take("*")
            value = expression(each.value, at)
            args.append(code.Starred(start, at.at, value))
        elif each.star == "**":
            at.take("**")
            value = expression(each.value, at)
            keywords.append(code.Keyword(start, at.at, None, value))
        elif each.keyword is not None:
            at.take(each.keyword.value)
            at.take("=")
            value = expression(each.value, at)
            keywords.append(code.Keyword(start, at.at, each.keyword.value, value))
        else:
            args.append(expression(each.value, at))
        if isinstance(each.comma, cst.Comma):
            at.take(",")
    return tuple(args), tuple(keywords)


@expression_rule(cst.Lambda)
def lambda_(node: cst.Lambda, at: Cursor) -> Expression:
    start = at.take("lambda")
    given = parameters(node.params, at)
    at.take(":")
    body = expression(node.body, at)
    return code.Lambda(start, at.at, given, body)


def parameters(node: cst.Parameters, at: Cursor) -> code.Parameters:
    """Lowers what stands between a function's parentheses."""
    start = at.skip()
    positional_only = tuple(parameter(each, at) for each in node.posonly_params)
    if node.posonly_params:
        at.take("/")
        at.take_if(",")
    positional = tuple(parameter(each, at) for each in node.params)
    rest = None
    match node.star_arg:
        case cst.Param() as star:
            at.take("*")
            rest = parameter(star, at)
        case cst.ParamStar():
            at.take("*")
            at.take(",")
        case _:
            if node.kwonly_params:
                at.take("*")
                at.take(",")
    keyword_only = tuple(parameter(each, at) for each in node.kwonly_params)
    others = None
    if node.star_kwarg is not None:
        at.take("**")
        others = parameter(node.star_kwarg, at)
    return code.Parameters(start, at.at, positional_only, positional, rest, keyword_only, others)


def parameter(node: cst.Param, at: Cursor) -> code.Parameter:
    start = at.take(node.name.value)
    annotation = None
    if node.annotation is not None:
        at.take(":")
        annotation = element_or(node.annotation.annotation, at)
    default = None
    if node.default is not None:
        at.take("=")
        default = expression(node.default, at)
    end = at.at
    if isinstance(node.comma, cst.Comma):
        at.take(",")
    return code.Parameter(start, end, node.name.value, annotation, default)


def element_or(node: Any, at: Cursor) -> Expression:
    return element(node, at) if isinstance(node, cst.BaseElement) else expression(node, at)
