"""Statements with bodies, lowered."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from vglint.source import code
from vglint.source.code import Expression, Statement
from vglint.source.lowering.access import arguments, element_or, parameters
from vglint.source.lowering.cursor import Cursor, block, expression, optional, statement_rule
from vglint.source.lowering.patterns import pattern


@statement_rule(cst.If)
def if_(node: cst.If, at: Cursor, keyword: str = "if") -> Statement:
    start = at.take(keyword)
    test = expression(node.test, at)
    end = test.end
    body = block(node.body, at)
    orelse: tuple[Statement, ...] = ()
    if isinstance(node.orelse, cst.If):
        orelse = (if_(node.orelse, at, "elif"),)
    elif node.orelse is not None:
        orelse = _otherwise(node.orelse, at)
    return code.If(start, end, test, body, orelse)


def _otherwise(node: cst.Else | None, at: Cursor) -> tuple[Statement, ...]:
    if node is None:
        return ()
    at.take("else")
    return block(node.body, at)


@statement_rule(cst.For)
def for_(node: cst.For, at: Cursor) -> Statement:
    start = at.skip()
    if node.asynchronous is not None:
        at.take("async")
    at.take("for")
    target = expression(node.target, at)
    at.take("in")
    source = expression(node.iter, at)
    body = block(node.body, at)
    orelse = _otherwise(node.orelse, at)
    return code.For(start, source.end, target, source, body, orelse, node.asynchronous is not None)


@statement_rule(cst.While)
def while_(node: cst.While, at: Cursor) -> Statement:
    start = at.take("while")
    test = expression(node.test, at)
    body = block(node.body, at)
    orelse = _otherwise(node.orelse, at)
    return code.While(start, test.end, test, body, orelse)


@statement_rule(cst.With)
def with_(node: cst.With, at: Cursor) -> Statement:
    start = at.skip()
    if node.asynchronous is not None:
        at.take("async")
    at.take("with")
    if isinstance(node.lpar, cst.LeftParen):
        at.take("(")
    items = []
    for each in node.items:
        begin = at.skip()
        context = expression(each.item, at)
        target = None
        if each.asname is not None:
            at.take("as")
            target = element_or(each.asname.name, at)
        items.append(code.Item(begin, at.at, context, target))
        if isinstance(each.comma, cst.Comma):
            at.take(",")
    if isinstance(node.rpar, cst.RightParen):
        at.take(")")
    end = (items[-1].target or items[-1].context).end
    return code.With(start, end, tuple(items), block(node.body, at))


@statement_rule(cst.Try, cst.TryStar)
def try_(node: cst.Try | cst.TryStar, at: Cursor) -> Statement:
    start = at.take("try")
    end = at.at
    body = block(node.body, at)
    handlers = []
    for each in node.handlers:
        begin = at.take("except")
        if isinstance(each, cst.ExceptStarHandler):
            at.take("*")
        caught = optional(each.type, at)
        name = None
        if each.name is not None:
            at.take("as")
            assert isinstance(each.name.name, cst.Name)
            name = each.name.name.value
            at.take(name)
        ends = at.at
        handlers.append(code.Handler(begin, ends, caught, name, block(each.body, at)))
    orelse = _otherwise(node.orelse, at)
    final: tuple[Statement, ...] = ()
    if node.finalbody is not None:
        at.take("finally")
        final = block(node.finalbody.body, at)
    return code.Try(start, end, body, tuple(handlers), orelse, final)


@statement_rule(cst.FunctionDef)
def function(node: cst.FunctionDef, at: Cursor) -> Statement:
    decorators = _decorators(node.decorators, at)
    start = at.skip()
    if node.asynchronous is not None:
        at.take("async")
    at.take("def")
    at.take(node.name.value)
    end = at.at
    if node.type_parameters is not None:
        at.take_brackets()
    at.take("(")
    given = parameters(node.params, at)
    at.take(")")
    returns = None
    if node.returns is not None:
        at.take("->")
        returns = expression(node.returns.annotation, at)
    body = block(node.body, at)
    return code.Function(start, end, node.name.value, given, body, decorators, returns, node.asynchronous is not None)


@statement_rule(cst.ClassDef)
def class_(node: cst.ClassDef, at: Cursor) -> Statement:
    decorators = _decorators(node.decorators, at)
    start = at.take("class")
    at.take(node.name.value)
    end = at.at
    if node.type_parameters is not None:
        at.take_brackets()
    bases: tuple[Expression, ...] = ()
    keywords: tuple[code.Keyword, ...] = ()
    if at.take_if("("):
        bases, others = arguments(node.bases, at)
        more, keywords = arguments(node.keywords, at)
        bases, keywords = (*bases, *more), (*others, *keywords)
        at.take(")")
    body = block(node.body, at)
    return code.Class(start, end, node.name.value, bases, keywords, body, decorators)


def _decorators(nodes: Sequence[cst.Decorator], at: Cursor) -> tuple[Expression, ...]:
    made = []
    for each in nodes:
        at.take("@")
        made.append(expression(each.decorator, at))
    return tuple(made)


@statement_rule(cst.Match)
def match(node: cst.Match, at: Cursor) -> Statement:
    start = at.take("match")
    subject = element_or(node.subject, at)
    at.take(":")
    cases = []
    for each in node.cases:
        begin = at.take("case")
        found = pattern(each.pattern, at)
        guard = None
        if each.guard is not None:
            at.take("if")
            guard = expression(each.guard, at)
        end = (guard or found).end
        cases.append(code.Case(begin, end, found, guard, block(each.body, at)))
    return code.Match(start, subject.end, subject, tuple(cases))
