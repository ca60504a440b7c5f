"""Graph → text: one function for each format of `vglint graph`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from vglint.graph import Graph
from vglint.report.graphs.dot import dot
from vglint.report.graphs.json import json
from vglint.report.graphs.mermaid import mermaid
from vglint.report.graphs.text import text
from vglint.signal import Ratio, Trace

Printer: TypeAlias = Callable[[Graph, Trace, Ratio], str]

GRAPH_FORMATS: Mapping[str, Printer] = {"text": text, "json": json, "dot": dot, "mermaid": mermaid}
"""Every value of `vglint graph --format`."""
