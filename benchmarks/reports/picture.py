"""Draws the benchmark's two pictures as SVG text, legible on light and on dark ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = (
    "#2a8fdb",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#b8860b",
    "#56b4e9",
    "#7f7f7f",
    "#8c564b",
    "#6a5acd",
    "#2e8b57",
    "#c0392b",
)
"""Distinct at equal lightness on white and on near-black; after Okabe & Ito."""

_STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #24292f }
.ground { fill: #ffffff } .grid { stroke: #d0d7de; stroke-width: 1 } .axis { stroke: #57606a; stroke-width: 1.2; fill: none }
.title { font-size: 14px; font-weight: 600 } .band { fill: #57606a; opacity: .12 } .ideal { stroke: #57606a; stroke-dasharray: 4 3 }
.zone { fill: #d55e00; opacity: .10 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .ground { fill: #0d1117 } .grid { stroke: #30363d } .axis { stroke: #8b949e } .ideal { stroke: #8b949e }
.band { fill: #8b949e }
}
</style>"""


@dataclass(frozen=True, slots=True)
class Curve:
    """A model's gradient by weight layer, in decades relative to its last: None where it is not known."""

    title: str
    measured: tuple[float | None, ...]
    predicted: tuple[float | None, ...]


def scatter(
    points: Sequence[tuple[str, float, float]], subtitle: str, *, floor: float = -20.0, ceiling: float = 10.0
) -> str:
    """Draws (family, predicted, measured) in decades; what lies outside floor..ceiling is drawn at the edge."""
    size, left, top = 520, 70, 54
    families = sorted({family for family, _, _ in points})
    colour = {family: COLOURS[i % len(COLOURS)] for i, family in enumerate(families)}

    def at(value: float) -> float:
        return (min(max(value, floor), ceiling) - floor) / (ceiling - floor) * size

    parts = [
        f'<text class="title" x="{left}" y="22">Gradient at the first layer over the last: predicted from source, measured by torch</text>'
    ]
    parts.append(f'<text x="{left}" y="42">{escape(subtitle)}</text>')
    low, high = at(-3), at(3)
    parts.append(f'<rect class="band" x="{left + low:.1f}" y="{top}" width="{high - low:.1f}" height="{size}"/>')
    parts.append(
        f'<rect class="band" x="{left}" y="{top + size - high:.1f}" width="{size}" height="{high - low:.1f}"/>'
    )
    for tick in range(int(floor), int(ceiling) + 1, 5):
        x, y = left + at(tick), top + size - at(tick)
        parts.append(f'<path class="grid" d="M{x:.1f} {top}V{top + size}M{left} {y:.1f}H{left + size}"/>')
        parts.append(f'<text x="{x:.1f}" y="{top + size + 18}" text-anchor="middle">{_power(tick)}</text>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{_power(tick)}</text>')
    parts.append(f'<path class="ideal" d="M{left} {top + size}L{left + size} {top}"/>')
    for family, predicted, measured in points:
        x, y = left + at(predicted), top + size - at(measured)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{colour[family]}" fill-opacity=".75"/>')
    parts.append(f'<rect class="axis" x="{left}" y="{top}" width="{size}" height="{size}"/>')
    parts.append(f'<text x="{left + size / 2}" y="{top + size + 40}" text-anchor="middle">predicted</text>')
    parts.append(
        f'<text transform="translate(18 {top + size / 2}) rotate(-90)" text-anchor="middle">measured, median of seeds</text>'
    )
    for row, family in enumerate(families):
        y = top + 12 + 20 * row
        parts.append(
            f'<circle cx="{left + size + 22}" cy="{y}" r="5" fill="{colour[family]}"/><text x="{left + size + 34}" y="{y + 4}">{escape(family)}</text>'
        )
    parts.append(f'<text x="{left + size + 16}" y="{top + size - 10}">grey band: 1e-3 to 1e3</text>')
    return _svg(left + size + 190, top + size + 56, parts)


def profiles(curves: Sequence[Curve]) -> str:
    """Draws the gradient layer by layer, one panel a model: the line is predicted, the dots are measured."""
    width, height, gap, left, top = 330, 190, 76, 60, 62
    parts = [f'<text class="title" x="{left}" y="22">The gradient on its way back, layer by layer</text>']
    parts.append(
        f'<text x="{left}" y="42">line: predicted from source; dots: measured by torch; shaded: below a thousandth of the last layer’s</text>'
    )
    for number, curve in enumerate(curves):
        x0, y0 = left + (number % 2) * (width + gap), top + (number // 2) * (height + gap)
        known = [value for value in (*curve.measured, *curve.predicted) if value is not None]
        low, high = min([-1.0, *known]) - 0.3, max([1.0, *known]) + 0.3
        count = max(len(curve.measured), 2)

        def x_of(position: int, x0: float = x0, count: int = count) -> float:
            return x0 + 10 + position * (width - 20) / (count - 1)

        def y_of(value: float, y0: float = y0, low: float = low, high: float = high) -> float:
            return y0 + (high - value) / (high - low) * height

        parts.append(f'<text x="{x0}" y="{y0 - 6}">{escape(curve.title)}</text>')
        step = next(step for step in (1, 2, 5, 10, 20) if (high - low) / step <= 7)
        for tick in range(-step * int(-low / step), int(high) + 1, step):
            parts.append(f'<path class="grid" d="M{x0} {y_of(tick):.1f}H{x0 + width}"/>')
            parts.append(f'<text x="{x0 - 6}" y="{y_of(tick) + 4:.1f}" text-anchor="end">{_power(tick)}</text>')
        if low < -3:
            parts.append(
                f'<rect class="zone" x="{x0}" y="{y_of(-3):.1f}" width="{width}" height="{y0 + height - y_of(-3):.1f}"/>'
            )
        line = [f"{x_of(i):.1f},{y_of(value):.1f}" for i, value in enumerate(curve.predicted) if value is not None]
        parts.append(f'<polyline points="{" ".join(line)}" fill="none" stroke="{COLOURS[1]}" stroke-width="2"/>')
        for i, value in enumerate(curve.measured):
            if value is not None:
                parts.append(f'<circle cx="{x_of(i):.1f}" cy="{y_of(value):.1f}" r="3.2" fill="{COLOURS[0]}"/>')
        parts.append(f'<rect class="axis" x="{x0}" y="{y0}" width="{width}" height="{height}"/>')
        parts.append(f'<text x="{x0}" y="{y0 + height + 18}">first weight layer</text>')
        parts.append(f'<text x="{x0 + width}" y="{y0 + height + 18}" text-anchor="end">last</text>')
    rows = (len(curves) + 1) // 2
    return _svg(left + 2 * width + gap + 20, top + rows * (height + gap) - gap + 34, parts)


def _power(exponent: int) -> str:
    return "1" if exponent == 0 else f"1e{exponent}"


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img">'
    return "\n".join([head, _STYLE, '<rect class="ground" width="100%" height="100%"/>', *parts, "</svg>", ""])
