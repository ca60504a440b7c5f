"""`vglint PATH…`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from vglint.cli.chosen import buffered, narrowing, odd, overrides, wants_probe
from vglint.cli.completion import complete_rules
from vglint.cli.output import (
    Output,
    known_format,
    outputs,
    report_files,
    say,
    tell,
    terminal_width,
    wants_color,
    write_file,
)
from vglint.cli.verbs import OTHER_NAMES, VERBS
from vglint.cli.wrong import WrongUse, plain_errors
from vglint.nearest import nearest
from vglint.report import FORMATS
from vglint.rule import Confidence, Severity

if TYPE_CHECKING:
    from vglint.config import Configuration, Settings
    from vglint.finding import Report
    from vglint.lint import Buffer
    from vglint.lint.cluster import Cluster
    from vglint.lint.shards import Shard
    from vglint.rule import Rule


Verb = TypeVar("Verb", bound=Callable[..., Any])


def _words(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[str, ...] | None:
    """Returns the words of options that hold several, separated by commas; None where there are none."""
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip()) or None


def _patterns(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    """Returns patterns of paths; raises click.BadParameter for one that is none."""
    from vglint.config import pattern_fault

    for value in values:
        if (fault := pattern_fault(value)) is not None:
            raise click.BadParameter(fault)
    return tuple(values)


def rule_option(name: str, text: str) -> Callable[[Verb], Verb]:
    """Returns an option that takes rules."""
    return click.option(name, callback=_words, multiple=True, metavar="RULES", help=text, shell_complete=complete_rules)


SEVERITY = click.Choice(get_args(Severity))
CONFIDENCE = click.Choice(get_args(Confidence))


def _shard(ctx: click.Context, param: click.Parameter, value: str | None) -> Shard | None:
    """Returns the part of a run that an option names; raises click.BadParameter for one that is none."""
    from vglint.lint.shards import shard_of

    try:
        return None if value is None else shard_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _cluster(ctx: click.Context, param: click.Parameter, value: str | None) -> Cluster | None:
    """Returns the cluster that an option names; raises click.BadParameter for what is none."""
    if value is None:
        return None
    from vglint.lint.cluster import cluster_of

    try:
        return cluster_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(short_help="Find what stops a PyTorch model from training.")
@click.argument("paths", nargs=-1, metavar="PATH...")
@rule_option("--select", "Rules to run: ids, names or families, or ALL.")
@rule_option("--ignore", "Rules not to run.")
@rule_option("--extend-select", "Rules to run beside the selected ones.")
@click.option("--pedantic", is_flag=True, help="Show findings of severity info too.")
@click.option("--min-severity", type=SEVERITY, help="Least severity to show, and to exit with 1 for.")
@click.option("--min-confidence", type=CONFIDENCE, help="Least confidence to show.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
@click.option("--output-format", callback=outputs, multiple=True, metavar="FORMAT[=FILE]", help=f"{', '.join(FORMATS)}; FORMAT=FILE writes a file. May be repeated.")  # fmt: skip
@click.option("--annotate-since", metavar="REV", help="With format github: of more than ten, annotate those on lines that changed since a revision of git.")  # fmt: skip
@click.option("--statistics", is_flag=True, help="Count findings by rule instead of showing them.")
@click.option("--quiet", "-q", is_flag=True, help="Print findings and nothing else.")
@click.option(
    "--verbose", is_flag=True, help="Show what each finding rests on, and what could not be known of the code."
)
@click.option(
    "--color", type=click.Choice(("auto", "always", "never")), default="auto", help="Colours in the terminal."
)
@click.option("--config", type=click.Path(), help="The configuration for every file.")
@click.option("--isolated", is_flag=True, help="Use no configuration file.")
@click.option("--show-settings", is_flag=True, help="Print the settings that hold for each path, and stop.")
@click.option("--show-files", is_flag=True, help="Print the files that would be linted, and stop.")
@click.option(
    "--exclude", multiple=True, callback=_patterns, metavar="PATTERN", help="Paths to leave out, as in .gitignore."
)
@click.option("--force-exclude", is_flag=True, help="Leave excluded paths out even where they are named.")
@click.option("--baseline", metavar="FILE", help="Leave out the findings that FILE holds.")
@click.option("--write-baseline", metavar="FILE", help="Write the findings of now to FILE, and stop.")
@click.option("--since", metavar="REV", help="Lint what changed since a revision of git, and what imports it.")
@click.option("--with-importers", is_flag=True, help="Lint the files of the project too that import PATH.")
@click.option("--watch", is_flag=True, help="Lint again whenever a file changes, until Ctrl-C.")
@click.option("--stdin-filename", metavar="PATH", help="The file that standard input stands for.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="How many processes; by default one for each processor.")
@click.option("--shard", callback=_shard, metavar="K/N=FILE", help="Lint part K of N of the files, and write it to FILE for --merge.")  # fmt: skip
@click.option("--merge", multiple=True, metavar="FILE", help="Report what all parts of a run found. May be repeated.")
@click.option(
    "--executor", callback=_cluster, metavar="dask://HOST:PORT", help="Lint on the workers of a Dask cluster."
)
@click.option("--no-cache", is_flag=True, help="Neither use nor keep the results of unchanged files.")
@click.option("--cache-dir", type=click.Path(file_okay=False), help="Where results are kept; by default .vglint_cache.")
@click.option("--fix", is_flag=True, help="Make the fixes that cannot change what the program computes.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: the other fixes too.")
@click.option("--fix-only", is_flag=True, help="Make the fixes, and report nothing else: exit with 0.")
@rule_option("--fixable", "Rules whose fixes are offered; by default all.")
@rule_option("--unfixable", "Rules whose fixes are not offered.")
@click.option("--add-ignore", metavar="REASON", help="Write a comment for each finding that says why it is intended.")
@click.option("--diff", is_flag=True, help="Print what --fix would change, and change nothing.")
@click.option("--probe", is_flag=True, help="Run the models to confirm or refute each finding. This runs their code.")  # fmt: skip
@click.option("--prove-fix", is_flag=True, help="Run the models as they are and with each fix made on a copy; show both. This runs their code.")  # fmt: skip
@click.option("--report", "reports", multiple=True, callback=report_files, metavar="FILE", help="With --probe: write the measurements to FILE.html or FILE.json.")  # fmt: skip
@click.pass_context
@plain_errors
def lint(ctx: click.Context, /, paths: tuple[str, ...], **options: Any) -> None:
    """Find what stops a PyTorch model from training.

    PATH is a Python file, a notebook, a folder, or - for standard input.
    """
    from vglint.config import Configuration
    from vglint.lint import lint as run

    if not paths:
        click.echo(ctx.find_root().get_help())
        ctx.exit(2)
    _refuse(paths, options)
    buffer = buffered(paths, options["stdin_filename"])
    options["fix"] = options["fix"] or options["fix_only"]
    if buffer is not None and (options["fix"] or options["add_ignore"] is not None) and not options["diff"]:
        raise click.UsageError("standard input cannot be fixed in place: ask for --diff")
    if options["watch"]:
        _watch(paths, options)
        return
    configuration = Configuration(options["config"], options["isolated"], overrides(options))
    files = [path for path in paths if path != "-"]
    settings = configuration.of(os.getcwd())
    if options["show_files"] or options["show_settings"]:
        from vglint.cli.inspect import show_files, show_settings

        (show_files if options["show_files"] else show_settings)(files, configuration)
        return
    _configured(settings)  # what is wrong with it is said, even if the command line has its own
    probes = wants_probe(options, settings)
    arguments, narrow = narrowing(files, options, configuration)

    def linted(given: Buffer | None = None) -> Report:
        from vglint.lint.revision import RevisionError
        from vglint.lint.shards import PartError

        run_parts = options["shard"], options["merge"], options["executor"]
        try:
            return run(arguments, configuration.of, options["verbose"], given, narrow, *run_parts)
        except (RevisionError, PartError) as error:
            raise WrongUse(str(error)) from None

    report = linted(buffer)
    if options["write_baseline"] is not None:
        from vglint.cli.baseline import write_baseline

        ctx.exit(write_baseline(options["write_baseline"], report, configuration, files))
    if options["add_ignore"] is not None:
        from vglint.cli.fix import ignore_findings

        if ignore_findings(report, configuration.of, options["add_ignore"], options["diff"], buffer):
            report = linted()
        if not options["diff"]:
            _print(report, options, settings)
    elif options["diff"]:
        from vglint.cli.fix import show_changes

        show_changes(report, configuration.of, options["unsafe_fixes"], buffer)
    else:
        if options["fix"]:
            from vglint.cli.fix import make_changes

            if make_changes(report, configuration.of, options["unsafe_fixes"]):
                report = linted()
        if options["fix_only"]:
            return
        if buffer is None and probes:
            from vglint.cli.probed import show_probed

            ctx.exit(
                show_probed(
                    [] if narrow else files,
                    report,
                    configuration,
                    options,
                    lambda found: _print(found, options, settings),
                )
            )
        _print(report, options, settings)
    for line in (*report.expired, *odd(paths)) if not options["quiet"] else ():
        tell(line)
    if not report.files and not report.problems and not options["quiet"]:
        where = ", ".join(paths)
        tell(
            f"nothing changed in {where} since {options['since']}"
            if options["since"] is not None
            else f"there is no Python file or notebook to lint in {where}"
        )
    found = bool(report.findings or report.problems)
    ctx.exit(1 if found and not settings.exit_zero else 0)


def _refuse(paths: Sequence[str], options: Mapping[str, Any]) -> None:
    """Raises click.UsageError for options that contradict each other, and for a verb that is spelt wrong."""
    if options["isolated"] and options["config"] is not None:
        raise click.UsageError("--isolated uses no configuration and --config names one: give one of them")
    if options["diff"] and (options["fix"] or options["fix_only"]):
        raise click.UsageError("--diff shows the fixes and --fix makes them: give one of them")
    if (options["shard"] is not None or options["merge"]) and (
        "-" in paths or options["watch"] or options["fix"] or options["fix_only"]
    ):
        raise click.UsageError("--shard and --merge report on files; they change and watch none")
    if options["shard"] is not None and options["merge"]:
        raise click.UsageError("--shard lints a part and --merge puts all parts together: give one of them")
    if options["executor"] is not None and ("-" in paths or options["watch"] or options["jobs"] is not None):
        raise click.UsageError("--executor lints files on other machines: leave -, --watch and --jobs out")
    reason = options["add_ignore"]
    if reason is not None and (not reason.strip() or "#" in reason or not reason.isprintable()):
        raise click.UsageError("--add-ignore needs a reason: one line of text without #")
    if reason is not None and (options["fix"] or options["fix_only"]):
        raise click.UsageError("--add-ignore answers what --fix would change: give one of them")
    if options["write_baseline"] is not None:
        if "-" in paths:
            raise click.UsageError("--write-baseline needs files: standard input has no place in a baseline")
        for other in (
            "baseline",
            "since",
            "with_importers",
            "fix",
            "fix_only",
            "diff",
            "add_ignore",
            "probe",
            "prove_fix",
        ):
            if options[other]:
                raise click.UsageError(
                    f"--write-baseline and --{other.replace('_', '-')} go one after the other: give one of them"
                )
    if options["watch"]:
        others = (
            "fix",
            "fix_only",
            "diff",
            "add_ignore",
            "probe",
            "prove_fix",
            "write_baseline",
            "show_files",
            "show_settings",
        )
        for other in others:
            if options[other]:
                raise click.UsageError(f"--watch lints and changes nothing: leave --{other.replace('_', '-')} out")
        if "-" in paths:
            raise click.UsageError("--watch needs files, not standard input")
    if options["since"] is not None and options["with_importers"]:
        raise click.UsageError("--since lints what imports a changed file anyway: leave --with-importers out")
    if options["show_files"] and (options["since"] is not None or options["with_importers"]):
        raise click.UsageError("--show-files shows the files of PATH: leave --since and --with-importers out")
    if "-" in paths and (options["since"] is not None or options["with_importers"]):
        raise click.UsageError("--since and --with-importers need files, not standard input")
    if options["unsafe_fixes"] and not (options["fix"] or options["fix_only"] or options["diff"]):
        raise click.UsageError("--unsafe-fixes needs --fix or --diff")
    for path in paths:
        if path != "-" and os.path.basename(path) == path and "." not in path and not os.path.lexists(path):
            close = nearest(path, (*VERBS, *OTHER_NAMES))
            if close:
                raise click.UsageError(f"there is no file {path!r}{close.replace('mean', 'mean the verb')}")


def _watch(paths: Sequence[str], options: Mapping[str, Any]) -> None:
    """Lints and prints whenever a file of the paths, of their projects or a configuration changes."""
    from vglint.cli.watch import watch
    from vglint.config import Configuration
    from vglint.config.load import FILES
    from vglint.lint import lint as run
    from vglint.lint.project import exclusion
    from vglint.lint.revision import RevisionError
    from vglint.source.discovery import discover

    def configured() -> Configuration:
        return Configuration(options["config"], options["isolated"], overrides(options))

    def once() -> None:
        configuration = configured()
        arguments, narrow = narrowing([*paths], options, configuration)
        try:
            report = run(arguments, configuration.of, options["verbose"], None, narrow)
        except RevisionError as error:
            raise WrongUse(str(error)) from None
        _print(report, options, configuration.of(os.getcwd()))

    def files() -> set[str]:
        configuration = configured()
        given, _ = discover(paths, lambda folder: exclusion(configuration.of(folder)))
        tops = {configuration.of_file(path).top for path in given} or {os.getcwd()}
        every, _ = discover([*paths, *tops], lambda folder: exclusion(configuration.of(folder)))
        folders = {os.path.dirname(os.path.abspath(path)) for path in every} | tops
        toml = {os.path.join(folder, name) for folder in folders for name in FILES}
        return {*map(os.path.abspath, every), *toml, *([options["config"]] if options["config"] else [])}

    watch(once, files)


def _print(report: Report, options: Mapping[str, Any], settings: Settings) -> None:
    from vglint.report.summary import summary
    from vglint.report.view import View

    wanted = options["output_format"] or _configured(settings) or (Output("full"),)
    rules, own = _rules(settings) if any(output.format in _LINKING for output in wanted) else ({}, frozenset())
    changed = (
        _changed(report, options["annotate_since"]) if any(output.format == "github" for output in wanted) else None
    )
    shown = False
    for output in wanted:
        color = output.file is None and wants_color(options["color"])
        width = 0 if output.file is not None else terminal_width()
        view = View(
            rules, os.getcwd(), color, options["statistics"], options["verbose"], width, options["quiet"], changed, own
        )
        text = FORMATS[output.format](report, view)
        if output.file is None:
            shown = True
            say(text, color=color, commands=output.format == "github")
        else:
            write_file(output.file, text)
    if not shown and not options["quiet"]:
        tell(summary(report))


def _changed(report: Report, revision: str | None) -> dict[str, frozenset[int]] | None:
    """Returns the lines of a report's files that changed since a revision; raises WrongUse."""
    if revision is None:
        return None
    from vglint.lint.narrowing import changed_lines
    from vglint.lint.revision import RevisionError

    try:
        return changed_lines(report, revision)
    except RevisionError as error:
        raise WrongUse(str(error)) from None


def _configured(settings: Settings) -> tuple[Output, ...]:
    from vglint.config import ConfigError

    try:
        return tuple(Output(known_format(name), file) for name, file in settings.output_format)
    except ValueError as error:
        raise ConfigError(str(settings.file), "output-format", str(error)) from None


_LINKING = ("sarif", "rdjson", "markdown")
"""Formats that hold texts or pages of rules."""


def _rules(settings: Settings) -> tuple[dict[str, Rule], frozenset[str]]:
    """Returns the rules that run, and which of them are the user's own."""
    from vglint.lint.work import rulebook_of
    from vglint.rulebook.described import is_bundled

    chosen = [checked.rule for checked in rulebook_of(settings).chosen]
    return {rule.id: rule for rule in chosen}, frozenset(rule.id for rule in chosen if not is_bundled(rule))
