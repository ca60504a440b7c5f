"""The frozen machine-readable form of a graph, version 1; what could not be known is null."""

from __future__ import annotations

from vglint.graph import Graph, Node
from vglint.report.graphs.layer import all_parameters
from vglint.report.json import Json, dump, finite
from vglint.report.view import View
from vglint.signal import Depth, Ratio, Trace
from vglint.value import Expr, Literal_, Unknown


def json(graph: Graph, trace: Trace, ratio: Ratio, view: View | None = None) -> str:
    """Returns the document; `gain` is what the node does to the squared gradient, `log10…` are of RMS gradients."""
    return dump(graph_json(graph, trace, ratio))


def graph_json(graph: Graph, trace: Trace, ratio: Ratio) -> dict[str, Json]:
    """Returns the document of one graph."""
    gradient: Json = {
        "log10_ratio": finite(ratio.log10_ratio),
        "first": _path(graph, ratio.first),
        "last": _path(graph, ratio.last),
        "profile": [
            {"path": graph.nodes[index].path, "log10_relative_gradient": finite(value)}
            for index, value in ratio.profile
        ],
        **({"why": ratio.why[1], "why_node": ratio.why[0]} if ratio.why is not None else {}),
        **({"depths": [_depth(graph, depth) for depth in ratio.depths]} if ratio.depths else {}),
    }
    return {
        "version": 1,
        "entry": graph.entry,
        "nodes": [_node(node, graph, trace) for node in graph.nodes],
        "gaps": [{"why": gap.why, "line": gap.span.line if gap.span else None, "text": gap.text} for gap in graph.gaps],
        "gradient": gradient,
        "parameters": all_parameters(graph),
    }


def _node(node: Node, graph: Graph, trace: Trace) -> Json:
    signal = trace.signals[node.index]
    gain = trace.gains[node.index]
    return {
        "index": node.index,
        "op": node.op,
        "inputs": list(node.inputs),
        "path": node.path,
        "type": node.type,
        "config": {name: _literal(value) for name, value in node.config},
        "init": {name: str(graph.parameters[index].init) for name, index in node.params},
        "shape": None if node.shape is None else [_literal(dim) for dim in node.shape],
        "line": node.span.line,
        "column": node.span.column,
        "file": node.span.file,
        "signal": None if signal is None else {"second_moment": finite(signal.q), "mean": finite(signal.mu)},
        "gain": None if gain is None or abs(gain) > 150 else finite(10.0 ** (2 * gain)),
    }


def _depth(graph: Graph, depth: Depth) -> Json:
    region = graph.regions[depth.region]
    return {
        "line": graph.nodes[depth.nodes[0]].span.line,
        "turns": depth.text if region.count is None else str(region.count),
        "nodes": list(depth.nodes),
        "log10_per_turn": finite(depth.per_turn),
        "below_1e-3": depth.below_1e3,
        "below_1e-7": depth.below_1e7,
        "above_1e3": depth.above_1e3,
    }


def _path(graph: Graph, index: int | None) -> str | None:
    return None if index is None else graph.nodes[index].path


def _literal(value: Literal_) -> Json:
    match value:
        case Unknown():
            return None
        case Expr():
            return str(value)
        case tuple():
            return [_literal(item) for item in value]
        case _:
            return finite(value)
