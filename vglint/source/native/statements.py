"""Statements, read from CPython's."""

from __future__ import annotations

import ast
from typing import Literal

from vglint.source import code
from vglint.source.native.expressions import OPERATORS, parameters
from vglint.source.native.places import Places, Unsure, lowered, optional, reads, several


@reads(ast.Expr)
def expr(node: ast.Expr, at: Places) -> code.Expr:
    return code.Expr(at.start(node), at.end(node), lowered(node.value, at))


@reads(ast.Assign)
def assign(node: ast.Assign, at: Places) -> code.Assign:
    return code.Assign(at.start(node), at.end(node), several(node.targets, at), lowered(node.value, at))


@reads(ast.AnnAssign)
def annotated(node: ast.AnnAssign, at: Places) -> code.Annotated:
    parts = lowered(node.target, at), lowered(node.annotation, at), optional(node.value, at)
    return code.Annotated(at.start(node), at.end(node), *parts)


@reads(ast.AugAssign)
def augmented(node: ast.AugAssign, at: Places) -> code.Augmented:
    target, value = lowered(node.target, at), lowered(node.value, at)
    return code.Augmented(at.start(node), at.end(node), target, OPERATORS[type(node.op)], value)


@reads(ast.Return)
def return_(node: ast.Return, at: Places) -> code.Return:
    return code.Return(at.start(node), at.end(node), optional(node.value, at))


@reads(ast.Raise)
def raise_(node: ast.Raise, at: Places) -> code.Raise:
    return code.Raise(at.start(node), at.end(node), optional(node.exc, at), optional(node.cause, at))


@reads(ast.Assert)
def assert_(node: ast.Assert, at: Places) -> code.Assert:
    return code.Assert(at.start(node), at.end(node), lowered(node.test, at), optional(node.msg, at))


@reads(ast.Delete)
def delete(node: ast.Delete, at: Places) -> code.Delete:
    start, end = at.start(node), at.end(node)
    only = node.targets[0] if len(node.targets) == 1 else None
    if only is None or not isinstance(only, (ast.Tuple, ast.List)):
        return code.Delete(start, end, several(node.targets, at))
    if at.end(only) != end:  # `del (a, b),` or `del ((a, b))`
        raise Unsure
    return code.Delete(start, end, several(only.elts, at))


@reads(ast.Pass, ast.Break, ast.Continue)
def jump(node: ast.Pass | ast.Break | ast.Continue, at: Places) -> code.Jump:
    kind: Literal["pass", "break", "continue"] = (
        "pass" if isinstance(node, ast.Pass) else "break" if isinstance(node, ast.Break) else "continue"
    )
    return code.Jump(at.start(node), at.end(node), kind)


@reads(ast.Global, ast.Nonlocal)
def declared(node: ast.Global | ast.Nonlocal, at: Places) -> code.Declared:
    kind: Literal["global", "nonlocal"] = "global" if isinstance(node, ast.Global) else "nonlocal"
    if at.wide and not all(name.isascii() for name in node.names):
        raise Unsure
    return code.Declared(at.start(node), at.end(node), kind, tuple(node.names))


@reads(ast.Import)
def import_(node: ast.Import, at: Places) -> code.Import:
    return code.Import(at.start(node), at.end(node), _aliases(node.names, at))


@reads(ast.ImportFrom)
def import_from(node: ast.ImportFrom, at: Places) -> code.ImportFrom:
    return code.ImportFrom(at.start(node), at.end(node), node.module or "", node.level, _aliases(node.names, at))


def _aliases(nodes: list[ast.alias], at: Places) -> tuple[code.Alias, ...]:
    return tuple([code.Alias(at.start(each), at.end(each), each.name, each.asname) for each in nodes])


@reads(ast.If)
def if_(node: ast.If, at: Places) -> code.If:
    test = lowered(node.test, at)
    return code.If(at.start(node), test.end, test, several(node.body, at), several(node.orelse, at))


@reads(ast.For, ast.AsyncFor)
def for_(node: ast.For | ast.AsyncFor, at: Places) -> code.For:
    target, source = lowered(node.target, at), lowered(node.iter, at)
    body, orelse = several(node.body, at), several(node.orelse, at)
    return code.For(at.start(node), source.end, target, source, body, orelse, isinstance(node, ast.AsyncFor))


@reads(ast.While)
def while_(node: ast.While, at: Places) -> code.While:
    test = lowered(node.test, at)
    return code.While(at.start(node), test.end, test, several(node.body, at), several(node.orelse, at))


@reads(ast.With, ast.AsyncWith)
def with_(node: ast.With | ast.AsyncWith, at: Places) -> code.With:
    start = at.start(node)
    behind = start
    if isinstance(node, ast.AsyncWith):
        behind = at.behind("async", behind)
    behind = at.behind("with", behind)
    items = []
    for each in node.items:
        context, target = lowered(each.context_expr, at), optional(each.optional_vars, at)
        begin, end = at.skip(behind), (target or context).end
        if begin != context.start or at.text[at.skip(end)] not in ",:":  # parentheses of an item, or of all
            raise Unsure
        items.append(code.Item(begin, end, context, target))
        behind = at.skip(end) + 1
    return code.With(start, items[-1].end, tuple(items), several(node.body, at))


def _tries() -> tuple[type[ast.AST], ...]:
    return (ast.Try, ast.TryStar) if hasattr(ast, "TryStar") else (ast.Try,)


@reads(*_tries())
def try_(node: ast.Try, at: Places) -> code.Try:
    start = at.start(node)
    body = several(node.body, at)
    handlers = tuple([_handler(each, at) for each in node.handlers])
    return code.Try(start, start + len("try"), body, handlers, several(node.orelse, at), several(node.finalbody, at))


def _handler(node: ast.ExceptHandler, at: Places) -> code.Handler:
    start = at.start(node)
    end = start + len("except")
    end = at.behind_if("*", end)
    caught = optional(node.type, at)
    if caught is not None:
        end = at.closed(end, caught.start, caught.end)
    if node.name is not None:
        end = at.behind(node.name, at.behind("as", end))
    if not at.text.startswith(":", at.skip(end)):
        raise Unsure
    return code.Handler(start, end, caught, node.name, several(node.body, at))


@reads(ast.FunctionDef, ast.AsyncFunctionDef)
def function(node: ast.FunctionDef | ast.AsyncFunctionDef, at: Places) -> code.Function:
    is_async = isinstance(node, ast.AsyncFunctionDef)
    start = at.start(node)
    end = at.behind(node.name, at.behind("def", at.behind("async", start) if is_async else start))
    if getattr(node, "type_params", None):
        raise Unsure
    given = parameters(node.args, at.behind("(", end), at)
    decorators, returns = several(node.decorator_list, at), optional(node.returns, at)
    return code.Function(start, end, node.name, given, several(node.body, at), decorators, returns, is_async)


@reads(ast.ClassDef)
def class_(node: ast.ClassDef, at: Places) -> code.Class:
    start = at.start(node)
    end = at.behind(node.name, at.behind("class", start))
    bases, keywords = several(node.bases, at), several(node.keywords, at)
    return code.Class(start, end, node.name, bases, keywords, several(node.body, at), several(node.decorator_list, at))
