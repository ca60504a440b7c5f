"""`FILE:EXPR`: which entry of which file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from vglint.finding import Problem

if TYPE_CHECKING:
    from vglint.graph import Graph
    from vglint.source.module import Module
    from vglint.source.project import Project
    from vglint.span import Span

_TARGET = re.compile(r"(?P<file>.+?\.(?:pyw?|ipynb))(?::(?P<expression>.*))?$", re.S)


@dataclass(frozen=True, slots=True)
class Target:
    """A file and an expression over its names; an empty one means every entry."""

    file: str
    expression: str


def parse_target(text: str) -> Target:
    """Returns the target of `models/vgg.py:VGG("VGG16")`; raises click.UsageError."""
    found = _TARGET.match(text)
    if found is None:
        file, colon, expression = text.rpartition(":") if text.count(":") == 1 else text.partition(":")
        if not colon:
            raise click.UsageError(f"{text!r} names no Python file: FILE or FILE:EXPR is needed")
        return Target(file, expression.strip())
    return Target(found["file"], (found["expression"] or "").strip())


def opened(target: Target) -> tuple[Project, Module]:
    """Returns the file as a module in its project; raises click.UsageError where it cannot be read."""
    from vglint.config import Configuration
    from vglint.source.project import Project

    if not os.path.isfile(target.file):
        raise click.UsageError(f"{target.file} is not a file")
    settings = Configuration().of_file(target.file)
    project = Project(settings.top, [target.file], settings.resolve)
    module = project.module(target.file)
    if isinstance(module, Problem):
        line = "" if module.line is None else f":{module.line}"
        raise click.UsageError(f"{module.path}{line}: {module.message}")
    return project, module


def graphs_of(target: Target) -> tuple[tuple[Graph, ...], Module]:
    """Returns the graph of the target, or of each entry of its file, and the file; raises click.UsageError."""
    from vglint.interp import EntryError, entries, extract

    project, module = opened(target)
    if not target.expression:
        return entries(project, module), module
    try:
        return (extract(project, module, target.expression),), module
    except EntryError as error:
        raise click.UsageError(str(error)) from None


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
