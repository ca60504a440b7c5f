"""Displays and comprehensions, lowered."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from vglint.source import code
from vglint.source.code import Expression
from vglint.source.lowering.cursor import Cursor, expression, expression_rule


@expression_rule(cst.Tuple)
def tuple_(node: cst.Tuple, at: Cursor) -> Expression:
    start = -1
    for _ in node.lpar:
        start = at.take("(")
    first = at.skip()
    elements = _elements(node.elements, at)
    end = -1
    for _ in node.rpar:
        at.take(")")
        end = at.at if end < 0 else end
    return code.Display(start if start >= 0 else first, end if end >= 0 else at.at, "tuple", elements)


def _elements(nodes: Sequence[cst.BaseElement], at: Cursor) -> tuple[Expression, ...]:
    made = []
    for each in nodes:
        made.append(element(each, at))
        if isinstance(each.comma, cst.Comma):
            at.take(",")
    return tuple(made)


def element(node: cst.BaseElement, at: Cursor) -> Expression:
    if not isinstance(node, cst.StarredElement):
        return expression(node.value, at)
    for _ in node.lpar:
        at.take("(")
    start = at.take("*")
    value = expression(node.value, at)
    end = at.at
    for _ in node.rpar:
        at.take(")")
    return code.Starred(start, end, value)


@expression_rule(cst.StarredElement)
def starred(node: cst.StarredElement, at: Cursor) -> Expression:
    start = at.take("*")
    value = expression(node.value, at)
    return code.Starred(start, at.at, value)


@expression_rule(cst.List)
def list_(node: cst.List, at: Cursor) -> Expression:
    start = at.take("[")
    elements = _elements(node.elements, at)
    at.take("]")
    return code.Display(start, at.at, "list", elements)


@expression_rule(cst.Set)
def set_(node: cst.Set, at: Cursor) -> Expression:
    start = at.take("{")
    elements = _elements(node.elements, at)
    at.take("}")
    return code.Display(start, at.at, "set", elements)


@expression_rule(cst.Dict)
def dict_(node: cst.Dict, at: Cursor) -> Expression:
    start = at.take("{")
    keys: list[Expression | None] = []
    values: list[Expression] = []
    for each in node.elements:
        if isinstance(each, cst.StarredDictElement):
            at.take("**")
            keys.append(None)
        else:
            assert isinstance(each, cst.DictElement)
            keys.append(expression(each.key, at))
            at.take(":")
        values.append(expression(each.value, at))
        if isinstance(each.comma, cst.Comma):
            at.take(",")
    at.take("}")
    return code.Mapping(start, at.at, tuple(keys), tuple(values))


@expression_rule(cst.ListComp, cst.SetComp)
def comprehension(node: cst.ListComp | cst.SetComp, at: Cursor) -> Expression:
    is_list = isinstance(node, cst.ListComp)
    start = at.take("[" if is_list else "{")
    made = expression(node.elt, at)
    loops = _loops(node.for_in, at)
    at.take("]" if is_list else "}")
    return code.Comprehension(start, at.at, "list" if is_list else "set", made, None, loops)


@expression_rule(cst.DictComp)
def dict_comprehension(node: cst.DictComp, at: Cursor) -> Expression:
    start = at.take("{")
    key = expression(node.key, at)
    at.take(":")
    value = expression(node.value, at)
    loops = _loops(node.for_in, at)
    at.take("}")
    return code.Comprehension(start, at.at, "dict", key, value, loops)


@expression_rule(cst.GeneratorExp)
def generator(node: cst.GeneratorExp, at: Cursor) -> Expression:
    start = -1
    for _ in node.lpar:
        start = at.take("(")
    first = at.skip()
    made = expression(node.elt, at)
    loops = _loops(node.for_in, at)
    end = -1
    for _ in node.rpar:
        at.take(")")
        end = at.at if end < 0 else end
    return code.Comprehension(
        start if start >= 0 else first, end if end >= 0 else at.at, "generator", made, None, loops
    )


def _loops(node: cst.CompFor | None, at: Cursor) -> tuple[code.Loop, ...]:
    made = []
    while node is not None:
        start = at.skip()
        if node.asynchronous is not None:
            at.take("async")
        at.take("for")
        target = expression(node.target, at)
        at.take("in")
        source = expression(node.iter, at)
        conditions = []
        for each in node.ifs:
            at.take("if")
            conditions.append(expression(each.test, at))
        made.append(code.Loop(start, at.at, target, source, tuple(conditions), node.asynchronous is not None))
        node = node.inner_for_in
    return tuple(made)
