"""Code that calls a model of the file, and that no graph shows."""

from __future__ import annotations

from collections.abc import Iterable

import libcst as cst

from vglint.fix.change import Request
from vglint.fix.source import Source
from vglint.graph import Graph
from vglint.ops import find, has


def unseen_calls(request: Request, node: cst.CSTNode, graphs: Iterable[Graph]) -> list[int]:
    """Returns the lines that call instances of the class around a node, in functions that no node of the graphs lies in; not those that only
    ask for the order of the result."""
    source = request.source
    lines_of = {one.span.line for graph in graphs for one in graph.nodes if one.span.file == request.finding.span.file}
    owner = source.around(node, cst.ClassDef)
    if not isinstance(owner, cst.ClassDef):
        return []
    held = _held(source, owner.name.value)
    lines: list[int] = []
    for call in source.every(cst.Call):
        function = source.around(call, cst.FunctionDef)
        if source.code(call.func) not in held or function is None or _only_orders(request, call):
            continue
        first, last = source.lines(function)
        if not any(first <= line <= last for line in lines_of):
            lines.append(source.line(call))
    return sorted(set(lines))


def _held(source: Source, owner: str) -> set[str]:
    """Returns the names, `model` or `self.model`, that a program binds to instances of a class."""
    found: set[str] = set()
    for one in source.every(cst.Assign):
        made = one.value
        while isinstance(made, cst.Call) and isinstance(made.func, cst.Attribute):
            made = made.func.value  # Net().to(device)
        if isinstance(made, cst.Call) and isinstance(made.func, cst.Name) and made.func.value == owner:
            found.update(source.code(target.target) for target in one.targets)
    return found


def _only_orders(request: Request, call: cst.Call) -> bool:
    """Whether `argmax` or the like is all that reads a call's result."""
    source = request.source
    match source.parent(call):
        case cst.Attribute(attr=cst.Name(value=name)):
            return _orders(f"torch.{name}")
        case cst.Arg() as given:
            around = source.parent(given)
            said = request.names.dotted(around.func) if isinstance(around, cst.Call) else None
            return said is not None and _orders(said)
        case _:
            return False


def _orders(dotted: str) -> bool:
    spelling = find(dotted)
    return spelling is not None and has(spelling.op, "orders")
