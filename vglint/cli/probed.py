"""`vglint PATH --probe`: what it says while models run, what it writes, and what it exits with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vglint.cli.output import tell, write_file
from vglint.report.summary import plural

if TYPE_CHECKING:
    from vglint.config import Configuration
    from vglint.finding import Report
    from vglint.lint.proving import Proof
    from vglint.lint.verdicts import Probed
    from vglint.probe import ProbeReport


def show_probed(
    files: Sequence[str],
    report: Report,
    configuration: Configuration,
    options: Mapping[str, Any],
    show: Callable[[Report], None],
) -> int:
    """Runs the models, shows the report with verdicts, writes what was asked for, and returns the exit status."""
    import os

    from vglint.lint import model_files
    from vglint.lint.proving import proofs, proved
    from vglint.lint.verdicts import with_verdicts

    settings = configuration.of(os.getcwd())
    probed = with_verdicts(report, configuration.of_file, tell, model_files(files, configuration.of))
    proven = list(proofs(probed, tell)) if options["prove_fix"] else []
    show(proved(probed.report, proven))
    _count(probed)
    for proof in proven:
        tell(proof.placed)
    for name in options["reports"]:
        write_file(name, written(name, probed.models, probed.report.texts, proven))
    if settings.exit_zero:
        return 0
    if settings.probe.fail_on == "confirmed":
        return int(bool(probed.confirmed_errors or probed.report.problems))
    return int(bool(probed.report.findings or probed.report.problems))


def written(name: str, models: Sequence[ProbeReport], texts: Mapping[str, str], proven: Sequence[Proof] = ()) -> str:
    """Returns the content of a report file, a page or JSON by the name's ending."""
    if name.endswith(".json"):
        data: dict[str, object] = {"version": 1, "models": [model.to_json() for model in models]}
        if proven:
            data["proofs"] = [proof.to_json() for proof in proven]
        return json.dumps(data, indent=2) + "\n"
    from vglint.probe.page import page

    return page(models, texts, tuple(proof.placed for proof in proven))


def _count(probed: Probed) -> None:
    from vglint.lint.verdicts import counts

    measured = sum(model.measured is not None for model in probed.models)
    words = ", ".join(f"{count} {word}" for word, count in counts(probed.report).items() if count) or "none"
    total = plural(len(probed.models), "entry")
    found = f"measured {measured} of {total}; verdicts: {words}"
    tell(found if probed.models else "nothing here can be run and measured")
