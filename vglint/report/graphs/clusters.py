"""The nodes of a graph nested by module, for the picture formats."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from vglint.graph import Graph, Node
from vglint.report.graphs.tree import module_types, owner


class Cluster(Struct):
    """One module: its path, its class, the nodes its own forward runs, and the modules inside."""

    path: str
    title: str
    nodes: list[Node] = field(default_factory=list)
    inner: dict[str, Cluster] = field(default_factory=dict)


def clusters(graph: Graph) -> Cluster:
    """Returns the root module with everything inside it."""
    types = module_types(graph)
    root = Cluster("", graph.entry)
    for node in graph.nodes:
        cluster = root
        parts = owner(node)
        for depth, name in enumerate(parts):
            if name not in cluster.inner:
                path = ".".join(parts[: depth + 1])
                kind = f": {types[path]}" if path in types else ""
                cluster.inner[name] = Cluster(path, f"{name}{kind}")
            cluster = cluster.inner[name]
        cluster.nodes.append(node)
    return root


def nested(
    cluster: Cluster, opening: Callable[[Cluster], str], line: Callable[[Node], str], closing: str, depth: int = 1
) -> list[str]:
    """Returns the lines of `cluster`'s content, indented: its nodes, then each inner module between its two lines."""
    indent = "  " * depth
    lines = [f"{indent}{line(node)}" for node in cluster.nodes]
    for inner in cluster.inner.values():
        lines.append(f"{indent}{opening(inner)}")
        lines += nested(inner, opening, line, closing, depth + 1)
        lines.append(f"{indent}{closing}")
    return lines
