"""What is shown of a file beside its findings: each model with its predicted gradient, each layer with what flows through it."""

from __future__ import annotations

from msgspec import Struct

from vglint.analysis.propagate import propagate
from vglint.analysis.ratio import ratio
from vglint.graph import Graph, Node
from vglint.number import compared, factor, plain
from vglint.report.graphs.layer import layer_text, short_shape
from vglint.report.summary import plural
from vglint.report.view import visible
from vglint.server.message import Described, Layer, Model
from vglint.signal import Ratio, Trace
from vglint.source.module import Module
from vglint.span import Span
from vglint.target import in_cells

_MOST_NODES = 20_000
"""Nodes of the graphs of one file that are predicted for the sake of what is shown."""


class _Place(Struct, frozen=True):
    """Where something stands in the file, or in a cell of it."""

    span: Span
    cell: int | None


def described(module: Module, graphs: tuple[Graph, ...]) -> Described:
    """Returns the models and layers of a file; those of other files, which its models use, are shown where they stand."""
    models: list[Model] = []
    layers: list[Layer] = []
    room = _MOST_NODES
    for graph in graphs:
        room -= len(graph.nodes)
        if graph.alternative or graph.kind == "training" or room < 0:
            continue
        trace = propagate(graph)
        found = ratio(graph, trace)
        shown = in_cells(graph, module)
        place = _place(shown.span, module)
        if place is not None and (said := headline(shown, trace, found)):
            name = shown.root.rpartition(".")[2] or graph.entry
            models.append(Model(graph.entry, name, place.span, place.cell, said))
        layers += _layers(shown, trace, found, module)
    return Described(module.path, tuple(models), tuple(layers))


def headline(graph: Graph, trace: Trace, found: Ratio) -> str:
    """Returns how the gradient at a model's first layer compares with the last's, or why that is not known; nothing for one layer."""
    if found.first is None or found.last is None or found.first == found.last:
        return ""
    first, last = (visible(graph.nodes[index].path or graph.nodes[index].op) for index in (found.first, found.last))
    if found.log10_ratio is not None:
        return f"gradient at {first} is {compared(found.log10_ratio)} the one at {last} (predicted)"
    return f"gradient at {first} is not predicted: {_reason(graph, found)}"


def _reason(graph: Graph, found: Ratio) -> str:
    if graph.gaps:
        gap = graph.gaps[0]
        where = "" if gap.span is None else f" on line {gap.span.line}"
        count = plural(len(graph.gaps), "place")
        return f"{count} could not be followed, the first{where}: {visible(gap.text)} ({gap.why})"
    if found.why is None:
        return "nothing leads from the first layer to the last"
    node = graph.nodes[found.why[0]]
    return f"{node.op} on line {node.span.line}: {visible(found.why[1])}"


def _layers(graph: Graph, trace: Trace, found: Ratio, module: Module) -> list[Layer]:
    reference = None if found.last is None else trace.gradients[found.last]
    last = "" if found.last is None else visible(graph.nodes[found.last].path or graph.nodes[found.last].op)
    layers = []
    for node in graph.nodes:
        place = _place(node.span, module)
        signal, gain, gradient = trace.signals[node.index], trace.gains[node.index], trace.gradients[node.index]
        if place is None or node.op == "input" or (signal is None and gain is None and gradient is None):
            continue
        layers.append(
            Layer(
                entry=graph.entry,
                path=node.path,
                text=visible(_text(node)),
                shape=short_shape(node),
                signal="" if signal is None else plain(signal.q),
                gain="" if gain is None else f"×{factor(gain)}",
                gradient="" if gradient is None or reference is None else factor(gradient - reference),
                last=last,
                span=place.span,
                cell=place.cell,
                is_leaf=node.type is not None,
            )
        )
    return layers


def _text(node: Node) -> str:
    """Returns a layer without its name, which is shown in front of it."""
    name = node.path.rpartition(".")[2]
    return layer_text(node).removeprefix(f"{name}: ") if node.type is not None else layer_text(node)


def _place(span: Span, module: Module) -> _Place | None:
    """Returns where a place of `in_cells` stands; None for one in another file."""
    if span.file == module.path:
        return _Place(span, None)
    file, _, cell = span.file.rpartition(":cell ")
    return _Place(span, int(cell)) if file == module.path and cell.isdigit() else None
