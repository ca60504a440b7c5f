"""The gradient of a graph's nodes on one scale: as a number relative to the last layer, as a bar, as a colour."""

from __future__ import annotations

from msgspec import Struct

from vglint.number import factor
from vglint.signal import Ratio, Trace

_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Scale(Struct, frozen=True):
    """Decimal logarithms of gradients, relative to the reference; `low` and `high` are the ends of the bar, `last` the node of the reference."""

    reference: float
    low: float
    high: float
    last: int | None = None

    def share(self, gradient: float) -> float:
        """Returns how much of the bar is filled, from 0 to 1."""
        return min(max((gradient - self.reference - self.low) / (self.high - self.low), 0.0), 1.0)

    def color(self, gradient: float, node: int) -> str:
        """Returns the colour of a node's gradient: far from the reference is red, somewhat far yellow.

        Behind the reference a large gradient is no fault: a mean over positions divides what comes back to each of them.
        """
        more = gradient - self.reference
        far = -more if self.last is not None and node > self.last else abs(more)
        return "red" if far > 3 else "yellow" if far > 1.5 else "green"

    def number(self, gradient: float) -> str:
        """Returns the gradient as a multiple of the reference."""
        return factor(gradient - self.reference)


def scale_of(trace: Trace, ratio: Ratio) -> Scale:
    """Returns the scale of a trace: at least two decades, so that small differences look small."""
    known = [gradient for gradient in trace.gradients if gradient is not None]
    last = None if ratio.last is None else trace.gradients[ratio.last]
    reference = last if last is not None else max(known, default=0.0)
    low = min((gradient - reference for gradient in known), default=0.0)
    high = max((gradient - reference for gradient in known), default=0.0)
    middle, half = (low + high) / 2, max((high - low) / 2, 1.0)
    return Scale(reference, middle - half * 1.1, middle + half, ratio.last)


def bar(share: float, width: int) -> str:
    """Returns a bar of `width` columns, filled to eighths of a column."""
    eighths = max(round(share * width * 8), 1)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)
