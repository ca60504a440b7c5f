"""Expressions, read from CPython's."""

from __future__ import annotations

import ast
from typing import Literal

from vglint.source import code
from vglint.source.native.places import Places, lowered, optional, reads, several

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
_UNARY: dict[type[ast.AST], Literal["-", "+", "~", "not"]] = {
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Invert: "~",
    ast.Not: "not",
}
_LONGEST_NUMBER = 80


@reads(ast.Name)
def name(node: ast.Name, at: Places) -> code.Name:
    return code.Name(at.start(node), at.end(node), node.id)


@reads(ast.Constant)
def constant(node: ast.Constant, at: Places) -> code.Constant | code.Special | code.Bytes:
    start, end, value = at.start(node), at.end(node), node.value
    if type(value) is int and (value.bit_length() >= 64 or end - start > _LONGEST_NUMBER):
        return code.Special(start, end, at.text[start:end])
    if isinstance(value, bytes):
        return code.Bytes(start, end, value)
    if value is ... or isinstance(value, complex):
        return code.Special(start, end, at.text[start:end])
    return code.Constant(start, end, value)


@reads(ast.Tuple)
def tuple_(node: ast.Tuple, at: Places) -> code.Display:
    return code.Display(at.start(node), at.end(node), "tuple", several(node.elts, at))


@reads(ast.List)
def list_(node: ast.List, at: Places) -> code.Display:
    return code.Display(at.start(node), at.end(node), "list", several(node.elts, at))


@reads(ast.Set)
def set_(node: ast.Set, at: Places) -> code.Display:
    return code.Display(at.start(node), at.end(node), "set", several(node.elts, at))


@reads(ast.Dict)
def dict_(node: ast.Dict, at: Places) -> code.Mapping:
    keys = tuple([optional(key, at) for key in node.keys])
    return code.Mapping(at.start(node), at.end(node), keys, several(node.values, at))


@reads(ast.Starred)
def starred(node: ast.Starred, at: Places) -> code.Starred:
    return code.Starred(at.start(node), at.end(node), lowered(node.value, at))


@reads(ast.Attribute)
def attribute(node: ast.Attribute, at: Places) -> code.Attribute:
    return code.Attribute(at.start(node), at.end(node), lowered(node.value, at), node.attr)


@reads(ast.Subscript)
def subscript(node: ast.Subscript, at: Places) -> code.Subscript:
    return code.Subscript(at.start(node), at.end(node), lowered(node.value, at), lowered(node.slice, at))


@reads(ast.Slice)
def slice_(node: ast.Slice, at: Places) -> code.Slice:
    parts = optional(node.lower, at), optional(node.upper, at), optional(node.step, at)
    return code.Slice(at.start(node), at.end(node), *parts)


@reads(ast.Call)
def call(node: ast.Call, at: Places) -> code.Call:
    keywords = tuple([lowered(each, at) for each in node.keywords])
    return code.Call(at.start(node), at.end(node), lowered(node.func, at), several(node.args, at), keywords)


@reads(ast.keyword)
def keyword(node: ast.keyword, at: Places) -> code.Keyword:
    return code.Keyword(at.start(node), at.end(node), node.arg, lowered(node.value, at))


@reads(ast.BinOp)
def binary(node: ast.BinOp, at: Places) -> code.Binary:
    left, right = lowered(node.left, at), lowered(node.right, at)
    return code.Binary(at.start(node), at.end(node), left, OPERATORS[type(node.op)], right)


@reads(ast.UnaryOp)
def unary(node: ast.UnaryOp, at: Places) -> code.Unary:
    return code.Unary(at.start(node), at.end(node), _UNARY[type(node.op)], lowered(node.operand, at))


@reads(ast.BoolOp)
def boolean(node: ast.BoolOp, at: Places) -> code.Boolean:
    """`a and b and c` is `(a and b) and c`."""
    symbol: Literal["and", "or"] = "and" if isinstance(node.op, ast.And) else "or"
    start = at.start(node)
    made = lowered(node.values[0], at)
    before = made.end
    for each in node.values[1:-1]:
        right = lowered(each, at)
        before = at.closed(before, right.start, right.end)
        made = code.Boolean(start, before, made, symbol, right)
    made = code.Boolean(start, at.end(node), made, symbol, lowered(node.values[-1], at))
    return made


@reads(ast.Compare)
def compare(node: ast.Compare, at: Places) -> code.Compare:
    symbols = tuple([OPERATORS[type(each)] for each in node.ops])
    return code.Compare(at.start(node), at.end(node), lowered(node.left, at), symbols, several(node.comparators, at))


@reads(ast.IfExp)
def conditional(node: ast.IfExp, at: Places) -> code.Conditional:
    parts = lowered(node.test, at), lowered(node.body, at), lowered(node.orelse, at)
    return code.Conditional(at.start(node), at.end(node), *parts)


@reads(ast.NamedExpr)
def walrus(node: ast.NamedExpr, at: Places) -> code.Walrus:
    return code.Walrus(at.start(node), at.end(node), lowered(node.target, at), lowered(node.value, at))


@reads(ast.Await)
def await_(node: ast.Await, at: Places) -> code.Await:
    return code.Await(at.start(node), at.end(node), lowered(node.value, at))


@reads(ast.Yield)
def yield_(node: ast.Yield, at: Places) -> code.Yield:
    return code.Yield(at.start(node), at.end(node), optional(node.value, at))


@reads(ast.YieldFrom)
def yield_from(node: ast.YieldFrom, at: Places) -> code.Yield:
    return code.Yield(at.start(node), at.end(node), lowered(node.value, at), True)


@reads(ast.ListComp, ast.SetComp, ast.GeneratorExp)
def comprehension(node: ast.ListComp | ast.SetComp | ast.GeneratorExp, at: Places) -> code.Comprehension:
    kind: Literal["list", "set", "generator"] = (
        "list" if isinstance(node, ast.ListComp) else "set" if isinstance(node, ast.SetComp) else "generator"
    )
    start = at.start(node)
    element = lowered(node.elt, at)
    behind = at.closed(start + 1, element.start, element.end)
    return code.Comprehension(start, at.end(node), kind, element, None, _loops(node.generators, behind, at))


@reads(ast.DictComp)
def dict_comprehension(node: ast.DictComp, at: Places) -> code.Comprehension:
    key, value = lowered(node.key, at), lowered(node.value, at)
    behind = at.closed(key.end, value.start, value.end)
    return code.Comprehension(at.start(node), at.end(node), "dict", key, value, _loops(node.generators, behind, at))


def _loops(nodes: list[ast.comprehension], behind: int, at: Places) -> tuple[code.Loop, ...]:
    made = []
    for each in nodes:
        start = at.skip(behind)
        at.behind("async" if each.is_async else "for", behind)
        target, source = lowered(each.target, at), lowered(each.iter, at)
        behind = at.closed(target.end, source.start, source.end)
        conditions = []
        for one in each.ifs:
            condition = lowered(one, at)
            behind = at.closed(behind, condition.start, condition.end)
            conditions.append(condition)
        made.append(code.Loop(start, behind, target, source, tuple(conditions), bool(each.is_async)))
    return tuple(made)


@reads(ast.Lambda)
def lambda_(node: ast.Lambda, at: Places) -> code.Lambda:
    start = at.start(node)
    given = parameters(node.args, start + len("lambda"), at)
    return code.Lambda(start, at.end(node), given, lowered(node.body, at))


def parameters(node: ast.arguments, behind: int, at: Places) -> code.Parameters:
    """Reads what stands between a function's parentheses, the first of which ends at `behind`."""
    start = at.skip(behind)
    plain = [*node.posonlyargs, *node.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(node.defaults)) + list(node.defaults)
    given = [parameter(each, default, at) for each, default in zip(plain, defaults, strict=True)]
    rest = None if node.vararg is None else parameter(node.vararg, None, at)
    only = [parameter(each, default, at) for each, default in zip(node.kwonlyargs, node.kw_defaults, strict=True)]
    others = None if node.kwarg is None else parameter(node.kwarg, None, at)
    last = others or (only[-1] if only else None) or rest or (given[-1] if given else None)
    end = start if last is None else at.behind_if(",", last.end)
    if given and last is given[-1] and len(node.posonlyargs) == len(plain):
        end = at.behind_if(",", at.behind("/", end))
    count = len(node.posonlyargs)
    return code.Parameters(start, end, tuple(given[:count]), tuple(given[count:]), rest, tuple(only), others)


def parameter(node: ast.arg, default: ast.expr | None, at: Places) -> code.Parameter:
    start = at.start(node)
    end = start + len(node.arg)
    annotation = value = None
    if node.annotation is not None:
        annotation = lowered(node.annotation, at)
        end = at.closed(end, annotation.start, annotation.end)
    if default is not None:
        value = lowered(default, at)
        end = at.closed(end, value.start, value.end)
    return code.Parameter(start, end, node.arg, annotation, value)
