"""`vglint schema`."""

from __future__ import annotations

import json

import click

from vglint.cli.output import say
from vglint.cli.wrong import plain_errors


@click.command()
@click.argument("what", type=click.Choice(("config", "rule", "report", "explain", "baseline")))
@plain_errors
def schema(what: str) -> None:
    """Print the JSON Schema of the configuration, of a rule file, of a baseline, or of what --output-format json and explain --json print."""
    match what:
        case "config":
            from vglint.config.schema import json_schema as document
        case "rule":
            from vglint.rulebook.format import schema as document
        case "explain":
            from vglint.rulebook.described import json_schema as document
        case "baseline":
            from vglint.lint.baseline import json_schema as document
        case _:
            from vglint.report.schema import json_schema as document
    say(json.dumps(document(), indent=2) + "\n")
