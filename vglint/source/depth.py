"""Whether code is nested too deeply for libcst, whose time grows with the square of the depth and whose stack is finite."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

_DEEPEST = 400
_SHORT = 2 * _DEEPEST
"""An expression of fewer characters and lines cannot be too deep."""


def too_deep(statements: Iterable[ast.stmt]) -> bool:
    """Whether an expression in the statements is nested more than 400 deep, or statements (a chain of `elif`) twice that."""
    stack: list[tuple[ast.AST, int]] = [(statement, 0) for statement in statements]
    while stack:
        node, depth = stack.pop()
        if depth > 2 * _DEEPEST:
            return True
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                if _is_long(child) and _depth(child) > _DEEPEST:
                    return True
            elif isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case, ast.withitem)):
                stack.append((child, depth + 1))
    return False


def too_deep_text(text: str) -> bool:
    """Whether code that `ast` cannot read may be too deep: brackets, or a run of tokens without a comma that could nest."""
    runs = [0]
    turns = 0
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "open":
                runs.append(runs[-1])
            case "close":
                if len(runs) > 1:
                    runs.pop()
            case "comma":
                runs[-1] = runs[-2] if len(runs) > 1 else 0
            case "end":
                if len(runs) == 1:
                    runs[0] = 0
            case "turn":
                turns += 1
            case "other":
                runs[-1] += 1
        if len(runs) > _DEEPEST // 4 or runs[-1] > 2 * _DEEPEST or turns > 2 * _DEEPEST:
            return True
    return False


_TOKEN = re.compile(
    r"(?P<string>(?:\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}(?:[^\\]|\\.)*?'{3}|\"(?:[^\"\\\r\n]|\\.)*\"|'(?:[^'\\\r\n]|\\.)*'))"
    r"|(?P<comment>#[^\r\n]*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,)|(?P<continued>\\\r?\n)"
    r"|(?P<end>[\r\n;])|(?P<turn>\belif\b)|(?P<other>\w+|[^\s\w])",
    re.DOTALL,
)


def _is_long(node: ast.expr) -> bool:
    lines = (node.end_lineno or node.lineno) - node.lineno
    return lines > _DEEPEST or lines * 100 + (node.end_col_offset or 0) - node.col_offset > _SHORT


def _depth(node: ast.expr) -> int:
    depth, level = 0, [node]
    while level and depth <= _DEEPEST:
        depth += 1
        level = [child for parent in level for child in ast.iter_child_nodes(parent)]  # type: ignore[misc]
    return depth
