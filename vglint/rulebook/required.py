"""Which texts a name must be for a condition to hold: `op in ("exp", "log") and …` needs one of the two."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping


def wanted_texts(tree: ast.expr) -> dict[str, frozenset[str]]:
    """Returns for each name that a condition compares with constant texts those of which it must be one."""
    match tree:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[ast.Constant(value=str() as text)]):
            return {name: frozenset({text})}
        case ast.Compare(
            left=ast.Name(id=name), ops=[ast.In()], comparators=[ast.Tuple(elts=items) | ast.List(elts=items)]
        ):
            texts = [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
            return {name: frozenset(texts)} if len(texts) == len(items) else {}
        case ast.BoolOp(op=ast.And(), values=values):
            return joined(wanted_texts(value) for value in values)
        case ast.BoolOp(op=ast.Or(), values=values):
            arms = [wanted_texts(value) for value in values]
            shared = set(arms[0]).intersection(*arms[1:])
            return {name: frozenset[str]().union(*(arm[name] for arm in arms)) for name in shared}
        case _:
            return {}


def joined(arms: Iterable[Mapping[str, frozenset[str]]]) -> dict[str, frozenset[str]]:
    """Returns what a name must be where all of several conditions hold."""
    found: dict[str, frozenset[str]] = {}
    for arm in arms:
        for name, texts in arm.items():
            found[name] = found[name] & texts if name in found else texts
    return found
