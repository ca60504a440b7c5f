"""`vglint graph 'FILE:EXPR'`."""

from __future__ import annotations

from dataclasses import replace

import click

from vglint.cli.output import say
from vglint.cli.target import graphs_of, in_cells, parse_target
from vglint.cli.wrong import plain_errors
from vglint.report.graphs import GRAPH_FORMATS


@click.command()
@click.argument("target", metavar="FILE:EXPR")
@click.option("--format", "form", type=click.Choice(tuple(GRAPH_FORMATS)), default="text", help="How to print it.")
@plain_errors
def graph(target: str, form: str) -> None:
    """Print the layer graph of a model, with the predicted gradient.

    EXPR is a class, a function that returns a module, or any expression over the file's names, such as 'vgg.py:VGG("VGG16")'.
    It is evaluated without running anything. FILE alone prints every entry of the file.
    """
    from vglint.analysis.parametric import depths
    from vglint.analysis.propagate import propagate
    from vglint.analysis.ratio import ratio

    graphs, module = graphs_of(parse_target(target))
    if not graphs:
        raise click.UsageError(f"{target} holds no model and no training code that vglint can find")
    if len(graphs) > 1 and form != "text":
        names = ", ".join(one.entry for one in graphs)
        raise click.UsageError(f"--format {form} takes one entry, and {target} has {len(graphs)}: {names}")
    printed = []
    for one in graphs:
        trace = propagate(one)
        found = replace(ratio(one, trace), depths=tuple(depths(one)))
        printed.append(GRAPH_FORMATS[form](in_cells(one, module), trace, found))
    say("\n\n".join(text.rstrip("\n") for text in printed) + "\n")
