"""Text to units by `ast`, which is quick and knows every line."""

from __future__ import annotations

import ast

from vglint.source.names import bound_names
from vglint.source.unit import LINE, Kind, Unit, parse_ast


def units_by_ast(file: str, text: str) -> tuple[Unit, ...]:
    """Returns the top-level statements in order."""
    starts = [0, *(row.end() for row in LINE.finditer(text))]
    units = []
    for group in _by_line(parse_ast(text).body):
        line, end_line = _first_line(group[0], text, starts), group[-1].end_lineno or group[-1].lineno
        start, end = starts[line - 1], starts[end_line]
        unit = Unit(file, _kind(group), bound_names(group), line, end_line, text, start, end)
        if unit.kind in ("class", "function"):
            unit.__dict__["statements"] = tuple(group)
        units.append(unit)
    return tuple(units)


def _by_line(statements: list[ast.stmt]) -> list[list[ast.stmt]]:
    groups: list[list[ast.stmt]] = []
    last = 0
    for statement in statements:
        if groups and statement.lineno <= last and not _decorated(statement):
            groups[-1].append(statement)
        else:
            groups.append([statement])
        last = statement.end_lineno or statement.lineno
    return groups


def _decorated(statement: ast.stmt) -> bool:
    return bool(getattr(statement, "decorator_list", ()))


def _first_line(statement: ast.stmt, text: str, starts: list[int]) -> int:
    match statement:
        case (
            ast.ClassDef(decorator_list=[first, *_])
            | ast.FunctionDef(decorator_list=[first, *_])
            | ast.AsyncFunctionDef(decorator_list=[first, *_])
        ):
            line = first.lineno
            while line > 1 and text[starts[line - 1]] != "@":
                line -= 1
            return line
        case _:
            return statement.lineno


def _kind(group: list[ast.stmt]) -> Kind:
    match group:
        case [ast.ClassDef()]:
            return "class"
        case [ast.FunctionDef() | ast.AsyncFunctionDef()]:
            return "function"
        case _:
            return "import" if all(isinstance(one, (ast.Import, ast.ImportFrom)) for one in group) else "other"
