"""`FILE:EXPR`: which entry of which file, and what is predicted of it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from vglint.finding import Problem
from vglint.given import Input, ModelInputs, parse_input
from vglint.graph import Graph, distinct
from vglint.regex import regex

if TYPE_CHECKING:
    from vglint.signal import Ratio, Trace
    from vglint.source.module import Module
    from vglint.source.project import Project
    from vglint.span import Span

_TARGET = regex(r"(?P<file>.+?\.(?:pyw?|ipynb))(?::(?P<expression>.*))?$", re.S)


class TargetError(ValueError):
    """A `FILE:EXPR` that names no file, or nothing in it that has a graph; the message says what would."""


class Target(Struct, frozen=True):
    """A file and an expression over its names; an empty one means every entry."""

    file: str
    expression: str


def parse_target(text: str) -> Target:
    """Returns the target of `models/vgg.py:VGG("VGG16")`; raises TargetError."""
    found = _TARGET.match(text)
    if found is None:
        file, colon, expression = text.rpartition(":") if text.count(":") == 1 else text.partition(":")
        if not colon:
            raise TargetError(f"{text!r} names no Python file: FILE or FILE:EXPR is needed")
        return Target(file, expression.strip())
    return Target(found["file"], (found["expression"] or "").strip())


def opened(target: Target, inputs: Sequence[str] = ()) -> tuple[Project, Module]:
    """Returns the file as a module in its project, with inputs as `--input` describes them before those of the configuration; raises
    TargetError where it cannot be read, or an input cannot."""
    from vglint.config import Configuration
    from vglint.source.project import Project

    if not os.path.isfile(target.file):
        raise TargetError(f"{target.file} is not a file")
    settings = Configuration().of_file(target.file)
    project = Project(settings.top, [target.file], settings.resolve)
    given = tuple(_input(text) for text in inputs)
    project.inputs = ((ModelInputs("*", given),) if given else ()) + settings.inputs
    module = project.module(target.file)
    if isinstance(module, Problem):
        line = "" if module.line is None else f":{module.line}"
        raise TargetError(f"{module.path}{line}: {module.message}")
    return project, module


def _input(text: str) -> Input:
    try:
        return parse_input(text)
    except ValueError as error:
        raise TargetError(f"--input {text}: {error}") from None


def graphs_of(target: Target, inputs: Sequence[str] = ()) -> tuple[tuple[Graph, ...], Module]:
    """Returns the graph of the target, or of each entry of its file, and the file; raises TargetError."""
    from vglint.interp import EntryError, entries, extract

    project, module = opened(target, inputs)
    if not target.expression:
        return distinct(entries(project, module)), module
    try:
        return (extract(project, module, target.expression),), module
    except EntryError as error:
        raise TargetError(str(error)) from None


def predicted(text: str, inputs: Sequence[str] = ()) -> tuple[tuple[Graph, Trace, Ratio], ...]:
    """Returns the graph of `FILE:EXPR`, or of each entry of FILE, with what is predicted of it; `inputs` fix the sizes of its inputs.
    Raises TargetError where there is none."""
    from vglint.analysis.parametric import depths
    from vglint.analysis.propagate import propagate
    from vglint.analysis.ratio import ratio

    graphs, module = graphs_of(parse_target(text), inputs)
    if not graphs:
        raise TargetError(f"{text} holds no model and no training code that vglint can find")
    found = []
    for graph in graphs:
        trace = propagate(graph)
        found.append((in_cells(graph, module), trace, replace(ratio(graph, trace), depths=tuple(depths(graph)))))
    return tuple(found)


def in_cells(graph: Graph, module: Module) -> Graph:
    """Returns the graph of a notebook with its places as the notebook counts them: `book.ipynb:cell 2`, line in the cell."""
    if not module.cells:
        return graph

    def placed(span: Span) -> Span:
        found = module.cell_at(span.line) if span.file == module.path else None
        if found is None:
            return span
        cell, line = found
        return replace(span, file=f"{span.file}:cell {cell}", line=line, end_line=line + span.end_line - span.line)

    return replace(
        graph,
        span=placed(graph.span),
        nodes=tuple(replace(node, span=placed(node.span)) for node in graph.nodes),
        gaps=tuple(gap if gap.span is None else replace(gap, span=placed(gap.span)) for gap in graph.gaps),
    )
