"""The report as one self-contained page: no script, no network, light and dark, legible on a phone and as wide as a desktop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from vglint.finding import Finding
from vglint.probe.chart import Series, bar_chart, box_chart, line_chart, power_chart, profile_chart
from vglint.probe.record import Measured, Run
from vglint.rulebook.measures import MEASURES

if TYPE_CHECKING:
    from vglint.probe.result import ProbeReport

_STYLE = """.vglint{--ground:#fff;--ink:#1f2328;--soft:#57606a;--line:#d0d7de;--bad:#b3151f;--good:#1a7f37;--card:#f6f8fa;color-scheme:light dark;
color:var(--ink);background:var(--ground);font:15px/1.5 system-ui,sans-serif;max-width:110rem;margin:0 auto;padding:1rem;box-sizing:border-box}
@media (prefers-color-scheme:dark){.vglint{--ground:#0d1117;--ink:#e6edf3;--soft:#9198a1;--line:#30363d;--bad:#ff7b72;--good:#56d364;--card:#161b22}}
.vglint h2{font-size:1.3rem;overflow-wrap:anywhere}.vglint h3{font-size:1.05rem;margin:1.2rem 0 .3rem}
.vglint .vgl-charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:0 2rem}
.vglint svg{display:block;width:100%;max-width:44rem;height:auto;color:var(--ink)}.vglint .vgl-note{color:var(--soft);overflow-wrap:anywhere;margin:.2rem 0}
.vglint .vgl-finding{border-left:4px solid var(--bad);background:var(--card);padding:.5rem .8rem;margin:.6rem 0;overflow-wrap:anywhere}
.vglint .vgl-open{border-color:var(--soft)}.vglint .vgl-ok{color:var(--good)}.vglint .vgl-bad{color:var(--bad)}.vglint pre{overflow-x:auto;background:var(--card);padding:.6rem;font-size:13px}
.vglint table{border-collapse:collapse;font-size:13px}.vglint td,.vglint th{border-bottom:1px solid var(--line);padding:.2rem .6rem;text-align:left;vertical-align:top}
.vglint .vgl-wide{overflow-x:auto}.vglint mark{background:none;color:var(--bad);font-weight:600}.vglint a{color:inherit}"""
_DOING = {True: "yes", False: "no"}


def page(reports: Sequence[ProbeReport], texts: Mapping[str, str] | None = None, proofs: Sequence[str] = ()) -> str:
    """Returns the whole document; `texts` are sources by file, for code frames, `proofs` what fixes were measured to do."""
    ordered = sorted(reports, key=_badness)
    body = "\n".join([overview(ordered), *(section(report, texts or {}, i) for i, report in enumerate(ordered))])
    if proofs:
        shown = "".join(f"<pre>{escape(proof)}</pre>" for proof in proofs)
        body += f'\n<div class="vglint"><h2>Fixes, before and after</h2>{shown}</div>'
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>vglint probe</title>'
    ground = "<style>body{margin:0;background:#fff}@media (prefers-color-scheme:dark){body{background:#0d1117}}</style>"
    return f'<!doctype html>\n<html lang="en"><head>{head}{ground}</head><body><main>{body}</main></body></html>\n'


def overview(reports: Sequence[ProbeReport]) -> str:
    """Returns one sentence on all models, and a row for each with a link to its part; worst first."""
    sick = sum(bool(report.confirmed) for report in reports)
    open_ = sum(report.measured is None for report in reports)
    sound = len(reports) - sick - open_
    parts = [
        f"{_models(sick)} a confirmed fault" if sick else "",
        f"{_models(sound)} no confirmed fault" if sound else "",
        f"{open_} could not be measured" if open_ else "",
    ]
    sentence = "; ".join(part for part in parts if part) + "." if reports else "No model was measured."
    rows = "".join(
        f'<tr><td><a href="#vgl-{i}">{escape(report.entry)}</a></td><td class="{_color(report)}">{escape(report.verdict)}</td></tr>'
        for i, report in enumerate(reports)
    )
    table = f'<div class="vgl-wide"><table><tr><th scope="col">model</th><th scope="col">verdict</th></tr>{rows}</table></div>'
    return f'<div class="vglint"><style>{_STYLE}</style><h1>What the probe measured</h1><p>{sentence}</p>{table}</div>'


def _models(count: int) -> str:
    return f"{count} model has" if count == 1 else f"{count} models have"


def section(report: ProbeReport, texts: Mapping[str, str] | None = None, number: int = 0) -> str:
    """Returns one model's part, which also stands alone in a notebook."""
    parts = [f'<h2 id="vgl-{number}">{escape(report.entry)}</h2>']
    if report.measured is None:
        parts.append(f'<p class="vgl-finding vgl-open">inconclusive: {escape(report.reason)}</p>')
        parts += [_finding(finding, texts or {}) for finding in report.findings]
    else:
        parts += _measured(report, report.measured, texts or {})
    return f'<div class="vglint"><style>{_STYLE}</style>{"".join(parts)}</div>'


def _badness(report: ProbeReport) -> tuple[int, float]:
    flow = report.flow
    return (0 if report.confirmed else 1 if report.measured is None else 2), 0.0 if flow is None else flow.decades


def _color(report: ProbeReport) -> str:
    return "vgl-bad" if report.confirmed else "vgl-note" if report.measured is None else "vgl-ok"


def _measured(report: ProbeReport, measured: Measured, texts: Mapping[str, str]) -> list[str]:
    notes = "; ".join(measured.synthesised)
    runs = f"{len(measured.runs)} run{'s' if len(measured.runs) != 1 else ''}"
    parts = [
        f'<p class="{_color(report)}"><b>{escape(report.verdict)}</b></p>',
        f'<p class="vgl-note">{measured.parameters:,} parameters, {runs} in {measured.seconds:.1f} s. {escape(notes[:1].upper() + notes[1:])}.</p>',
    ]
    parts += [_finding(finding, texts) for finding in report.findings]
    first = measured.runs[0]
    charts = [
        _chart(
            "Gradient by layer",
            "At each weight layer’s output, relative to the last that feeds another. Red: below the dashed line, 1/10,000. Rest the pointer on a dot for its name.",
            profile_chart(report.profile, report.predicted),
        )
    ]
    if len(first.snapshots) > 1:
        charts.append(_chart("Gradients over steps", "RMS weight gradient, powers of ten.", _over_steps(measured)))
    losses: list[Series] = [
        (f"{run.optimizer}, seed {run.seed}", f"vgc-s{i % 4}", run.losses) for i, run in enumerate(measured.runs[:4])
    ]
    charts.append(_chart("Loss", "", line_chart(losses, ["step 0", f"step {len(first.losses)}"], "loss over steps")))
    charts += _layer_charts(first)
    parts.append(f'<div class="vgl-charts">{"".join(charts)}</div>')
    parts.append(_table(measured))
    return parts


def _chart(title: str, note: str, picture: str) -> str:
    said = f"<p class='vgl-note'>{note}</p>" if note else ""
    return f"<div><h3>{title}</h3>{said}{picture}</div>" if picture else ""


def _over_steps(measured: Measured) -> str:
    snapshots = measured.runs[0].snapshots
    weighted = [[layer for layer in snapshot.layers if layer.weighted] for snapshot in snapshots]
    count = min(len(layers) for layers in weighted)
    chosen = sorted({0, count // 2, count - 1}) if count else []
    lines: list[Series] = [
        (weighted[0][position].path[-16:], f"vgc-s{i}", [layers[position].weight_gradient for layers in weighted])
        for i, position in enumerate(chosen)
    ]
    ends = [f"step {snapshots[0].step}", f"step {snapshots[-1].step}"]
    return line_chart(lines, ends, "weight gradient of three layers over steps", power=True)


def _layer_charts(run: Run) -> list[str]:
    last = run.snapshots[-1] if run.snapshots else None
    if last is None:
        return []
    moments = [(layer.path, layer.moment) for layer in last.layers if layer.weighted][:60]
    parts = [
        _chart(
            "Second moment by layer",
            "E[x²] of each weight layer’s output at the last step, powers of ten; the line stands at 1.",
            power_chart(moments, "second moment by layer") if moments else "",
        )
    ]
    spread = [(layer.path, layer.quantiles) for layer in last.layers if len(layer.quantiles) == 5][:60]
    if spread:
        note = "Output of each weight layer at the last step: 5 to 95 % (line), the middle half (box), the median."
        parts.append(_chart("Distribution by layer", note, box_chart(spread, "distribution of outputs by layer")))
    saturated: dict[str, float] = {}
    for squash in last.squashes:
        if squash.saturated is not None:
            name = f"{squash.path} {squash.op}"
            saturated[name] = max(saturated.get(name, 0.0), squash.saturated)
    if any(share >= 0.005 for share in saturated.values()):
        picture = bar_chart(list(saturated.items())[:40], "saturated share by layer")
        parts.append(_chart("Saturated share", "|pre-activation| &gt; 5 at the last step.", picture))
    if run.snapshots[0].times:
        steps = run.snapshots[0].times[0]
        line: Series = ("at each time step", "vgc-s0", [_decades(value) for value in steps])
        picture = line_chart([line], ["first", f"step {len(steps)}"], "gradient over time steps", power=True)
        parts.append(_chart("Gradient over time steps", "Of the recurrent layer’s input, powers of ten.", picture))
    return parts


def _decades(value: float) -> float | None:
    return math.log10(value) if value > 0 and math.isfinite(value) else None


def _table(measured: Measured) -> str:
    names = sorted({name for run in measured.runs for name in run.measures})
    head = "".join(f'<th scope="col">{escape(run.optimizer)} {run.seed}</th>' for run in measured.runs)
    rows = "".join(
        f'<tr><th scope="row">{_words(name)}</th>'
        + "".join(f"<td>{_text(run.measures.get(name))}</td>" for run in measured.runs)
        + "</tr>"
        for name in names
    )
    table = f'<div class="vgl-wide"><table><tr><th scope="col">what was measured</th>{head}</tr>{rows}</table></div>'
    return f"<details><summary>All measures</summary>{table}</details>"


def _words(name: str) -> str:
    known = MEASURES.get(name)
    if known is None:
        return escape(name)
    unit = f", {known.unit}" if known.unit and known.type == "number" else ""
    return f'{escape(known.doc)}{escape(unit)} <span class="vgl-note">({escape(name)})</span>'


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
        frame = '<pre tabindex="0">' + "\n".join(rows) + "</pre>"
    return f'<div class="vgl-finding"><b>{escape(finding.rule)} {escape(finding.name)}</b>{word} {escape(str(finding.span))}<br>{escape(finding.message)}{frame}{_told(finding)}</div>'


def _told(finding: Finding) -> str:
    """Returns why a finding matters, what to do and what that changes, as far as its rule says so."""
    rows = (("why", finding.detail), ("help", finding.advice), ("effect", finding.effect))
    said = "<br>".join(f"<b>{word}</b> {escape(' '.join(str(text).split()))}" for word, text in rows if text)
    return f"<div>{said}</div>" if said else ""


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _DOING[value]
    return f"{value:.3g}" if isinstance(value, float) else escape(str(value))
