"""`vglint graph 'FILE:EXPR'`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from vglint.cli.output import say, terminal_width, wants_color, write_file
from vglint.cli.wrong import plain_errors
from vglint.report.graphs import GRAPH_FORMATS
from vglint.report.graphs.json import graph_json
from vglint.report.graphs.page import page
from vglint.report.json import dump
from vglint.report.view import View
from vglint.target import predicted

if TYPE_CHECKING:
    from vglint.graph import Graph
    from vglint.signal import Ratio, Trace


@click.command()
@click.argument("target", metavar="FILE:EXPR")
@click.option("--format", "form", type=click.Choice(tuple(GRAPH_FORMATS)), default="text", help="How to print it; svg and html are pictures.")  # fmt: skip
@click.option("--input", "inputs", multiple=True, metavar="SIZES", help="Sizes of an input, such as 8,3,224,224, 8,77:long:0..1000 or mask=8,77,bool. May be repeated.")  # fmt: skip
@click.option("--output", "-o", metavar="FILE", help="Write it to a file.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", help="Colours in the terminal.")  # fmt: skip
@plain_errors
def graph(target: str, form: str, inputs: tuple[str, ...], output: str | None, color: str) -> None:
    """Print the layer graph of a model, with the predicted gradient.

    EXPR is a class, a function that returns a module, or any expression over the file's names, such as 'vgg.py:VGG("VGG16")'.
    It is evaluated without running anything. FILE alone prints every entry of the file.
    """
    shown = predicted(target, inputs)
    if len(shown) > 1 and form in _SINGLE:
        names = ", ".join(one.entry for one, _, _ in shown)
        raise click.UsageError(f"--format {form} takes one entry, and {target} has {len(shown)}: {names}")
    view = View(color=wants_color(color) and output is None, width=0 if output else terminal_width())
    text = _printed(form, shown, view)
    if output is None:
        say(text, color=view.color)
    else:
        write_file(output, text)


def _printed(form: str, shown: Sequence[tuple[Graph, Trace, Ratio]], view: View) -> str:
    if form == "html":
        return page(shown)
    if form == "json" and len(shown) > 1:
        return dump({"version": 1, "graphs": [graph_json(*one) for one in shown]})
    texts = [GRAPH_FORMATS[form](*one, view).rstrip("\n") for one in shown]
    return "\n\n".join(texts) + "\n"


_SINGLE = ("mermaid", "svg")
"""Formats of which a document holds one graph."""
