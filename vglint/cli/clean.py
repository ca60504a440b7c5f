"""`vglint clean`."""

from __future__ import annotations

import os

import click

from vglint.cli.output import say
from vglint.cli.wrong import plain_errors


@click.command()
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=click.Path(exists=True, file_okay=False))
@click.option("--cache-dir", type=click.Path(file_okay=False), help="Where results are kept; by default .vglint_cache.")
@plain_errors
def clean(folders: tuple[str, ...], cache_dir: str | None) -> None:
    """Remove what vglint keeps of the projects in FOLDER, by default the current one; other files stay."""
    from vglint import seal
    from vglint.config import Configuration
    from vglint.lint.cache import folder_of

    govern = Configuration(overrides={"cache_dir": cache_dir}).of
    places = {folder_of(govern(os.path.abspath(folder))) for folder in folders or (".",)}
    gone = sum(seal.prune(place, everything=True) for place in places)
    say(f"{gone} file{'' if gone == 1 else 's'} removed\n")
