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


def assignments(source: Source, target: str, inside: cst.CSTNode) -> list[cst.Assign | cst.AnnAssign]:
    """Returns the plain assignments to a target as it is written (`p`, `self.layers`), in order."""
    found: list[cst.Assign | cst.AnnAssign] = []
    for node in source.every(cst.Assign, inside):
        if any(source.code(one.target) == target for one in node.targets):
            found.append(node)
    for annotated in source.every(cst.AnnAssign, inside):
        if annotated.value is not None and source.code(annotated.target) == target:
            found.append(annotated)
    return found


def defined(source: Source, expression: cst.BaseExpression) -> cst.BaseExpression | None:
    """Returns the expression itself, or, for a name that its function assigns once, what it is assigned."""
    if not isinstance(expression, cst.Name):
        return expression
    function = source.around(expression, cst.FunctionDef, cst.Module)
    if function is None:
        return None
    made = assignments(source, expression.value, function)
    bound = [
        node
        for node in source.every(cst.Name, function)
        if node.value == expression.value
        and isinstance(source.parent(node), (cst.AssignTarget, cst.Param, cst.AugAssign))
    ]
    return made[0].value if len(made) == 1 and len(bound) == 1 else None


def loops(source: Source, node: cst.CSTNode) -> list[cst.For | cst.While]:
    """Returns the loops around a node inside its function, innermost first."""
    found: list[cst.For | cst.While] = []
    around = source.parent(node)
    while around is not None and not isinstance(around, (cst.FunctionDef, cst.ClassDef, cst.Lambda)):
        if isinstance(around, (cst.For, cst.While)):
            found.append(around)
        around = source.parent(around)
    return found


def body(compound: cst.For | cst.While | cst.FunctionDef) -> list[cst.BaseStatement]:
    """Returns the statements of a loop or function; none where they stand on its own line."""
    return list(compound.body.body) if isinstance(compound.body, cst.IndentedBlock) else []


def is_same_block(source: Source, left: cst.CSTNode, right: cst.CSTNode) -> bool:
    """Whether two statements stand in one block."""
    return source.parent(left) is source.parent(right)


def in_block_of(source: Source, node: cst.CSTNode, other: cst.CSTNode) -> cst.BaseStatement | None:
    """Returns the statement around a node that stands in the block of another statement; None where there is none."""
    block = source.parent(other)
    found: cst.CSTNode | None = node
    while found is not None and source.parent(found) is not block:
        found = source.parent(found)
    return found if isinstance(found, cst.BaseStatement) else None
