"""A self-contained page with the pictures of several graphs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from vglint.graph import Graph
from vglint.report.graphs.svg import drawing
from vglint.report.view import View, visible
from vglint.signal import Ratio, Trace

_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root { color-scheme: light dark; font-family: system-ui, sans-serif }
body { margin: 1.5rem; max-width: 100% } figure { margin: 0 0 2rem; overflow-x: auto }
</style>
"""


def html(graph: Graph, trace: Trace, ratio: Ratio, view: View | None = None) -> str:
    """Returns a page with one graph."""
    return page([(graph, trace, ratio)])


def page(graphs: Sequence[tuple[Graph, Trace, Ratio]]) -> str:
    """Returns a page with graphs one under another; it loads nothing."""
    title = ", ".join(graph.entry for graph, _, _ in graphs[:3]) + (", …" if len(graphs) > 3 else "")
    figures = [f"<figure>\n{drawing(*one)}\n</figure>" for one in graphs]
    return _HEAD.replace("{title}", escape(visible(title))) + "\n".join(figures) + "\n</html>\n"
