"""The last line of a report, and the table of `--statistics`."""

from __future__ import annotations

from collections import Counter

from vglint.finding import Report
from vglint.report.view import COLORS, View, visible
from vglint.rule import Severity

_ORDER: tuple[Severity, ...] = ("error", "warning", "info")


def summary(report: Report, verbose: bool = False) -> str:
    """Returns `3 problems (2 errors, 1 warning) in 12 files; 10 models read, 1 only in part: --verbose says why`."""
    counts = Counter(finding.severity for finding in report.findings)
    kinds = ", ".join(plural(counts[severity], severity) for severity in _ORDER if counts[severity])
    found = f"{plural(len(report.findings), 'problem')} ({kinds})" if kinds else "no problems"
    parts = [f"{found} in {plural(report.files, 'file')}", _read(report, verbose)]
    parts += [f"{plural(report.known, 'more problem')} in the baseline"] if report.known else []
    unread = len({problem.path for problem in report.problems if problem.kind == "unread"})
    if unread:
        parts.append(f"{plural(unread, 'file')} could not be read")
    for kind, words in (("internal", "internal error"), ("comment", "useless comment")):
        count = sum(problem.kind == kind for problem in report.problems)
        parts += [plural(count, words)] if count else []
    return "; ".join(part for part in parts if part)


def _read(report: Report, verbose: bool) -> str:
    """Returns `10 models and 2 training loops read, 1 only in part, 2 without a known gradient: --verbose says why`; nothing where none was."""
    if not report.entries:
        return "layers are made, and no model of them was read" if report.silent else ""
    models = report.entries - report.training
    kinds = [plural(models, "model")] if models or not report.training else []
    kinds += [plural(report.training, "training loop")] if report.training else []
    parts = [f"{' and '.join(kinds)} read"]
    parts += [f"{report.partial} only in part"] if report.partial else []
    parts += [f"{len(report.silent)} without a known gradient"] if report.silent else []
    why = ": --verbose says why" if len(parts) > 1 and not verbose else ""
    return ", ".join(parts) + why


def statistics(report: Report, view: View) -> list[str]:
    """Returns one line for each rule that was found, the most frequent first."""
    counts = Counter((finding.rule, finding.name, finding.severity) for finding in report.findings)
    width = max((len(str(count)) for count in counts.values()), default=0)
    return [
        f"{count:>{width}}  {view.paint(rule, COLORS[severity])}  {name}  {severity}"
        for (rule, name, severity), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def unknown_lines(report: Report, view: View) -> list[str]:
    """Returns one line for each import that was not found; where all is to be told, also for each place that could not be followed and each
    model without a known gradient."""
    lines = [
        f"{visible(problem.path)}:{problem.line}: {visible(problem.message)}; what depends on it is not checked"
        for problem in report.missing
    ]
    for gap in report.unknowns:
        where = f"{visible(str(gap.span))}: " if gap.span else ""
        lines.append(f"{where}not known in {visible(gap.entry)}: {visible(gap.text)} ({gap.why})")
    if view.verbose:
        lines += [f"the gradient of {visible(entry)} is not known: {visible(why)}" for entry, why in report.silent]
    return lines


def plural(count: int, word: str) -> str:
    """Returns `1 file`, `2 files`, `2 entries`."""
    if count == 1 or word == "info":
        return f"{count} {word}"
    return f"{count} {word[:-1]}ies" if word.endswith("y") else f"{count} {word}s"
