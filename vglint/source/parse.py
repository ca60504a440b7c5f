"""Text to units by `ast`, which is quick and knows every line."""

from __future__ import annotations

import ast
import re

from vglint.source.names import bound_names
from vglint.source.unit import LINE, Kind, Unit, parse_ast


def units_by_ast(file: str, text: str) -> tuple[Unit, ...]:
    """Returns the top-level statements in order."""
    starts = [0, *(row.end() for row in LINE.finditer(text))]
    units = []
    for group in _by_line(parse_ast(text).body, text, starts):
        line, end_line = _first_line(group[0], text, starts), group[-1].end_lineno or group[-1].lineno
        start, end = starts[line - 1], starts[end_line]
        unit = Unit(file, _kind(group), bound_names(group), line, end_line, text, start, end)
        if unit.kind in ("class", "function"):
            unit.__dict__["statements"] = tuple(group)
        units.append(unit)
    return tuple(units)


def _by_line(statements: list[ast.stmt], text: str, starts: list[int]) -> list[list[ast.stmt]]:
    groups: list[list[ast.stmt]] = []
    joined = False
    for statement in statements:
        if joined:
            groups[-1].append(statement)
        else:
            groups.append([statement])
        joined = _SEMICOLON.match(text, _end(statement, text, starts)) is not None
    return groups


_SEMICOLON = re.compile(r"(?:[ \t\f]|\\(?:\r\n|\r|\n))*;(?:[ \t\f]|\\(?:\r\n|\r|\n))*(?=[^\s#])")


def _end(statement: ast.stmt, text: str, starts: list[int]) -> int:
    """Returns the index in the text just after a statement."""
    line, column = statement.end_lineno or statement.lineno, statement.end_col_offset or 0
    start = starts[line - 1]
    row = text[start : starts[line]]
    return start + (column if row.isascii() else len(row.encode()[:column].decode(errors="replace")))


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
