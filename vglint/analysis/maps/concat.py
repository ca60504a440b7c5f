"""Concatenations, and the parts that are taken from them again.

A mean over all channels forgets that the parts differ: a norm that sees one channel at a time scales each by its own spread, and a slice
may take one part alone. So a concatenation remembers the moments of its parts, and a gradient how it varies over them.
"""

from __future__ import annotations

from collections.abc import Sequence

from vglint.analysis.maps import maps
from vglint.analysis.state import ZERO, AbstainError, Choices, Focus, Grad, State, Step
from vglint.analysis.use import Use
from vglint.ops.curves import ELEMENTWISE
from vglint.ops.init import Spread
from vglint.shape import size_ratio
from vglint.value import Literal_


@maps("cat", "concat", "stack")
def cat(use: Use) -> Step:
    states = [use.state(i) for i in range(len(use.inputs))]
    if not states:
        raise AbstainError("nothing is joined")
    if any(state.scale != states[0].scale for state in states):
        raise AbstainError("widths that are not known do not cancel")
    known = next((state for state in states if state.axes is not None and "*" not in state.axes), states[0])
    if use.node.op != "stack" and not over_channels(use, known) and (found := in_a_row(use, states)) is not None:
        return found
    sizes = [float(state.channels) if isinstance(state.channels, int) else None for state in states]
    if sizes.count(None) == 1 and (together := wanted(use)) is not None:
        missing = together - sum(size for size in sizes if size is not None)
        sizes = [missing if size is None and missing > 0 else size for size in sizes]
    same = all(
        abs(state.q - states[0].q) <= 1e-3 * states[0].q and abs(state.db - states[0].db) <= 1e-3 * states[0].q
        for state in states
    )
    channels = states[0].channels
    if use.node.op != "stack" and over_channels(use, known):
        if any(size is None for size in sizes) and not same and not one_source(use):
            raise AbstainError("widths of joined tensors are not known")
        channels = None if any(size is None for size in sizes) else int(sum(size or 0.0 for size in sizes))
    weights = [size or 1.0 for size in sizes] if channels != states[0].channels else [1.0] * len(states)
    whole = sum(weights)

    def mean(name: str) -> float:
        return sum(weight * float(getattr(state, name)) for weight, state in zip(weights, states, strict=True)) / whole

    mu = mean("mu")
    if (put := of_parameters(use, states)) is not None:
        return put
    out = State(
        mean("q"), mu, mean("db"), mean("ds"), mu * mu, states[0].scale, channels, known.axes, known.places, None, ((use.index, 1.0),),
        mean("fresh"),
    )  # fmt: skip
    if use.node.op == "stack":
        return stacked(use, out, states), lambda grad: [grad] * len(states)
    if over_channels(use, known):
        out = out._replace(r=mean("r"))
        if not out.scale:
            return joined(out, states, [weight / whole for weight in weights])
    return out, lambda grad: [grad] * len(states)


def one_source(use: Use) -> bool:
    """Whether all that is joined is computed from one tensor entry by entry, and so equally wide: sines and cosines of the same angles."""
    if use.shapes is not None:
        return False
    sources = set()
    for index in use.node.inputs:
        node = use.graph.nodes[index]
        while node.op in ELEMENTWISE and len(node.inputs) == 1:
            node = use.graph.nodes[node.inputs[0]]
        sources.add(node.index)
    return len(sources) == 1


def stacked(use: Use, out: State, states: Sequence[State]) -> State:
    """Returns the state of tensors along a dimension of their own, which have their means in common and the terms that they share."""
    count, dim = len(states), use.get("dim")
    place = 0 if dim is None else dim
    if out.axes is None or "*" in out.axes or not isinstance(place, int) or count < 2:
        return out
    rank = len(out.axes) + 1
    if not -rank <= place < rank:
        return out
    axes = f"{out.axes[: place % rank]}k{out.axes[place % rank :]}"
    total = 0.0
    for i, left in enumerate(states):
        mine = dict(left.parts)
        for right in states[i + 1 :]:
            shared = sum(
                factor * mine[key] * (term.q - term.mu**2)
                for key, factor in right.parts
                if key in mine and (term := use.term(key)) is not None
            )
            total += left.mu * right.mu + shared
    common = min(total / (count * (count - 1) / 2), out.q)
    return out._replace(axes=axes, choices=Choices(float(count), common))


def of_parameters(use: Use, states: Sequence[State]) -> Step | None:
    """Returns the map of parameters, and zeros, that are put side by side; None where anything else is among them."""
    plain = [state.spread is not None or state.q == 0.0 for state in states]
    lengths = [size_ratio(use.shape(i), ()) for i in range(len(states))]
    if not all(plain) or not any(state.spread is not None for state in states):
        return None
    known = [length for length in lengths if length is not None]
    weights = known if len(known) == len(states) else [1.0] * len(states)
    shares = [weight / sum(weights) for weight in weights]
    mean = sum(share * state.mu for share, state in zip(shares, states, strict=True))
    square = sum(share * state.q for share, state in zip(shares, states, strict=True))
    spread = Spread(mean, max(square - mean * mean, 0.0))
    if any(state.scale for state in states) or any(s.spread is not None and s.spread.form != "iid" for s in states):
        return None
    out = states[0]._replace(
        q=square, mu=mean, r=mean * mean, law=None, parts=((use.index, 1.0),), spread=spread,
        channels=use.node.shape[-1] if use.node.shape else None,
    )  # fmt: skip
    return out, lambda grad: [grad] * len(states)


def in_a_row(use: Use, states: Sequence[State], dim: int | None = None, lone: Sequence[bool] = ()) -> Step | None:
    """Returns the map of tensors that are joined along positions, each by its length; None where they are joined along samples.

    A tensor that is `lone` has no dimension for its one position.
    """
    if dim is None:
        given = use.get("dim")
        dim = given if isinstance(given, int) else 0
    axes = next((state.axes for state in states if state.axes is not None and "*" not in state.axes), None)
    if axes is not None and (not -len(axes) <= dim < len(axes) or axes[dim] != "s"):
        return None
    lengths = [1.0 if lone and lone[i] else length_of(use, i, state, dim) for i, state in enumerate(states)]
    whole = sum(lengths)
    shares = [length / whole for length in lengths]

    def mean(name: str) -> float:
        return sum(share * float(getattr(state, name)) for share, state in zip(shares, states, strict=True))

    q, mu = mean("q"), mean("mu")
    # Positions of two parts have in common what their means make.
    alike = sum(
        one * other * (left.q - left.ds if i == j else left.mu * right.mu)
        for i, (one, left) in enumerate(zip(shares, states, strict=True))
        for j, (other, right) in enumerate(zip(shares, states, strict=True))
    )
    channels = next((state.channels for state in states if state.channels is not None), None)
    out = State(
        q, mu, mean("db"), min(max(q - alike, 0.0), q), mean("r"), states[0].scale, channels, axes, whole, None,
        ((use.index, 1.0),), mean("fresh"),
    )  # fmt: skip
    starts = [sum(shares[:i]) for i in range(len(shares))]
    return out, lambda grad: [
        part_of_row(grad, start, start + share) for start, share in zip(starts, shares, strict=True)
    ]


def length_of(use: Use, position: int, state: State, dim: int) -> float:
    shape = use.shape(position)
    if shape is not None and -len(shape) <= dim < len(shape):
        size = shape[dim]
        if isinstance(size, int) and size > 0:
            return float(size)
    if state.places is not None and state.places >= 1.0:
        return state.places
    return use.length


def part_of_row(grad: Grad, start: float, stop: float) -> Grad:
    """Returns the gradient of the positions between two fractions of a sequence."""
    focus, width = grad.focus, stop - start
    if focus is None or width <= 0.0:
        return grad
    even = max(focus.stop - focus.start, 1e-9)
    low, high = max(focus.start, start), min(focus.stop, stop)
    inside = max(high - low, 0.0) / even
    rest = (1.0 - focus.share) * (width - max(high - low, 0.0)) / max(1.0 - even, 1e-9)
    power = focus.share * inside + rest
    if power <= 0.0:
        return ZERO
    own = None
    if inside > 0.0 and high - low < width * 0.999:
        own = Focus((low - start) / width, (high - start) / width, focus.share * inside / power)
    return grad.times(power / width)._replace(focus=own)


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
