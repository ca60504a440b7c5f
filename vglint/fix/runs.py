"""The statements of a model's forward that run its blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst
from msgspec import Struct

from vglint.fix.calls import body
from vglint.fix.change import Request
from vglint.fix.source import Source

if TYPE_CHECKING:
    from vglint.analysis.facts.model import ModelView


class Run(Struct, frozen=True):
    """Statements `x = …` one after the other that read and bind one name: what a block does to its input."""

    name: str
    statements: tuple[cst.SimpleStatementLine, ...]

    @property
    def value(self) -> cst.BaseExpression:
        """What the last statement computes."""
        made = self.statements[-1].body[0]
        assert isinstance(made, cst.Assign)
        return made.value


def runs(request: Request, model: ModelView, blocks: list[tuple[int, int]]) -> list[Run] | str:
    """Returns the runs of all blocks, the body of a loop once; why not, where one is not found or does something else too."""
    source = request.source
    kind = model.type.rpartition(".")[2]
    forward = [
        one
        for owner in source.every(cst.ClassDef)
        if owner.name.value == kind
        for one in source.every(cst.FunctionDef, owner)
        if one.name.value == "forward"
    ]
    if len(forward) != 1:
        return "the model has no forward of its own in this file"
    found: dict[tuple[cst.SimpleStatementLine, ...], Run] = {}
    for start, end in blocks:
        run = _run(request, model, forward[0], start, end)
        if run is None:
            return "the blocks are not run by statements of their own, such as x = block(x)"
        found[run.statements] = run
    return list(found.values())


def _run(request: Request, model: ModelView, forward: cst.FunctionDef, start: int, end: int) -> Run | None:
    source, graph = request.source, model.view.graph
    weight = next(graph.nodes[index] for index in model.path.weights if start < index <= end)
    last = graph.nodes[end]
    for loop in source.every(cst.For, forward):
        if _holds(source.code(loop.iter), weight.path):
            return _as_run(source, body(loop)) if _keep_width(model, source.code(loop.iter)) else None
    statements = body(forward)
    first = next((i for i, one in enumerate(statements) if _calls(source, one, weight.path)), None)
    if first is None:
        return None
    for stop in range(first, len(statements)):
        if _calls(source, statements[stop], last.path) or _covers(request, statements[stop], end, model):
            return _as_run(source, statements[first : stop + 1])
    return None


def _keep_width(model: ModelView, iterable: str) -> bool:
    """Whether each weight layer that a loop runs gives as many features as it takes."""
    nodes = [model.view.graph.nodes[index] for index in model.path.weights]
    sizes = [("out_features", "in_features"), ("out_channels", "in_channels")]
    return all(
        node.get(one) == node.get(other) for node in nodes if _holds(iterable, node.path) for one, other in sizes
    )


def _holds(text: str, path: str) -> bool:
    """Whether a loop's iterable is the container that a layer lies in: `self.blocks` for `blocks.3.fc`."""
    container = re.split(r"\.\d+", path, maxsplit=1)[0]
    return container != path and re.search(rf"\bself\.{re.escape(container)}(?![\w.\[])", text) is not None


def _calls(source: Source, statement: cst.BaseStatement, path: str) -> bool:
    return any(source.code(call.func) == f"self.{path}" for call in source.every(cst.Call, statement))


def _covers(request: Request, statement: cst.BaseStatement, index: int, model: ModelView) -> bool:
    """Whether a function that a statement calls is the node."""
    node = model.view.graph.nodes[index]
    if node.type is not None or node.span.file != request.finding.span.file:
        return False
    start, end = request.source.range(statement)
    first, last = request.source.offsets(node.span)
    return start <= first and last <= end


def _as_run(source: Source, statements: list[cst.BaseStatement]) -> Run | None:
    """Returns statements as a run; None where one of them is no `x = …` that reads x, or x has another name there."""
    names = set()
    lines: list[cst.SimpleStatementLine] = []
    for statement in statements:
        match statement:
            case cst.SimpleStatementLine(
                body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value)]
            ) if any(one.value == name for one in source.every(cst.Name, value)):
                names.add(name)
                lines.append(statement)
            case _:
                return None
    return Run(names.pop(), tuple(lines)) if len(names) == 1 else None
