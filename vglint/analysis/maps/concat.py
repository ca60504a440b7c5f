"""Concatenations, and the parts that are taken from them again.

A mean over all channels forgets that the parts differ: a norm that sees one channel at a time scales each by its own spread, and a slice
may take one part alone. So a concatenation remembers the moments of its parts, and a gradient how it varies over them.
"""

from __future__ import annotations

from collections.abc import Sequence

from vglint.analysis.maps import maps
from vglint.analysis.state import ZERO, AbstainError, Grad, State, Step
from vglint.analysis.use import Use
from vglint.value import Literal_


@maps("cat", "concat", "stack")
def cat(use: Use) -> Step:
    states = [use.state(i) for i in range(len(use.inputs))]
    if not states:
        raise AbstainError("nothing is joined")
    if any(state.scale != states[0].scale for state in states):
        raise AbstainError("widths that are not known do not cancel")
    sizes = [float(state.channels) if isinstance(state.channels, int) else None for state in states]
    if sizes.count(None) == 1 and (together := wanted(use)) is not None:
        missing = together - sum(size for size in sizes if size is not None)
        sizes = [missing if size is None and missing > 0 else size for size in sizes]
    same = all(
        abs(state.q - states[0].q) <= 1e-3 * states[0].q and abs(state.db - states[0].db) <= 1e-3 * states[0].q
        for state in states
    )
    channels = states[0].channels
    if use.node.op != "stack" and over_channels(use, states[0]):
        if any(size is None for size in sizes) and not same:
            raise AbstainError("widths of joined tensors are not known")
        channels = None if any(size is None for size in sizes) else int(sum(size or 0.0 for size in sizes))
    weights = [size or 1.0 for size in sizes] if channels != states[0].channels else [1.0] * len(states)
    whole = sum(weights)

    def mean(name: str) -> float:
        return sum(weight * float(getattr(state, name)) for weight, state in zip(weights, states, strict=True)) / whole

    mu = mean("mu")
    out = State(
        mean("q"), mu, mean("db"), mean("ds"), mu * mu, states[0].scale, channels, states[0].axes, states[0].places, None, ((use.index, 1.0),),
        mean("fresh"),
    )  # fmt: skip
    if over_channels(use, states[0]) and use.node.op != "stack":
        out = out._replace(r=mean("r"))
        if not out.scale:
            return joined(out, states, [weight / whole for weight in weights])
    return out, lambda grad: [grad] * len(states)


def joined(out: State, states: Sequence[State], shares: Sequence[float]) -> Step:
    """Returns the map of a concatenation that remembers its parts: each gets its own share of a gradient that varies over them."""
    each = [state.parts_of() for state in states]
    pieces = tuple(
        piece._replace(share=piece.share * share) for share, parts in zip(shares, each, strict=True) for piece in parts
    )

    def back(grad: Grad) -> Sequence[Grad]:
        if grad.pieces is None or len(grad.pieces) != len(pieces):
            return [grad._replace(pieces=None)] * len(states)
        sent, start = [], 0
        for parts in each:
            own = grad.pieces[start : start + len(parts)]
            start += len(parts)
            mean = sum(piece.share * factor for piece, factor in zip(parts, own, strict=True))
            inner = tuple(factor / mean for factor in own) if len(own) > 1 and mean > 0 else None
            sent.append(grad.times(mean)._replace(pieces=inner))
        return sent

    return out._replace(pieces=pieces), back


def wanted(use: Use) -> float | None:
    """Returns the width that the next layer expects of a concatenation."""
    for node in use.graph.nodes[use.index + 1 : use.index + 40]:
        if use.index in node.inputs:
            width = node.get("in_features") if node.op == "linear" else node.get("in_channels")
            if isinstance(width, int):
                return float(width)
    return None


def over_channels(use: Use, state: State) -> bool:
    """Whether a concatenation joins channels; what cannot be told is taken to."""
    dim = use.get("dim")
    if not isinstance(dim, int) or state.axes is None:
        return True
    axes = state.axes
    if "*" in axes:
        return dim < 0 or dim != 1 or True
    if not -len(axes) <= dim < len(axes):
        return True
    return axes[dim] == "c"


def part_taken(use: Use, state: State, axes: str | None) -> Step | None:
    """Returns the map of a slice of channels that takes whole parts of a concatenation, None where it is something else."""
    pieces = state.parts_of()
    bounds = channels_taken(use, state)
    if len(pieces) < 2 or bounds is None or not isinstance(state.channels, int):
        return None
    edges = [0]
    for piece in pieces:
        edges.append(round(edges[-1] + piece.share * state.channels))
    if bounds[0] not in edges or bounds[1] not in edges:
        return None
    start, stop = edges.index(bounds[0]), edges.index(bounds[1])
    kept = pieces[start:stop]
    share = sum(piece.share for piece in kept)
    if share <= 0.0:
        return None
    own = tuple(piece._replace(share=piece.share / share) for piece in kept)

    def mean(name: str) -> float:
        return sum(piece.share * float(getattr(piece, name)) for piece in own)

    mu = mean("mu")
    out = state._replace(
        q=mean("q"), mu=mu, db=mean("db"), ds=mean("ds"), r=mu * mu, channels=bounds[1] - bounds[0], axes=axes,
        law=None, parts=((use.index, 1.0),), pieces=own if len(own) > 1 else (), map=None,
    )  # fmt: skip

    def back(grad: Grad) -> Sequence[Grad]:
        given = grad.pieces if grad.pieces is not None and len(grad.pieces) == len(own) else (1.0,) * len(own)
        spread = (0.0,) * start + tuple(one / share for one in given) + (0.0,) * (len(pieces) - stop)
        inner = grad.times(share)._replace(gs=grad.gs * share, gb=grad.gb * share, gx=grad.gx * share, pieces=spread)
        return [inner] + [ZERO] * (len(use.inputs) - 1)

    return out, back


def channels_taken(use: Use, state: State) -> tuple[int, int] | None:
    """Returns the channels that an index keeps, all positions and samples with them."""
    index, axes = use.get("index"), state.axes
    if not isinstance(index, tuple) or axes is None or "c" not in axes or not isinstance(state.channels, int):
        return None
    place = axes.index("c")
    if place >= len(index) or any(not is_whole(item) for i, item in enumerate(index) if i != place):
        return None
    item = index[place]
    if not isinstance(item, tuple) or len(item) != 4 or item[0] != "slice" or item[3] not in (None, 1):
        return None
    start, stop = item[1], item[2]
    if not (start is None or isinstance(start, int)) or not (stop is None or isinstance(stop, int)):
        return None
    first, last, _ = slice(start, stop).indices(state.channels)
    return (first, last) if first < last else None


def is_whole(item: Literal_) -> bool:
    return isinstance(item, tuple) and len(item) == 4 and item[0] == "slice" and item[1:] == (None, None, None)


def totalled(state: State) -> State:
    """Returns the state with the moments of all its parts together."""

    def mean(name: str) -> float:
        return sum(piece.share * float(getattr(piece, name)) for piece in state.pieces)

    return state._replace(q=mean("q"), mu=mean("mu"), db=mean("db"), ds=mean("ds"))
