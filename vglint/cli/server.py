"""`vglint server`."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import click

import vglint
from vglint.cli.lint import rule_option
from vglint.cli.wrong import WrongUse, plain_errors


@click.command()
@click.option("--config", metavar="PATH", type=click.Path(exists=True, dir_okay=False), help="The configuration for every file.")  # fmt: skip
@click.option("--isolated", is_flag=True, help="Use no configuration file.")
@rule_option("--select", "Rules to run: ids, names or families, or ALL.")
@rule_option("--ignore", "Rules not to run.")
@rule_option("--extend-select", "Rules to run beside the selected ones.")
@click.option("--pedantic", is_flag=True, help="Show findings of severity info too.")
@click.option("--stdio", is_flag=True, hidden=True, help="What editors add to the command; there is no other way.")
@plain_errors
def server(
    config: str | None,
    isolated: bool,
    select: tuple[str, ...] | None,
    ignore: tuple[str, ...] | None,
    extend_select: tuple[str, ...] | None,
    pedantic: bool,
    stdio: bool,
) -> None:
    """Serve an editor by the Language Server Protocol on standard input and output: findings while you type, fixes, and what
    flows through each layer. Editors start it; docs/editor.md says how. Needs pip install 'vglint[lsp]'.

    The code is read and never run. No configuration can change that.
    """
    if isolated and config is not None:
        raise click.UsageError("--isolated uses no configuration and --config names one: give one of them")
    _only_trusted_imports()
    if find_spec("pygls") is None or find_spec("lsprotocol") is None:
        raise WrongUse("the server needs the package pygls: pip install 'vglint[lsp]'")
    from vglint.server.message import Options
    from vglint.server.start import start

    given = {"select": select, "ignore": ignore, "extend_select": extend_select, "pedantic": pedantic or None}
    overrides = tuple((name, value) for name, value in given.items() if value is not None)
    start(Options(None if config is None else os.path.abspath(config), isolated, overrides))


def _only_trusted_imports() -> None:
    """Takes the current folder off the path of imports, unless vglint itself lies there: it may hold the code under lint."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(vglint.__file__)))
    here = os.getcwd()
    sys.path[:] = [path for path in sys.path if path and (os.path.abspath(path) != here or here == home)]
