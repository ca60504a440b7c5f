"""Which names a statement binds in the scope it stands in."""

from __future__ import annotations

import ast
from collections.abc import Iterable

STAR = "*"
"""Stands for the names that a star import binds."""


def bound_names(statements: Iterable[ast.stmt]) -> tuple[str, ...]:
    """Returns the names in order of first binding; bodies of functions, classes and lambdas are scopes of their own."""
    found: dict[str, None] = {}
    stack: list[ast.AST] = list(reversed([*statements]))
    while stack:
        node = stack.pop()
        for name in _own_names(node):
            found.setdefault(name)
        stack += reversed(_same_scope(node))
    return tuple(found)


def _own_names(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.Name(id=name, ctx=ast.Store()):
            return (name,)
        case ast.Import(names=aliases):
            return tuple(alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case ast.ImportFrom(names=aliases):
            return tuple(alias.asname or alias.name for alias in aliases)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return (name,)
        case ast.MatchMapping(rest=str(name)):
            return (name,)
        case _:
            return ()


def _same_scope(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [*node.decorator_list, *node.args.defaults, *(one for one in node.args.kw_defaults if one)]
        case ast.ClassDef():
            return [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
        case ast.Lambda(args=arguments):
            return [*arguments.defaults, *(one for one in arguments.kw_defaults if one)]
        case ast.comprehension():
            return [node.iter, *node.ifs]
        case ast.Name() | ast.Constant() | ast.Import() | ast.ImportFrom():
            return []
        case _:
            return list(ast.iter_child_nodes(node))


def acted_on(statements: Iterable[ast.stmt]) -> tuple[str, ...]:
    """Returns the names whose objects top-level statements change: a method called, an entry or attribute set, a
    decorator applied; `setattr` and `globals` where a statement calls those, since whose names they set is not seen here."""
    found: dict[str, None] = {}
    for node in statements:
        places: list[ast.expr] = []
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute() | ast.Name(id="setattr") as called)):
                places = [called]
            case ast.Assign(targets=targets):
                places = [target for target in targets if isinstance(target, (ast.Subscript, ast.Attribute))]
            case ast.For(body=body):
                places = [ast.Name(id=name) for name in acted_on(body)]
            case ast.FunctionDef() | ast.ClassDef():
                places = [each for each in node.decorator_list if not isinstance(each, ast.Name)]
            case _:
                pass
        for place in places:
            if name := _head(place):
                found.setdefault(name)
    return tuple(found)


def _head(place: ast.expr) -> str:
    while isinstance(place, (ast.Call, ast.Attribute, ast.Subscript)):
        place = place.func if isinstance(place, ast.Call) else place.value
    return place.id if isinstance(place, ast.Name) else ""
