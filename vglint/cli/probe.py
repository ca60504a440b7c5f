"""`vglint probe 'FILE:EXPR'`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vglint.cli.output import report_files, say, tell, write_file
from vglint.cli.wrong import plain_errors
from vglint.target import opened, parse_target

if TYPE_CHECKING:
    from vglint.probe import ProbeReport, Request


@click.command()
@click.argument("target", metavar="FILE:EXPR")
@click.option(
    "--report",
    "reports",
    multiple=True,
    callback=report_files,
    metavar="FILE",
    help="Write the result to FILE.html or FILE.json.",
)
@click.option("--optimizer", type=click.Choice(("sgd", "adam", "adamw", "rmsprop")), help="By default the training code's, else SGD and Adam.")  # fmt: skip
@click.option("--lr", type=float, help="Learning rate; by default the training code's, else the best of two.")
@click.option("--loss", type=click.Choice(("cross_entropy", "nll", "mse", "bce", "bce_with_logits")), help="By default one that fits the output.")  # fmt: skip
@click.option("--factory", metavar="FUNCTION", help="A function of the file that returns (model, batch) or (model, batch, loss).")  # fmt: skip
@click.option("--steps", type=click.IntRange(min=10), help="Training steps; 60 by default.")
@click.option("--seeds", type=click.IntRange(min=1), help="Runs for each optimiser; 2 by default.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or mps.")
@click.option("--timeout", type=float, help="Seconds; by default the configuration's.")
@click.option("--memory", type=int, help="MiB; by default the configuration's.")
@click.pass_context
@plain_errors
def probe(ctx: click.Context, /, target: str, reports: tuple[str, ...], **options: Any) -> None:
    """Train a model for a few steps and measure its gradients. This runs the code of FILE.

    The code runs on a copy of its folder, in a process with bounded time and memory and no standard input. That protects against
    accidents, not against malice. Inputs, loss and optimiser are made up where the source does not give them.
    """
    from msgspec.structs import replace

    from vglint.config import Configuration
    from vglint.interp import EntryError
    from vglint.lint.probing import adjusted, probe_entry
    from vglint.probe import Limits
    from vglint.rulebook import load

    parsed = parse_target(target)
    if not parsed.expression:
        raise click.UsageError("FILE:EXPR is needed: which model of the file?")
    project, module = opened(parsed)
    settings = Configuration().of_file(parsed.file)
    timeout = options["timeout"] or settings.probe.timeout
    memory = options["memory"] or settings.probe.memory
    limits = Limits(seconds=timeout, memory=memory << 20)

    def adjust(request: Request) -> Request:
        changes: dict[str, Any] = {
            name: options[name] for name in ("loss", "factory", "steps", "seeds", "device") if options[name]
        }
        if options["optimizer"]:
            changes["optimizers"] = (options["optimizer"],)
        if options["lr"]:
            changes["rate"] = options["lr"]
        found = (
            one
            for one in settings.probe.targets
            if one.entry in (target, f"{Path(parsed.file).name}:{parsed.expression}")
        )
        configured = next(found, None)
        return replace(
            request if configured is None else adjusted(request, configured), seconds=timeout * 0.7, **changes
        )

    tell(f"running {parsed.expression} of {parsed.file} (at most {timeout:g} s)")
    try:
        report = probe_entry(project, module, parsed.expression, load(settings.rule_dirs), limits, adjust)
    except EntryError as error:
        raise click.UsageError(str(error)) from None
    say(str(report))
    for name in reports:
        write_file(name, _written(report, name, module.path, module.text))
    ctx.exit(0 if report.measured is None or report.ok else 1)


def _written(report: ProbeReport, name: str, path: str, text: str) -> str:
    if name.endswith(".json"):
        return json.dumps(report.to_json(), indent=2) + "\n"
    from vglint.probe.page import page

    return page([report], {path: text})
