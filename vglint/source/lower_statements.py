"""libcst's statements and patterns, lowered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import libcst as cst

from vglint.source import code
from vglint.source.code import Expression, Statement
from vglint.source.lower_expressions import OPERATORS, arguments, element_or, parameters
from vglint.source.lowering import Cursor, Mismatch, block, expression, optional, statement_rule

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


@statement_rule(cst.TypeAlias)
def type_alias(node: cst.TypeAlias, at: Cursor) -> Statement:
    start = at.take("type")
    at.take(node.name.value)
    if node.type_parameters is not None:
        at.take_brackets()
    at.take("=")
    value = expression(node.value, at)
    return code.TypeAlias_(start, at.at, node.name.value, value)


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
