"""Where a libcst node stands, found by pairing libcst's and `ast`'s nodes of one kind in source order.

Both parsers see the same calls, names, … in the same order, and `ast` knows where they are: no position is computed.
Inside f-strings, patterns of `match` and type parameters nothing is paired.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import libcst as cst

_CHILDREN: dict[type, tuple[str, ...]] = {
    cst.Module: ("body",),
    cst.SimpleStatementLine: ("body",),
    cst.SimpleStatementSuite: ("body",),
    cst.IndentedBlock: ("body",),
    cst.If: ("test", "body", "orelse"),
    cst.Else: ("body",),
    cst.For: ("target", "iter", "body", "orelse"),
    cst.While: ("test", "body", "orelse"),
    cst.With: ("items", "body"),
    cst.WithItem: ("item", "asname"),
    cst.AsName: ("name",),
    cst.Try: ("body", "handlers", "orelse", "finalbody"),
    cst.TryStar: ("body", "handlers", "orelse", "finalbody"),
    cst.ExceptHandler: ("type", "body"),
    cst.ExceptStarHandler: ("type", "body"),
    cst.Finally: ("body",),
    cst.FunctionDef: ("decorators", "params", "returns", "body"),
    cst.ClassDef: ("decorators", "bases", "keywords", "body"),
    cst.Decorator: ("decorator",),
    cst.Parameters: ("posonly_params", "params", "star_arg", "kwonly_params", "star_kwarg"),
    cst.Param: ("annotation", "default"),
    cst.Annotation: ("annotation",),
    cst.Expr: ("value",),
    cst.Return: ("value",),
    cst.Assign: ("targets", "value"),
    cst.AssignTarget: ("target",),
    cst.AnnAssign: ("target", "annotation", "value"),
    cst.AugAssign: ("target", "value"),
    cst.Del: ("target",),
    cst.Raise: ("exc", "cause"),
    cst.From: ("item",),
    cst.Assert: ("test", "msg"),
    cst.Import: (),
    cst.ImportFrom: (),
    cst.Global: (),
    cst.Nonlocal: (),
    cst.Pass: (),
    cst.Break: (),
    cst.Continue: (),
    cst.Match: ("subject", "cases"),
    cst.MatchCase: ("guard", "body"),
    cst.Attribute: ("value",),
    cst.Call: ("func", "args"),
    cst.Arg: ("value",),
    cst.Subscript: ("value", "slice"),
    cst.SubscriptElement: ("slice",),
    cst.Index: ("value",),
    cst.Slice: ("lower", "upper", "step"),
    cst.BinaryOperation: ("left", "right"),
    cst.BooleanOperation: ("left", "right"),
    cst.Comparison: ("left", "comparisons"),
    cst.ComparisonTarget: ("comparator",),
    cst.UnaryOperation: ("expression",),
    cst.IfExp: ("body", "test", "orelse"),
    cst.Lambda: ("params", "body"),
    cst.Tuple: ("elements",),
    cst.List: ("elements",),
    cst.Set: ("elements",),
    cst.Dict: ("elements",),
    cst.Element: ("value",),
    cst.StarredElement: ("value",),
    cst.DictElement: ("key", "value"),
    cst.StarredDictElement: ("value",),
    cst.ListComp: ("elt", "for_in"),
    cst.SetComp: ("elt", "for_in"),
    cst.GeneratorExp: ("elt", "for_in"),
    cst.DictComp: ("key", "value", "for_in"),
    cst.CompFor: ("target", "iter", "ifs", "inner_for_in"),
    cst.CompIf: ("test",),
    cst.Await: ("expression",),
    cst.Yield: ("value",),
    cst.NamedExpr: ("target", "value"),
    cst.Name: (),
    cst.Integer: (),
    cst.Float: (),
    cst.Imaginary: (),
    cst.Ellipsis: (),
    cst.SimpleString: (),
    cst.ConcatenatedString: (),
    cst.FormattedString: (),
}
"""Fields that hold statements or expressions, in the order of the source text."""

_REVERSED_CHILDREN = {kind: fields[::-1] for kind, fields in _CHILDREN.items()}

_KINDS: dict[type, tuple[type[cst.CSTNode], ...]] = {
    ast.FunctionDef: (cst.FunctionDef,),
    ast.ClassDef: (cst.ClassDef,),
    ast.Return: (cst.Return,),
    ast.Delete: (cst.Del,),
    ast.Assign: (cst.Assign,),
    ast.AnnAssign: (cst.AnnAssign,),
    ast.AugAssign: (cst.AugAssign,),
    ast.For: (cst.For,),
    ast.While: (cst.While,),
    ast.If: (cst.If,),
    ast.With: (cst.With,),
    ast.Match: (cst.Match,),
    ast.Raise: (cst.Raise,),
    ast.Try: (cst.Try, cst.TryStar),
    ast.Assert: (cst.Assert,),
    ast.Import: (cst.Import,),
    ast.ImportFrom: (cst.ImportFrom,),
    ast.Global: (cst.Global,),
    ast.Nonlocal: (cst.Nonlocal,),
    ast.Expr: (cst.Expr,),
    ast.Pass: (cst.Pass,),
    ast.Break: (cst.Break,),
    ast.Continue: (cst.Continue,),
    ast.BoolOp: (cst.BooleanOperation,),
    ast.NamedExpr: (cst.NamedExpr,),
    ast.BinOp: (cst.BinaryOperation,),
    ast.UnaryOp: (cst.UnaryOperation,),
    ast.Lambda: (cst.Lambda,),
    ast.IfExp: (cst.IfExp,),
    ast.Dict: (cst.Dict,),
    ast.Set: (cst.Set,),
    ast.ListComp: (cst.ListComp,),
    ast.SetComp: (cst.SetComp,),
    ast.DictComp: (cst.DictComp,),
    ast.GeneratorExp: (cst.GeneratorExp,),
    ast.Await: (cst.Await,),
    ast.Yield: (cst.Yield,),
    ast.Compare: (cst.Comparison,),
    ast.Call: (cst.Call,),
    ast.Constant: (
        cst.Integer,
        cst.Float,
        cst.Imaginary,
        cst.Ellipsis,
        cst.SimpleString,
        cst.ConcatenatedString,
        cst.FormattedString,
    ),
    ast.Attribute: (cst.Attribute,),
    ast.Subscript: (cst.Subscript,),
    ast.Slice: (cst.Slice,),
    ast.Name: (cst.Name,),
    ast.List: (cst.List,),
    ast.Tuple: (cst.Tuple,),
    ast.arg: (cst.Param,),
}
_KIND: dict[type, type] = {concrete: kind for kind, concretes in _KINDS.items() for concrete in concretes}
_SAME_KIND: dict[type, type] = {
    ast.AsyncFunctionDef: ast.FunctionDef,
    ast.AsyncFor: ast.For,
    ast.AsyncWith: ast.With,
    ast.YieldFrom: ast.Yield,
    ast.JoinedStr: ast.Constant,
    **({ast.TryStar: ast.Try} if hasattr(ast, "TryStar") else {}),  # Python 3.11
    **{kind: kind for kind in _KINDS},
}
_AST_LEAVES = frozenset(
    {"JoinedStr", "TemplateStr", "Constant", "Name", "Import", "ImportFrom", "Global", "Nonlocal", "TypeAlias"}
)
_NO_AST_CHILDREN = frozenset(
    {"pattern", "type_params", "type_comment", "ctx", "op", "ops", "name", "arg", "attr", "simple", "is_async"},
)
_AST_CHILDREN: dict[type, tuple[str, ...]] = {
    kind: () if name in _AST_LEAVES else tuple(field for field in kind._fields if field not in _NO_AST_CHILDREN)
    for name, kind in vars(ast).items()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
_START = attrgetter("lineno", "col_offset")
_CONSTANT_NAMES = frozenset({"True", "False", "None"})


def paired(tree: cst.CSTNode, statements: Sequence[ast.stmt]) -> dict[int, ast.AST]:
    """Returns by `id` of the libcst node the `ast` node that is the same piece of text."""
    theirs = _ours_by_kind(statements)
    found: dict[int, ast.AST] = {}
    for kind, nodes in _libcst_by_kind(tree).items():
        places = theirs.get(kind, ())
        if len(places) == len(nodes):  # else the parsers disagree, and the enclosing node must do
            found.update(zip(nodes, places, strict=True))
    return found


def inner(node: cst.CSTNode) -> cst.CSTNode | None:
    """Returns the statement or expression that a wrapper without a place of its own (an argument, an element) is about."""
    for field in _CHILDREN.get(type(node), ()):
        value = getattr(node, field)
        first = next(iter(value), None) if isinstance(value, (list, tuple)) else value
        if isinstance(first, cst.CSTNode):
            return first
    return None


def parents(tree: cst.CSTNode) -> dict[int, cst.CSTNode]:
    """Returns by `id` of each node of the tree, white space and all, the node that holds it."""
    found: dict[int, cst.CSTNode] = {}
    stack = [tree]
    while stack:
        node = stack.pop()
        for field in node.__dataclass_fields__:
            value = getattr(node, field)
            for child in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(child, cst.CSTNode):
                    found[id(child)] = node
                    stack.append(child)
    return found


def _libcst_by_kind(tree: cst.CSTNode) -> dict[type, list[int]]:
    found: dict[type, list[int]] = {kind: [] for kind in _KINDS}
    merged: set[int] = set()
    stack: list[Any] = [tree]
    while stack:  # one turn for each node of the file: written for speed
        node = stack.pop()
        shape = type(node)
        fields = _REVERSED_CHILDREN.get(shape)
        if fields is None:
            continue
        kind = _KIND.get(shape)
        if kind is not None:
            if shape is cst.Name:
                found[ast.Constant if node.value in _CONSTANT_NAMES else kind].append(id(node))
                continue
            if shape is cst.BooleanOperation:
                merged.update(id(side) for side in (node.left, node.right) if _is_chained(node, side))
            elif shape is cst.Del and isinstance(node.target, cst.Tuple) and not node.target.lpar:
                merged.add(id(node.target))
            elif shape is cst.Subscript and _has_bare_tuple(node):
                found[ast.Tuple].append(id(node.slice))
            if not merged or id(node) not in merged:
                found[kind].append(id(node))
        for field in fields:
            value = getattr(node, field)
            if value.__class__ is tuple or value.__class__ is list:
                stack += value[::-1]
            elif value is not None:
                stack.append(value)
    return found


def _is_chained(node: cst.BooleanOperation, side: cst.BaseExpression) -> bool:
    """Whether `ast` makes one BoolOp of both: `a and b and c`."""
    return isinstance(side, cst.BooleanOperation) and not side.lpar and type(side.operator) is type(node.operator)


def _has_bare_tuple(node: cst.Subscript) -> bool:
    """Whether `ast` sees a Tuple in the brackets where libcst sees a list of elements: `x[a, b]`, `x[a,]`, `x[*a]`."""
    last = node.slice[-1]
    return len(node.slice) > 1 or isinstance(last.comma, cst.Comma) or getattr(last.slice, "star", None) == "*"


def _ours_by_kind(statements: Iterable[ast.stmt]) -> dict[type, list[ast.AST]]:
    found: dict[type, list[ast.AST]] = {kind: [] for kind in _KINDS}
    stack: list[ast.AST] = list(statements)
    while stack:
        node = stack.pop()
        shape = type(node)
        kind = _SAME_KIND.get(shape)
        if kind is not None:
            found[kind].append(node)
        for field in _AST_CHILDREN[shape]:
            value = getattr(node, field)
            if value.__class__ is list:
                stack += [item for item in value if item is not None]
            elif value is not None:
                stack.append(value)
    for nodes in found.values():
        nodes.sort(
            key=_START
        )  # stable, and a parent was found before its children: of two with one start it stays first
    return found
