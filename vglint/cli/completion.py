"""What a shell proposes for rules: ids and names, from the names of the rule files, so that no rule is read for it."""

from __future__ import annotations

from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem


def complete_rules(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Returns the ids and names that begin like the last word of a list such as `VG101,VG2`."""
    before, comma, word = incomplete.rpartition(",")
    return [CompletionItem(f"{before}{comma}{value}", help=text) for value, text in _words() if value.startswith(word)]


def _words() -> Iterator[tuple[str, str]]:
    from vglint.rulebook import bundled

    for file in sorted(bundled().glob("*.toml")):
        rule, _, name = file.stem.partition("-")
        yield rule, name
        yield name, rule
