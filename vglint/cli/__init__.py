"""The command line: `vglint PATH…` lints, the other verbs stand before their arguments.

Each verb is imported when it is called: `vglint --version` has to be quick.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

import vglint
from vglint.cli.verbs import OTHER_NAMES, VERBS


class Verbs(click.Group):
    """Verbs by name; anything else is an argument of `lint`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        cmd_name = OTHER_NAMES.get(cmd_name, cmd_name)
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(import_module(VERBS[cmd_name][0]), cmd_name.replace("-", "_"))
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_verb = bool(args) and (args[0] in VERBS or (args[0] in OTHER_NAMES and not os.path.lexists(args[0])))
        if args and not is_verb and args[0] not in ("--version", "--help", "-h"):
            args = ["lint", *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage("vglint", "[OPTIONS] PATH...")
        formatter.write_usage("vglint", "VERB ...", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lint = self.get_command(ctx, "lint")
        assert lint is not None
        params = [
            *lint.params,
            *(param for param in self.get_params(ctx) if param.name == "version"),
            self.get_help_option(ctx),
        ]
        records = {
            param.name: record
            for param in params
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx))
        }
        for title, names in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([records.pop(name) for name in names.split()])
        with formatter.section("Other options"):
            formatter.write_dl(list(records.values()))
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, summary) for verb, (_, summary) in VERBS.items()])


_SECTIONS = {
    "Rules": "select ignore extend_select pedantic min_severity min_confidence",
    "Report": "output_format annotate_since statistics verbose quiet color exit_zero",
    "Known findings": "baseline write_baseline",
    "Files": "watch since with_importers exclude force_exclude stdin_filename show_files",
    "Configuration": "config isolated show_settings",
    "Fixes": "fix unsafe_fixes fix_only fixable unfixable add_ignore diff",
    "Probe": "probe prove_fix reports",
}
"""Options of `lint` by heading, in the order of the help."""


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"vglint {vglint.__version__}")
        context.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version and exit."
)
def cli() -> None:
    """Find what stops a PyTorch model from training, in its source: vanishing and exploding gradients, paths that
    carry none, losses and training loops that do not do what they say. The code is read and never run.

    PATH is a Python file, a notebook, a folder, or - for standard input.

    Exit status: 0 clean, 1 findings or files that cannot be read, 2 wrong use, configuration or rule.
    """


def main() -> None:
    """Runs the command line; no fault of vglint's own shows a traceback unless VGLINT_DEBUG is set."""
    if os.environ.get("VGLINT_DEBUG"):
        cli(prog_name="vglint")
    try:
        cli(prog_name="vglint")
    except Exception as error:
        from vglint.cli.wrong import one_line

        summary = one_line(" ".join(f"{type(error).__name__}: {error}".split()))
        print(f"vglint: internal error: {summary}", file=sys.stderr)
        print("Please report it; VGLINT_DEBUG=1 shows where it happened.", file=sys.stderr)
        sys.exit(2)
