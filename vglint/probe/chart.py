"""Small SVG pictures of a probe's numbers; colours follow the page's light or dark scheme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

Series = tuple[str, Sequence[float | None]]
"""A CSS class that gives the colour, and values at equal distances."""

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 400, 200, 46, 12, 30
"""In units that are about a pixel on a phone, so that text stays legible there."""
_LABEL = 130


def profile_chart(
    measured: Sequence[tuple[str, float | None]], predicted: Sequence[tuple[str, float | None]] = ()
) -> str:
    """Draws decades by weight layer: dots are measured, the line is predicted."""
    known = dict(predicted)
    line = [known.get(path) for path, _ in measured]
    labels = [path for path, _ in measured]
    return _drawn([("measured dots", [value for _, value in measured]), ("predicted", line)], labels, power=True)


def line_chart(series: Sequence[Series], labels: Sequence[str] = (), *, power: bool = False) -> str:
    """Draws lines over steps; `power` marks values that are decades."""
    return _drawn(list(series), list(labels), power=power)


def bar_chart(rows: Sequence[tuple[str, float]], limit: float = 1.0) -> str:
    """Draws shares from 0 to `limit` as horizontal bars."""
    height = 20 * len(rows) + 8
    parts = []
    for row, (label, value) in enumerate(rows):
        y = 4 + 20 * row
        width = max(0.0, min(value / limit, 1.0)) * (_WIDTH - _LABEL - 60)
        parts.append(_label(label, y))
        parts.append(f'<rect class="bar" x="{_LABEL + 6}" y="{y + 1}" width="{width:.1f}" height="14"/>')
        parts.append(f'<text x="{_LABEL + 12 + width:.1f}" y="{y + 12}">{value:.2g}</text>')
    return _svg(height, parts)


def box_chart(rows: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Draws each row's 5, 25, 50, 75 and 95 % quantiles as a line with a box and a mark, on one common scale."""
    ends = [value for _, values in rows for value in (values[0], values[-1])]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    scale = (_WIDTH - _LABEL - 24) / ((high - low) or 1.0)

    def x_of(value: float) -> float:
        return _LABEL + 12 + (value - low) * scale

    parts = [f'<path class="grid" d="M{x_of(0.0):.1f} 0V{20 * len(rows) + 4}"/>']
    for row, (label, values) in enumerate(rows):
        y = 4 + 20 * row
        first, left, middle, right, last = map(x_of, values)
        parts.append(_label(label, y))
        parts.append(f'<path class="line" d="M{first:.1f} {y + 8}H{last:.1f}"/>')
        parts.append(f'<rect class="bar" x="{left:.1f}" y="{y + 2}" width="{max(right - left, 1.0):.1f}" height="12"/>')
        parts.append(f'<path class="middle" d="M{middle:.1f} {y + 1}v14"/>')
    y = 4 + 20 * len(rows)
    parts.append(f'<text x="{x_of(low):.1f}" y="{y + 12}">{low:.2g}</text>')
    parts.append(f'<text x="{x_of(high):.1f}" y="{y + 12}" text-anchor="end">{high:.2g}</text>')
    return _svg(y + 18, parts)


def _label(text: str, y: int) -> str:
    return f'<text x="{_LABEL}" y="{y + 12}" text-anchor="end">{escape(text[-20:])}</text>'


def _drawn(series: list[Series], labels: list[str], *, power: bool) -> str:
    values = [value for _, line in series for value in line if value is not None and math.isfinite(value)]
    if not values:
        return ""
    low, high = min([*values, -1.0] if power else values), max([*values, 1.0] if power else values)
    if high - low < 1e-12:
        low, high = low - 0.5, high + 0.5
    count = max(max(len(line) for _, line in series), 2)
    inner = _HEIGHT - _TOP - _BOTTOM

    def x_of(position: int) -> float:
        return _LEFT + 8 + position * (_WIDTH - _LEFT - 20) / (count - 1)

    def y_of(value: float) -> float:
        return _TOP + (high - min(max(value, low), high)) / (high - low) * inner

    parts = []
    for tick in _ticks(low, high, whole=power):
        parts.append(f'<path class="grid" d="M{_LEFT} {y_of(tick):.1f}H{_WIDTH - 8}"/>')
        text = f"1e{tick:.0f}" if power and tick else "1" if power else f"{tick:.3g}"
        parts.append(f'<text x="{_LEFT - 6}" y="{y_of(tick) + 4:.1f}" text-anchor="end">{text}</text>')
    for name, line in series:
        points = [(x_of(i), y_of(value)) for i, value in enumerate(line) if value is not None and math.isfinite(value)]
        if "dots" in name.split():
            parts += [f'<circle class="{name}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in points]
        elif points:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline class="{name}" points="{path}"/>')
    if labels:
        parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 10}">{escape(labels[0])}</text>')
        parts.append(f'<text x="{_WIDTH - 8}" y="{_HEIGHT - 10}" text-anchor="end">{escape(labels[-1])}</text>')
    return _svg(_HEIGHT, parts)


def _ticks(low: float, high: float, *, whole: bool) -> list[float]:
    raw = (high - low) / 5
    scale = 10 ** math.floor(math.log10(raw))
    step = next(scale * factor for factor in (1, 2, 5, 10) if scale * factor >= raw)
    step = max(step, 1.0) if whole else step
    first = math.ceil(low / step) * step
    return [first + i * step for i in range(int((high - first) / step) + 1)]


def _svg(height: int, parts: Sequence[str]) -> str:
    style = (
        "<style>text{font:11px system-ui,sans-serif;fill:currentColor}.grid{stroke:currentColor;opacity:.15}"
        "polyline{fill:none;stroke-width:1.8}.measured{fill:#3b82f6;stroke:#3b82f6}.predicted{stroke:#f97316;fill:none}.bar{fill:#3b82f6}.line{stroke:#3b82f6;stroke-width:1.5}.middle{stroke:currentColor;stroke-width:2}"
        ".s0{stroke:#3b82f6}.s1{stroke:#f97316}.s2{stroke:#10b981}.s3{stroke:#a855f7}</style>"
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">{style}{"".join(parts)}</svg>'
