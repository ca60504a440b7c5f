"""A self-contained page with the pictures of several graphs: no script, no network, light and dark."""

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
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif } body { margin: 1.5rem; color: #24292f; background: #ffffff }
h1 { font-size: 1.4rem; overflow-wrap: anywhere } p { color: #57606a } figure { margin: 0 0 2rem; overflow-x: auto }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117 } p { color: #9198a1 } }
</style>
<main>
<h1>{title}</h1>
<p>The layers of a model from its input to its output, with the predicted gradient at each, compared with the last weight layer that feeds another.
Green: within a factor of 30. Yellow: within 1,000. Red: beyond. The bars are on a logarithmic scale.</p>
"""


def html(graph: Graph, trace: Trace, ratio: Ratio, view: View | None = None) -> str:
    """Returns a page with one graph."""
    return page([(graph, trace, ratio)])


def page(graphs: Sequence[tuple[Graph, Trace, Ratio]]) -> str:
    """Returns a page with graphs one under another; it loads nothing."""
    title = ", ".join(graph.entry for graph, _, _ in graphs[:3]) + (", …" if len(graphs) > 3 else "")
    figures = [f'<figure tabindex="0" role="group">\n{drawing(*one)}\n</figure>' for one in graphs]
    return _HEAD.replace("{title}", escape(visible(title))) + "\n".join(figures) + "\n</main>\n</html>\n"
