"""Small SVG pictures of a probe's numbers; colours follow the page's light or dark scheme, names show where the pointer rests.

Every class begins with `vgc`, and every style rule with `.vgc`: a page around a picture keeps its own looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

Series = tuple[str, str, Sequence[float | None]]
"""What the legend says, the class that gives the colour, and values at equal distances."""

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 400, 216, 46, 28, 30
"""In units that are about a pixel on a phone, so that text stays legible there."""
_LABEL = 130
WEAK = -4.0
"""Decades of the gradient below which a layer is marked: one ten-thousandth."""


class Picture(str):
    """SVG text that a notebook shows as a picture."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


def profile_chart(
    measured: Sequence[tuple[str, float | None]], predicted: Sequence[tuple[str, float | None]] = ()
) -> Picture:
    """Draws decades by weight layer: dots are measured, red where little or nothing of the gradient arrives; the line is predicted."""
    known = dict(predicted)
    line = [known.get(path) for path, _ in measured]
    series: list[Series] = [("measured", "vgc-dots", [value for _, value in measured])]
    if any(value is None or value < WEAK for _, value in measured):
        series.append(("below 1/10,000", "vgc-dots vgc-bad", []))
    if any(value is not None for value in line):
        series.append(("predicted", "vgc-s1", line))
    labels = [path for path, _ in measured]
    hover = [
        f"{path}: {_power(value)} measured" + (f", {_power(known[path])} predicted" if path in known else "")
        for path, value in measured
    ]
    return _drawn(series, labels, "RMS gradient by weight layer, in powers of ten", power=True, limit=WEAK, hover=hover)


def line_chart(
    series: Sequence[Series], labels: Sequence[str] = (), about: str = "values over steps", *, power: bool = False
) -> Picture:
    """Draws lines over steps; `power` marks values that are decades."""
    return _drawn(list(series), list(labels), about, power=power)


def bar_chart(rows: Sequence[tuple[str, float]], about: str = "shares by layer", limit: float = 1.0) -> Picture:
    """Draws shares from 0 to `limit` as horizontal bars."""
    shares = [(label, max(0.0, min(value / limit, 1.0)), f"{value:.2g}") for label, value in rows]
    return _bars(shares, about)


def power_chart(rows: Sequence[tuple[str, float]], about: str) -> Picture:
    """Draws values above zero as horizontal bars on a logarithmic scale that holds all of them and 1."""
    powers = [math.log10(value) for _, value in rows if 0 < value < math.inf]
    low, high = min([*powers, -1.0]) - 0.3, max([*powers, 1.0])
    shares = [
        (label, (math.log10(value) - low) / (high - low) if 0 < value < math.inf else 0.0, f"{value:.2g}")
        for label, value in rows
    ]
    return _bars(shares, about, (0.0 - low) / (high - low))


def box_chart(rows: Sequence[tuple[str, Sequence[float]]], about: str) -> Picture:
    """Draws each row's 5, 25, 50, 75 and 95 % quantiles as a line with a box and a mark, on one common scale."""
    ends = [value for _, values in rows for value in (values[0], values[-1])]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    scale = (_WIDTH - _LABEL - 24) / ((high - low) or 1.0)

    def x_of(value: float) -> float:
        return _LABEL + 12 + (value - low) * scale

    parts = [f'<path class="vgc-grid" d="M{x_of(0.0):.1f} 0V{20 * len(rows) + 4}"/>']
    for row, (label, values) in enumerate(rows):
        y = 4 + 20 * row
        first, left, middle, right, last = map(x_of, values)
        parts.append(_label(label, y))
        parts.append(f'<path class="vgc-line" d="M{first:.1f} {y + 8}H{last:.1f}"/>')
        width = max(right - left, 1.0)
        parts.append(f'<rect class="vgc-bar" x="{left:.1f}" y="{y + 2}" width="{width:.1f}" height="12"/>')
        parts.append(f'<path class="vgc-middle" d="M{middle:.1f} {y + 1}v14"/>')
    y = 4 + 20 * len(rows)
    parts.append(f'<text x="{x_of(low):.1f}" y="{y + 12}">{low:.2g}</text>')
    parts.append(f'<text x="{x_of(high):.1f}" y="{y + 12}" text-anchor="end">{high:.2g}</text>')
    return _svg(y + 18, parts, about)


def _bars(rows: Sequence[tuple[str, float, str]], about: str, one: float | None = None) -> Picture:
    """Draws bars of shares of the width, each with its label and its value; a line stands at the share `one`."""
    full = _WIDTH - _LABEL - 60
    parts = []
    if one is not None:
        parts.append(f'<path class="vgc-grid" d="M{_LABEL + 6 + one * full:.1f} 0V{20 * len(rows) + 4}"/>')
    for row, (label, share, text) in enumerate(rows):
        y = 4 + 20 * row
        parts.append(_label(label, y))
        bar = f'x="{_LABEL + 6}" y="{y + 1}" width="{share * full:.1f}" height="14"'
        parts.append(f'<rect class="vgc-bar" {bar}><title>{escape(label)}: {text}</title></rect>')
        parts.append(f'<text x="{_LABEL + 12 + share * full:.1f}" y="{y + 12}">{text}</text>')
    return _svg(20 * len(rows) + 8, parts, about)


def _label(text: str, y: int) -> str:
    shown = escape(text if len(text) <= 20 else "…" + text[-19:])
    return f'<text x="{_LABEL}" y="{y + 12}" text-anchor="end">{shown}<title>{escape(text)}</title></text>'


def _drawn(
    series: list[Series],
    labels: list[str],
    about: str,
    *,
    power: bool,
    limit: float | None = None,
    hover: Sequence[str] = (),
) -> Picture:
    values = [value for _, _, line in series for value in line if value is not None and math.isfinite(value)]
    if not values:
        return Picture("")
    low, high = min([*values, -1.0] if power else values), max([*values, 1.0] if power else values)
    if high - low < 1e-12:
        low, high = low - 0.5, high + 0.5
    count = max(max(len(line) for _, _, line in series), 2)
    inner = _HEIGHT - _TOP - _BOTTOM

    def x_of(position: int) -> float:
        return _LEFT + 8 + position * (_WIDTH - _LEFT - 20) / (count - 1)

    def y_of(value: float) -> float:
        return _TOP + (high - min(max(value, low), high)) / (high - low) * inner

    parts = _legend([(name, kind) for name, kind, _ in series])
    for tick in _ticks(low, high, whole=power):
        parts.append(f'<path class="vgc-grid" d="M{_LEFT} {y_of(tick):.1f}H{_WIDTH - 8}"/>')
        text = f"1e{tick:.0f}" if power and tick else "1" if power else f"{tick:.3g}"
        parts.append(f'<text x="{_LEFT - 6}" y="{y_of(tick) + 4:.1f}" text-anchor="end">{text}</text>')
    if limit is not None and low < limit:
        parts.append(f'<path class="vgc-limit" d="M{_LEFT} {y_of(limit):.1f}H{_WIDTH - 8}"/>')
    for _, kind, line in series:
        if kind == "vgc-dots":
            parts += [_dot(x_of(i), y_of(low if value is None else value), value, limit, hover[i : i + 1]) for i, value in enumerate(line)]  # fmt: skip
            continue
        points = [(x_of(i), y_of(value)) for i, value in enumerate(line) if value is not None and math.isfinite(value)]
        if points:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline class="{kind}" points="{path}"/>')
    if labels:
        parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 10}">{escape(labels[0])}</text>')
        parts.append(f'<text x="{_WIDTH - 8}" y="{_HEIGHT - 10}" text-anchor="end">{escape(labels[-1])}</text>')
    return _svg(_HEIGHT, parts, about)


def _dot(x: float, y: float, value: float | None, limit: float | None, words: Sequence[str]) -> str:
    weak = value is None or (limit is not None and value < limit)
    title = "".join(f"<title>{escape(text)}</title>" for text in words)
    mark = f'<path class="vgc-weak" d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10"/>' if weak else ""
    return f'{mark}<circle class="{"vgc-dots vgc-bad" if weak else "vgc-dots"}" cx="{x:.1f}" cy="{y:.1f}" r="4">{title}</circle>'


def _legend(names: Sequence[tuple[str, str]]) -> list[str]:
    wide = sum(30 + 6.2 * len(name) for name, _ in names) > _WIDTH - _LEFT
    parts, x = [], 8.0 if wide else float(_LEFT)
    for name, kind in names:
        if kind.startswith("vgc-dots"):
            if kind.endswith("bad"):
                parts.append(f'<path class="vgc-weak" d="M{x:.1f} 6l10 10m0 -10l-10 10"/>')
            parts.append(f'<circle class="{kind}" cx="{x + 5:.1f}" cy="11" r="4"/>')
        else:
            parts.append(f'<polyline class="{kind}" points="{x:.1f},11 {x + 12:.1f},11"/>')
        parts.append(f'<text x="{x + 17:.1f}" y="15">{escape(name)}</text>')
        x += 26 + 5.5 * len(name) if wide else 30 + 6.2 * len(name)
    return parts


def _ticks(low: float, high: float, *, whole: bool) -> list[float]:
    raw = (high - low) / 5
    scale = 10 ** math.floor(math.log10(raw))
    step = next(scale * factor for factor in (1, 2, 5, 10) if scale * factor >= raw)
    step = max(step, 1.0) if whole else step
    first = math.ceil(low / step) * step
    return [first + i * step for i in range(int((high - first) / step) + 1)]


def _power(value: float | None) -> str:
    return "nothing" if value is None else f"1e{value:+.1f}"


STYLE = """.vgc text{font:11px system-ui,sans-serif;fill:currentColor}
.vgc .vgc-grid{stroke:currentColor;opacity:.15}
.vgc polyline{fill:none;stroke-width:1.8}
.vgc .vgc-dots{fill:#3b82f6}
.vgc .vgc-bad{fill:#dc2626}
.vgc .vgc-weak{stroke:#dc2626;stroke-width:2;fill:none}
.vgc .vgc-limit{stroke:#dc2626;stroke-width:1.2;stroke-dasharray:5 4}
.vgc .vgc-bar{fill:#3b82f6}
.vgc .vgc-line{stroke:#3b82f6;stroke-width:1.5}
.vgc .vgc-middle{stroke:currentColor;stroke-width:2}
.vgc .vgc-s0{stroke:#3b82f6}
.vgc .vgc-s1{stroke:#f97316}
.vgc .vgc-s2{stroke:#10b981}
.vgc .vgc-s3{stroke:#a855f7}"""


def _svg(height: int, parts: Sequence[str], about: str) -> Picture:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="vgc" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(about)}">'
    return Picture(f"{head}<title>{escape(about)}</title><style>{STYLE}</style>{''.join(parts)}</svg>")
