"""Mermaid: a flow chart that GitHub and notebooks draw from a fenced block."""

from __future__ import annotations

from vglint.graph import Graph, Node
from vglint.report.graphs.clusters import Cluster, clusters, nested
from vglint.report.graphs.tree import label, scientific
from vglint.report.view import View, visible
from vglint.shape import shape_text
from vglint.signal import Ratio, Trace


def mermaid(graph: Graph, trace: Trace, ratio: Ratio, view: View | None = None) -> str:
    def line(node: Node) -> str:
        gain = trace.gains[node.index]
        words = [visible(label(node)), shape_text(node.shape)] + ([f"×{scientific(gain)}"] if gain is not None else [])
        return f"n{node.index}[{_quoted(words)}]"

    lines = [
        "flowchart TB",
        *nested(clusters(graph), _opening, line, "end"),
        *(f"  n{source} --> n{node.index}" for node in graph.nodes for source in node.inputs),
    ]
    return "\n".join(lines) + "\n"


def _opening(cluster: Cluster) -> str:
    name = "".join(letter if letter.isalnum() else f"_{ord(letter):x}_" for letter in cluster.path)
    return f"subgraph m_{name}[{_quoted([cluster.title])}]"


def _quoted(lines: list[str]) -> str:
    """Returns a label; mermaid takes entities with a hash for what would end it."""
    escaped = [line.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;") for line in lines]
    return '"' + "<br>".join(escaped) + '"'
