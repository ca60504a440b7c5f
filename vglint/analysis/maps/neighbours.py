"""What neighbouring positions have in common: windows that overlap share entries, and a mean over a window keeps what its entries share.

`near` is a correlation, of what differs between positions. Along each axis it falls in a straight line, as the share of two windows does.
"""

from __future__ import annotations

from functools import lru_cache

from vglint.analysis.state import State


@lru_cache(maxsize=1024)
def in_common(size: float, shift: float, near: float) -> float:
    """Returns the mean correlation over the entries i of one window along one axis and j of another that lies `shift` further."""
    if near <= 0.0 and shift == 0.0:
        return 1.0 / size
    count = max(round(size), 1)
    if near >= 1.0:
        return 1.0
    reach = int(1.0 / (1.0 - near)) + 1
    total = 0.0
    for apart in range(max(1 - count, round(shift) - reach), min(count - 1, round(shift) + reach) + 1):
        total += (count - abs(apart)) * at_distance(near, abs(apart - shift))
    return total / count**2


def at_distance(near: float, distance: float) -> float:
    return max(1.0 - distance * (1.0 - near), 0.0)


def weighed(one: float, share: float, other: float, rest: float) -> float:
    """Returns what neighbours have in common of a sum of two tensors, of which `share` and `rest` differ between positions."""
    whole = share + rest
    return (one * share + other * rest) / whole if whole > 0.0 else 0.0


def after_windows(state: State, window: float, ratio: float, rank: float) -> float:
    """Returns what neighbours have in common once each is made of a window: those that overlap share entries."""
    size, step = window ** (1.0 / rank), (1.0 / ratio) ** (1.0 / rank) if ratio > 0 else 1.0
    own = in_common(size, 0.0, state.near)
    return min(in_common(size, float(round(step)), state.near) / own, 1.0) if own > 0.0 else 0.0
