"""Text to units by libcst, for a file whose grammar is newer than the `ast` of the Python that runs vglint."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from vglint.source.names import STAR
from vglint.source.unit import LINE, Kind, Unit


def units_by_libcst(file: str, text: str) -> tuple[Unit, ...]:
    """Returns the top-level statements in order. Raises libcst.ParserSyntaxError."""
    module = cst.parse_module(text)
    starts = [0, *(row.end() for row in LINE.finditer(text))]
    units = []
    line = 1 + sum(_height(module.code_for_node(blank)) for blank in module.header)
    for statement in module.body:
        above = sum(_height(module.code_for_node(blank)) for blank in getattr(statement, "leading_lines", ()))
        first, line = line + above, line + _height(module.code_for_node(statement))
        names = tuple(dict.fromkeys(_bound(statement)))
        start, end = starts[first - 1], starts[min(line, len(starts)) - 1]
        units.append(Unit(file, _kind(statement), names, first, line - 1, text, start, end, by_libcst=True))
    return tuple(units)


def _height(code: str) -> int:
    return len(LINE.findall(code))


def _kind(statement: cst.CSTNode) -> Kind:
    match statement:
        case cst.ClassDef():
            return "class"
        case cst.FunctionDef():
            return "function"
        case cst.SimpleStatementLine(body=body) if all(isinstance(one, (cst.Import, cst.ImportFrom)) for one in body):
            return "import"
        case _:
            return "other"


def _bound(node: cst.CSTNode) -> Iterator[str]:
    match node:
        case cst.FunctionDef(name=name) | cst.ClassDef(name=name):
            yield name.value
        case cst.Lambda():
            pass
        case cst.Import(names=aliases):
            for alias in aliases:
                yield alias.evaluated_alias or alias.evaluated_name.partition(".")[0]
        case cst.ImportFrom(names=cst.ImportStar()):
            yield STAR
        case cst.ImportFrom(names=[*aliases]):
            for alias in aliases:
                yield alias.evaluated_alias or alias.evaluated_name
        case cst.AssignTarget(target=target) | cst.AnnAssign(target=target) | cst.AugAssign(target=target):
            yield from _targets(target)
        case cst.For(target=target) | cst.NamedExpr(target=target):
            yield from _targets(target)
            yield from _below(node)
        case cst.AsName(name=target):
            yield from _targets(target)
        case cst.MatchAs(name=cst.Name(value=name)) | cst.MatchStar(name=cst.Name(value=name)):
            yield name
            yield from _below(node)
        case cst.TypeAlias(name=name):
            yield name.value
        case _:
            yield from _below(node)


def _below(node: cst.CSTNode) -> Iterator[str]:
    for child in node.children:
        yield from _bound(child)


def _targets(target: cst.CSTNode) -> Iterator[str]:
    match target:
        case cst.Name(value=name):
            yield name
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for element in elements:
                yield from _targets(element.value)
        case _:
            return
