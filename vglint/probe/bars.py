"""A probe's result for the terminal: one bar a layer, on a logarithmic scale, measured beside predicted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vglint.probe.result import ProbeReport


_WIDTH = 32
_BELOW, _ABOVE = -9.0, 3.0


def text_of(report: ProbeReport) -> str:
    """Returns the whole result as text."""
    if report.measured is None:
        return f"{report.entry}: inconclusive: {report.reason}\n"
    measured = report.measured
    lines = [f"{report.entry}: {measured.parameters:,} parameters, {len(measured.runs)} runs, {measured.seconds:.1f} s"]
    lines += [f"  {note}" for note in measured.synthesised]
    lines += ["", *_profile(report), ""]
    for run in measured.runs:
        ends = f"{run.losses[0]:.4g} → {run.losses[-1]:.4g}" if run.losses else "none"
        lines.append(
            f"  {run.optimizer} lr={run.rate:g} seed={run.seed}: loss {ends} in {len(run.losses)} steps, {run.seconds:.1f} s"
        )
    lines.append("")
    for finding in report.findings:
        word = "" if finding.probe is None else f" [{finding.probe.verdict}]"
        lines.append(f"  {finding.rule} {finding.name}{word}: {finding.message} ({finding.span})")
    if not report.confirmed:
        lines.append(f"  no fault confirmed; {report.verdict}")
    return "\n".join(lines) + "\n"


def _profile(report: ProbeReport) -> Iterator[str]:
    rows = report.profile
    if not rows:
        yield "  no weight layer feeds another"
        return
    predicted = dict(report.predicted)
    width = min(max(len(path) for path, _ in rows), 40)
    title = "gradient at"
    width = max(width, len(title))
    yield f"  {title:{width}}  {'measured':>9} {'predicted' if predicted else '':>9}  1e{_BELOW:.0f}{'1'.rjust(_WIDTH - 8)}"
    for path, value in rows:
        own, other = _power(value), _power(predicted.get(path)) if predicted else ""
        yield f"  {path[-width:]:{width}}  {own:>9} {other:>9}  {bar(value)}"


def bar(value: float | None) -> str:
    """Returns a bar whose length is the exponent between 1e-9 and 1e3; empty where there is no gradient."""
    if value is None:
        return ""
    share = (min(max(value, _BELOW), _ABOVE) - _BELOW) / (_ABOVE - _BELOW)
    return "█" * max(round(share * _WIDTH), 1)


def _power(value: float | None) -> str:
    return "–" if value is None else f"1e{value:+.1f}"
