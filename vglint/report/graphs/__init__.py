"""Graph → text: one function for each format of `vglint graph`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from vglint.report.graphs.dot import dot
from vglint.report.graphs.json import json
from vglint.report.graphs.mermaid import mermaid
from vglint.report.graphs.page import html
from vglint.report.graphs.svg import svg
from vglint.report.graphs.text import text

Printer: TypeAlias = Callable[..., str]
"""Takes a graph, its trace, its ratio, and a view where how to show it matters."""

GRAPH_FORMATS: Mapping[str, Printer] = {
    "text": text,
    "json": json,
    "dot": dot,
    "mermaid": mermaid,
    "svg": svg,
    "html": html,
}
"""Every value of `vglint graph --format`."""
