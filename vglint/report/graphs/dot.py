"""Graphviz: `vglint graph … --format dot | dot -Tsvg`."""

from __future__ import annotations

from vglint.graph import Graph, Node
from vglint.report.graphs.clusters import Cluster, clusters, nested
from vglint.report.graphs.tree import label, scientific
from vglint.report.view import View, visible
from vglint.shape import shape_text
from vglint.signal import Ratio, Trace


def dot(graph: Graph, trace: Trace, ratio: Ratio, view: View | None = None) -> str:
    def line(node: Node) -> str:
        gain = trace.gains[node.index]
        words = [visible(label(node)), shape_text(node.shape)] + ([f"×{scientific(gain)}"] if gain is not None else [])
        return f"n{node.index} [label={_quoted(words)}];"

    lines = [
        "digraph {",
        "  rankdir=TB;",
        '  node [shape=box, fontname="monospace"];',
        f"  label={_quoted([visible(graph.entry)])};",
        *nested(clusters(graph), _opening, line, "}"),
        *(f"  n{source} -> n{node.index};" for node in graph.nodes for source in node.inputs),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _opening(cluster: Cluster) -> str:
    return f"subgraph {_quoted([f'cluster_{cluster.path}'])} {{ label={_quoted([cluster.title])};"


def _quoted(lines: list[str]) -> str:
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + "\\n".join(escaped) + '"'
