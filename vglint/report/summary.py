"""The last line of a report, and the table of `--statistics`."""

from __future__ import annotations

from collections import Counter

from vglint.finding import Report
from vglint.report.view import COLORS, View, visible
from vglint.rule import Severity

_ORDER: tuple[Severity, ...] = ("error", "warning", "info")


def summary(report: Report) -> str:
    """Returns `3 findings (2 errors, 1 warning) in 12 files, 30 entries; 4 gaps`."""
    counts = Counter(finding.severity for finding in report.findings)
    kinds = ", ".join(plural(counts[severity], severity) for severity in _ORDER if counts[severity])
    head = f"{plural(len(report.findings), 'finding')} ({kinds})" if kinds else "no findings"
    text = f"{head} in {plural(report.files, 'file')}, {plural(report.entries, 'entry')}; {plural(report.gaps, 'gap')}"
    return f"{text}; {plural(len(report.problems), 'problem')}" if report.problems else text


def statistics(report: Report, view: View) -> list[str]:
    """Returns one line for each rule that was found, the most frequent first."""
    counts = Counter((finding.rule, finding.name, finding.severity) for finding in report.findings)
    width = max((len(str(count)) for count in counts.values()), default=0)
    return [
        f"{count:>{width}}  {view.paint(rule, COLORS[severity])}  {name}  {severity}"
        for (rule, name, severity), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def unknown_lines(report: Report) -> list[str]:
    """Returns one line for each gap that the run was asked to show."""
    lines = []
    for entry, gap in report.unknowns:
        where = f"{visible(str(gap.span))}: " if gap.span else ""
        lines.append(f"{where}gap in {visible(entry)}: {gap.why}: {visible(gap.text)}")
    return lines


def plural(count: int, word: str) -> str:
    """Returns `1 file`, `2 files`, `2 entries`."""
    if count == 1 or word == "info":
        return f"{count} {word}"
    return f"{count} {word[:-1]}ies" if word.endswith("y") else f"{count} {word}s"
