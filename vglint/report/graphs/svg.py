"""A picture: the layers from top to bottom inside their modules, connections that skip layers as arcs, gradients as bars."""

from __future__ import annotations

from html import escape

from vglint.graph import Graph, Node
from vglint.number import compared
from vglint.report.graphs.layer import all_parameters, layer_text, own_parameters, short_shape
from vglint.report.graphs.scale import Scale, scale_of
from vglint.report.graphs.tree import folded, module_types
from vglint.report.view import View, visible
from vglint.signal import Ratio, Trace

_ROW = 22
_TOP = 74
_ARC = 14
"""Pixels between two arcs side by side."""
_CHARACTER = 7.3
_BAR = 150
_STYLE = """
.vg text { font-size: 12px; font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #24292f }
.vg .title { font-weight: 600; font-size: 14px } .vg .dim { fill: #6e7781 } .vg .end { text-anchor: end }
.vg .paper { fill: #ffffff } .vg .module { fill: #8c959f; fill-opacity: .10; stroke: #8c959f; stroke-opacity: .35 }
.vg .arc { fill: none; stroke: #8c959f; stroke-width: 1.2 } .vg .track { fill: #8c959f; fill-opacity: .15 }
.vg .green { fill: #2da44e } .vg .yellow { fill: #d4a72c } .vg .red { fill: #cf222e }
@media (prefers-color-scheme: dark) {
.vg text { fill: #e6edf3 } .vg .dim { fill: #9198a1 } .vg .paper { fill: #0d1117 } }
"""


def svg(graph: Graph, trace: Trace, ratio: Ratio, view: View | None = None) -> str:
    """Returns one self-contained SVG."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + drawing(graph, trace, ratio) + "\n"


def drawing(graph: Graph, trace: Trace, ratio: Ratio) -> str:
    """Returns the `svg` element, whose style touches nothing outside it."""
    scale = scale_of(trace, ratio)
    rows = _rows(graph)
    arcs, lanes = _arcs(graph, rows)
    left = 24 + _ARC * lanes
    places = folded(graph)
    labels = [name + layer_text(node) for node, (_, name) in zip(graph.nodes, places, strict=True)]
    width_of_labels = max(
        (8 + 16 * len(parts) + _CHARACTER * len(text) for (parts, _), text in zip(places, labels, strict=True)),
        default=100,
    )
    width_of_labels = max(
        width_of_labels,
        *(_CHARACTER * len(head) + 16 * depth + 16 for _, _, depth, head in _modules(graph, rows)),
        120.0,
    )
    shape_at = left + width_of_labels + 16
    width_of_shapes = _CHARACTER * max((len(short_shape(node)) for node in graph.nodes), default=0)
    bar_at = shape_at + width_of_shapes + 90
    subtitle = _subtitle(graph, trace, ratio)
    wide = max(_CHARACTER * len(subtitle), 9 * len(graph.entry)) + 32
    width, height = max(bar_at + _BAR + 110, wide), _TOP + _ROW * (rows[-1] + 1 if rows else 1) + 20
    heads = [
        ("shape" if width_of_shapes else "", shape_at, ""),
        ("parameters", bar_at - 12, " end"),
        ("gradient", bar_at, ""),
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="vg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="layer graph of {_text(graph.entry)}">',
        f"<title>{_text(graph.entry)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="8"/>',
        f'<text class="title" x="16" y="24">{_text(graph.entry)}</text>',
        f'<text class="dim" x="16" y="42">{_text(subtitle)}</text>',
        *(f'<text class="dim{place}" x="{x:.0f}" y="{_TOP - 8}">{head}</text>' for head, x, place in heads),
    ]
    for first, last, depth, head in _modules(graph, rows):
        x = left + 16 * depth - 6
        parts.append(
            f'<rect class="module" x="{x:.0f}" y="{_y(first) + 2:.0f}" width="{shape_at - x - 6:.0f}" '
            f'height="{_ROW * (last - first + 1) - 2:.0f}" rx="5"/>'
            f'<text class="dim" x="{x + 6:.0f}" y="{_y(first) + 15:.0f}">{_text(head)}</text>'
        )
    for source, target, lane in arcs:
        start, end = _y(rows[source]) + _ROW / 2, _y(rows[target]) + _ROW / 2
        x = left - 10 - _ARC * lane
        parts.append(
            f'<path class="arc" d="M{left - 2:.0f} {start:.0f}H{x + 6:.0f}Q{x:.0f} {start:.0f} {x:.0f} {start + 6:.0f}V{end - 6:.0f}Q{x:.0f} {end:.0f} {x + 6:.0f} {end:.0f}H{left - 2:.0f}"/>'
        )
    for node, (inside, _), text in zip(graph.nodes, places, labels, strict=True):
        parts += _node(node, text, graph, trace, scale, rows[node.index], left + 16 * len(inside), shape_at, bar_at)
    return "\n".join([*parts, "</svg>"])


def _node(
    node: Node,
    label: str,
    graph: Graph,
    trace: Trace,
    scale: Scale,
    row: int,
    left: float,
    shape_at: float,
    bar_at: float,
) -> list[str]:
    y = _y(row)
    own = own_parameters(node, graph)
    parts = [
        f"<g><title>%{node.index} {_text(node.path or node.op)}, line {node.span.line}</title>"
        f'<text x="{left:.0f}" y="{y + 15:.0f}">{_text(label)}</text>',
        f'<text class="dim" x="{shape_at:.0f}" y="{y + 15:.0f}">{_text(short_shape(node))}</text>',
    ]
    if own:
        parts.append(f'<text class="dim end" x="{bar_at - 12:.0f}" y="{y + 15:.0f}">{own:,}</text>')
    gradient = trace.gradients[node.index]
    if gradient is not None:
        filled = max(scale.share(gradient) * _BAR, 2)
        parts.append(
            f'<rect class="track" x="{bar_at:.0f}" y="{y + 5:.0f}" width="{_BAR}" height="12" rx="3"/>'
            f'<rect class="{scale.color(gradient, node.index)}" x="{bar_at:.0f}" y="{y + 5:.0f}" width="{filled:.0f}" height="12" rx="3"/>'
            f'<text x="{bar_at + _BAR + 8:.0f}" y="{y + 15:.0f}">{scale.number(gradient)}</text>'
        )
    return [*parts, "</g>"]


def _subtitle(graph: Graph, trace: Trace, ratio: Ratio) -> str:
    total = all_parameters(graph)
    counted = f"{total:,} parameters" if total else ""
    said = ""
    if (
        ratio.log10_ratio is not None
        and ratio.first is not None
        and ratio.last is not None
        and ratio.first != ratio.last
    ):
        first, last = graph.nodes[ratio.first].path, graph.nodes[ratio.last].path
        said = f"the gradient at {first} is {trace.source} to be {compared(ratio.log10_ratio)} the one at {last}"
    open_ = f"{len(graph.gaps)} places could not be followed" if graph.gaps else ""
    return " · ".join(part for part in (counted, said, open_) if part)


def _rows(graph: Graph) -> list[int]:
    """Returns the row of each node; the head of each module that a node opens takes one before it."""
    rows: list[int] = []
    row = 0
    open_: tuple[str, ...] = ()
    for parts, _ in folded(graph):
        row += sum(parts[: depth + 1] != open_[: depth + 1] for depth in range(len(parts)))
        open_ = parts
        rows.append(row)
        row += 1
    return rows


def _modules(graph: Graph, rows: list[int]) -> list[tuple[int, int, int, str]]:
    """Returns each stretch of nodes inside one module: first row, last row, depth and head, the outer ones first."""
    types = module_types(graph)
    found: list[tuple[int, int, int, str]] = []
    stack: list[tuple[tuple[str, ...], int]] = []
    last = -1
    inside = [parts for parts, _ in folded(graph)]
    for parts, row in zip((*inside, ()), (*rows, (rows[-1] + 1) if rows else 0), strict=True):
        while stack and stack[-1][0] != parts[: len(stack[-1][0])]:
            path, first = stack.pop()
            name = ".".join(path)
            head = f"{path[-1]}: {types[name]}" if name in types else path[-1]
            found.append((first, last, len(path) - 1, head))
        for depth in range(len(stack), len(parts)):
            stack.append((parts[: depth + 1], row - (len(parts) - depth)))
        last = row
    return sorted(found, key=lambda one: (one[0], one[2]))


def _arcs(graph: Graph, rows: list[int]) -> tuple[list[tuple[int, int, int]], int]:
    """Returns the connections that are not from the line above, each with its lane, and how many lanes there are."""
    wanted = [
        (source, node.index)
        for node in graph.nodes
        for source in dict.fromkeys(node.inputs)
        if source != node.index - 1
    ]
    ends: list[int] = []
    placed: list[tuple[int, int, int]] = []
    for source, target in sorted(wanted, key=lambda pair: (pair[0], pair[1])):
        lane = next((number for number, end in enumerate(ends) if end <= rows[source]), len(ends))
        if lane == len(ends):
            ends.append(0)
        ends[lane] = rows[target]
        placed.append((source, target, min(lane, 11)))
    return placed, min(len(ends), 12)


def _y(row: int) -> float:
    return _TOP + _ROW * row


def _text(text: str) -> str:
    return escape(visible(text))
