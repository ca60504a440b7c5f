"""The report as one self-contained page: no script, no network, light and dark, legible on a phone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from vglint.finding import Finding
from vglint.probe.chart import bar_chart, box_chart, line_chart, profile_chart
from vglint.probe.record import Measured
from vglint.probe.result import ProbeReport

_STYLE = """:root{color-scheme:light dark;--ground:#fff;--ink:#1f2328;--soft:#57606a;--line:#d0d7de;--bad:#cf222e;--good:#1a7f37;--card:#f6f8fa}
@media (prefers-color-scheme:dark){:root{--ground:#0d1117;--ink:#e6edf3;--soft:#9198a1;--line:#30363d;--bad:#ff7b72;--good:#56d364;--card:#161b22}}
.vglint{color:var(--ink);background:var(--ground);font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
.vglint h1{font-size:1.3rem;overflow-wrap:anywhere}.vglint h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
.vglint svg{display:block;width:100%;max-width:32rem;height:auto;color:var(--ink)}.vglint .note{color:var(--soft);overflow-wrap:anywhere}
.vglint .finding{border-left:4px solid var(--bad);background:var(--card);padding:.5rem .8rem;margin:.6rem 0;overflow-wrap:anywhere}
.vglint .ok{color:var(--good)}.vglint pre{overflow-x:auto;background:var(--card);padding:.6rem;font-size:13px}
.vglint table{border-collapse:collapse;font-size:13px}.vglint td,.vglint th{border-bottom:1px solid var(--line);padding:.2rem .6rem;text-align:left}
.vglint .wide{overflow-x:auto}.vglint mark{background:none;color:var(--bad);font-weight:600}"""


def page(reports: Sequence[ProbeReport], texts: Mapping[str, str] | None = None, proofs: Sequence[str] = ()) -> str:
    """Returns the whole document; `texts` are sources by file, for code frames, `proofs` what fixes were measured to do."""
    body = "\n".join(section(report, texts or {}) for report in reports)
    if proofs:
        shown = "".join(f"<pre>{escape(proof)}</pre>" for proof in proofs)
        body += f'\n<div class="vglint"><h1>Fixes, before and after</h1>{shown}</div>'
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>vglint probe</title>'
    ground = "<style>body{margin:0;background:#fff}@media (prefers-color-scheme:dark){body{background:#0d1117}}</style>"
    return f'<!doctype html>\n<html lang="en"><head>{head}{ground}</head><body>{body}</body></html>\n'


def section(report: ProbeReport, texts: Mapping[str, str] | None = None) -> str:
    """Returns one model's part, which also stands alone in a notebook."""
    parts = [f"<h1>{escape(report.entry)}</h1>"]
    if report.measured is None:
        parts.append(f'<p class="finding">inconclusive: {escape(report.reason)}</p>')
    else:
        parts += _measured(report, report.measured, texts or {})
    return f'<div class="vglint"><style>{_STYLE}</style>{"".join(parts)}</div>'


def _measured(report: ProbeReport, measured: Measured, texts: Mapping[str, str]) -> list[str]:
    notes = "; ".join(measured.synthesised)
    parts = [
        f'<p class="note">{measured.parameters:,} parameters, {len(measured.runs)} runs in {measured.seconds:.1f} s. {escape(notes)}</p>'
    ]
    parts += [_finding(finding, texts) for finding in report.findings] or ['<p class="ok">No measured fault.</p>']
    parts.append(
        "<h2>Gradient by layer</h2><p class='note'>RMS gradient at each weight layer’s output, relative to the last that feeds another. Dots: measured; line: predicted from source.</p>"
    )
    parts.append(profile_chart(report.profile, report.predicted))
    first = measured.runs[0]
    if len(first.snapshots) > 1:
        parts.append(
            "<h2>Gradients over steps</h2><p class='note'>RMS weight gradient of the first, a middle and the last weight layer, log scale.</p>"
        )
        parts.append(_over_steps(measured))
    parts.append(
        "<h2>Loss</h2>"
        + line_chart(
            [(f"s{i % 4}", run.losses) for i, run in enumerate(measured.runs)], ["step 0", f"step {len(first.losses)}"]
        )
    )
    names = ", ".join(f"{run.optimizer} seed {run.seed}" for run in measured.runs)
    parts.append(f"<p class='note'>{escape(names)}</p>")
    parts += _layer_charts(measured)
    parts.append(_table(measured))
    return parts


def _over_steps(measured: Measured) -> str:
    snapshots = measured.runs[0].snapshots
    weighted = [[layer for layer in snapshot.layers if layer.weighted] for snapshot in snapshots]
    count = min(len(layers) for layers in weighted)
    chosen = sorted({0, count // 2, count - 1}) if count else []
    lines = [(f"s{i}", [layers[position].weight_gradient for layers in weighted]) for i, position in enumerate(chosen)]
    return line_chart(lines, [f"step {snapshots[0].step}", f"step {snapshots[-1].step}"], power=True)


def _layer_charts(measured: Measured) -> list[str]:
    last = measured.runs[0].snapshots[-1] if measured.runs[0].snapshots else None
    if last is None:
        return []
    parts = [
        "<h2>Second moment by layer</h2>",
        bar_chart(
            [(layer.path, layer.moment) for layer in last.layers if layer.weighted][:60],
            limit=max([layer.moment for layer in last.layers if layer.weighted] or [1.0]) or 1.0,
        ),
    ]
    spread = [(layer.path, layer.quantiles) for layer in last.layers if len(layer.quantiles) == 5][:60]
    if spread:
        parts += [
            "<h2>Distribution by layer</h2><p class='note'>Output of each weight layer at the last step: 5 to 95 % (line), the middle half (box), the median.</p>",
            box_chart(spread),
        ]
    saturated: dict[str, float] = {}
    for squash in last.squashes:
        if squash.saturated is not None:
            name = f"{squash.path} {squash.op}"
            saturated[name] = max(saturated.get(name, 0.0), squash.saturated)
    if saturated:
        parts += [
            "<h2>Saturated share</h2><p class='note'>|pre-activation| &gt; 5 at the last step</p>",
            bar_chart(list(saturated.items())[:40]),
        ]
    if measured.runs[0].snapshots[0].times:
        steps = measured.runs[0].snapshots[0].times[0]
        parts += [
            "<h2>Gradient over time steps</h2><p class='note'>RMS gradient of the recurrent layer’s input at each time step, log scale.</p>",
            line_chart([("s0", [_decades(value) for value in steps])], ["first", f"step {len(steps)}"], power=True),
        ]
    return parts


def _decades(value: float) -> float | None:
    return math.log10(value) if value > 0 and math.isfinite(value) else None


def _table(measured: Measured) -> str:
    names = sorted({name for run in measured.runs for name in run.measures})
    head = "".join(f"<th>{escape(run.optimizer)} {run.seed}</th>" for run in measured.runs)
    rows = "".join(
        "<tr><td>"
        + escape(name)
        + "</td>"
        + "".join(f"<td>{_text(run.measures.get(name))}</td>" for run in measured.runs)
        + "</tr>"
        for name in names
    )
    return f'<h2>Measures</h2><div class="wide"><table><tr><th></th>{head}</tr>{rows}</table></div>'


def _finding(finding: Finding, texts: Mapping[str, str]) -> str:
    word = "" if finding.probe is None else f" ({finding.probe.verdict})"
    text = texts.get(finding.span.file)
    frame = ""
    if text is not None:
        lines = text.splitlines()
        first, last = max(finding.span.line - 3, 0), min(finding.span.line + 2, len(lines))
        rows = [f"{number + 1:4} {escape(lines[number])}" for number in range(first, last)]
        mark = finding.span.line - 1 - first
        if 0 <= mark < len(rows):
            rows[mark] = f"<mark>{rows[mark]}</mark>"
        frame = "<pre>" + "\n".join(rows) + "</pre>"
    return f'<div class="finding"><b>{escape(finding.rule)} {escape(finding.name)}</b>{word} {escape(str(finding.span))}<br>{escape(finding.message)}{frame}</div>'


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else escape(str(value))
