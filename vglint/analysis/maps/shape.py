"""Ops that move values: views, permutations, indexing, splitting; and ops through which no gradient passes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from vglint.analysis.maps import maps
from vglint.analysis.maps.axes import axes_left, permutation, regroup, size_at
from vglint.analysis.maps.concat import is_whole, part_taken
from vglint.analysis.maps.packing import unpacked
from vglint.analysis.maps.pool import flattened
from vglint.analysis.maps.recurrent import opened
from vglint.analysis.state import PLACES, ZERO, AbstainError, Back, Focus, Grad, Law, State, Step, whole
from vglint.analysis.use import Use
from vglint.ops import has, kind
from vglint.shape import size_ratio
from vglint.value import Literal_


@maps(
    "clone", "contiguous", "to", "float", "double", "half", "bfloat16", "cpu", "cuda", "identity", "positive", "type_as",
    "requires_grad", "retain_grad", "alias", "checkpoint", "train_mode", "eval_mode", "detach_", "scale", "pack_padded_sequence", "pad_packed_sequence",
)  # fmt: skip
def unchanged(use: Use) -> Step:
    state = use.state()
    return state, passed(use)


@maps(
    "view", "reshape", "unsqueeze", "squeeze", "unflatten", "view_as", "reshape_as", "ravel",
    "moveaxis", "movedim", "swapaxes", "swapdims", "fold", "flip", "roll", "rot90", "channel_shuffle", "atleast_2d",
)  # fmt: skip
def regrouped(use: Use) -> Step:
    """A new shape for the same values; what each dimension then means is read off the sizes where they are known."""
    state = use.state()
    before, after = use.shape(), use.node.shape
    axes = regroup(before, state.axes, after)
    out = state._replace(axes=axes)
    if axes is not None:
        places = whole(after, axes, "s")
        if state.axes is not None and "s" in state.axes and "s" not in axes:
            out = flattened(out, None)._replace(channels=size_at(after, axes), places=1.0)
        elif places is not None:
            out = out._replace(places=places)
    if out.spread is not None and out.spread.form != "iid":
        out = out._replace(spread=out.spread if before == after else None)
    return out, passed(use)


@maps("flatten")
def flatten(use: Use) -> Step:
    state = use.state()
    start, end = use.get("start_dim"), use.get("end_dim")
    if start != 1 or end not in (-1, None):
        return regrouped(use)
    out = flattened(state, None)
    channels = None
    if isinstance(state.channels, int) and state.places is not None:
        channels = round(state.channels * state.places)
    shape = use.node.shape
    if shape is not None and isinstance(shape[-1], int):
        channels = shape[-1]
    return out._replace(axes="bc", channels=channels, places=1.0, map=None), passed(use)


@maps("permute", "transpose", "t", "mT", "T", "adjoint", "swapaxis")
def permute(use: Use) -> Step:
    state = use.state()
    axes = state.axes
    rank = len(use.node.shape) if use.node.shape is not None else None
    order = permutation(
        use, rank if rank is not None else (len(axes) if axes is not None and "*" not in axes else None)
    )
    if order is None or axes is None or "*" in axes or len(axes) != len(order):
        axes = None
    else:
        axes = "".join(axes[i] for i in order)
    spread = state.spread
    if spread is not None and spread.form == "identity":
        spread = spread._replace(form="identity")
    return state._replace(axes=axes), passed(use)


@maps("expand", "expand_as", "broadcast_to", "repeat", "tile", "repeat_interleave")
def repeated(use: Use) -> Step:
    """Copies: the gradients of all copies add up."""
    state = use.state()
    grown = size_ratio(use.node.shape, use.shape())
    repeats = use.get("repeats") if use.node.op == "repeat_interleave" else None
    if grown is not None:
        count = grown
    elif isinstance(repeats, int):
        count = float(repeats)
    elif state.spread is not None:
        count = 1.0
    else:
        count = _guessed_copies(use, state)
    out = state._replace(law=None, places=None, axes=None if use.node.op.startswith("repeat") else state.axes)

    def back(grad: Grad) -> Sequence[Grad]:
        # Copies along a dimension of its own are as alike as channels are, others as positions are.
        alike = grad.gr if use.node.op == "repeat_interleave" else grad.gs
        g = count * grad.g + count * (count - 1) * max(alike, 0.0)
        return [grad._replace(g=g)] + [ZERO] * (len(use.inputs) - 1)

    return out, back


def _guessed_copies(use: Use, state: State) -> float:
    """Returns how often a tensor is copied along positions whose number is not known: as often as there are positions elsewhere."""
    if use.node.op == "expand_as" and len(use.inputs) > 1 and (other := use.inputs[1]) is not None:
        return max((other.places or float(PLACES)) / (state.places or 1.0), 1.0)
    sizes = (use.get("repeats") or use.get("dims")) if use.node.op == "repeat" else None
    if not isinstance(sizes, tuple) or sum(not isinstance(size, int) for size in sizes) != 1:
        raise AbstainError("number of copies is not known")
    return float(PLACES) * math.prod(size for size in sizes if isinstance(size, int))


@maps("chunk", "split", "unbind", "tensor_split", "split_with_sizes", "hsplit", "vsplit")
def split(use: Use) -> Step:
    """The parts are taken by getitem; each is one share of the whole."""
    return use.state(), passed(use)


@maps("getitem", "select", "narrow", "index_select", "masked_select", "take_along_dim", "slice")
def getitem(use: Use) -> Step:
    source = use.graph.nodes[use.node.inputs[0]]
    state = use.state()
    if has(source.op, "splits"):
        return part_of(use, state, source.index)
    if source.op == "lstm_cell" and use.get("index") == 0:
        gain = opened(use)
        return state, lambda grad: [grad.times(gain)]
    if source.op == "einops_unpack":
        return unpacked(use, source.index)
    if _is_tuple(source.op):
        return state, passed(use)
    if (part := part_taken(use, state, state.axes)) is not None:
        return part
    found = size_ratio(use.node.shape, use.shape())
    index = use.get("index")
    share = found if found is not None else guessed_share(use, index)
    axes = axes_left(index, state.axes)
    if use.node.shape is None or axes is None or len(use.node.shape) != len(axes):
        axes = None
    places = whole(use.node.shape, axes, "s")
    picked = state._replace(
        law=moved_law(state, use.index),
        parts=((use.index, 1.0),),
        axes=axes,
        channels=size_at(use.node.shape, axes) if axes is not None and "*" not in axes else state.channels,
        places=places if places is not None or share != 1 else state.places,
        map=state.map if share == 1 else None,
    )
    if use.node.shape is not None and len(use.node.shape) == 2 and state.axes in ("bsc", "bcs"):
        picked = picked._replace(axes="bc", places=1.0)
    if state.spread is not None:
        picked = picked._replace(spread=state.spread)

    row = row_taken(use, state, index)
    if row is not None:
        share = row.stop - row.start

    def back(grad: Grad) -> Sequence[Grad]:
        kept = share * share if row is None or row.share > 1.0 else 0.0
        beside = share if row is not None or picked.channels == state.channels else share * share
        inner = grad._replace(
            g=grad.g * share, gs=grad.gs * kept, gb=grad.gb * share, gx=grad.gx * kept, gr=grad.gr * beside
        )
        if row is not None and grad.focus is None:
            inner = inner._replace(focus=row._replace(share=1.0))
        return [inner] + [ZERO] * (len(use.inputs) - 1)

    return picked, back


@maps("gather")
def gather(use: Use) -> Step:
    """Of each position the channels that an index names: the log-probability of what was done."""
    state, dim = use.state(), use.get("dim")
    of_channels = dim == -1 or (isinstance(dim, int) and state.axes is not None and state.axes[dim : dim + 1] == "c")
    if not of_channels or not isinstance(state.channels, int) or state.scale:
        return getitem(use)
    index = use.graph.nodes[use.node.inputs[1]] if len(use.node.inputs) > 1 else None
    size = index.shape[-1] if index is not None and index.shape else None
    if size is None and index is not None and index.op == "unsqueeze" and index.get("dim") in (-1, dim):
        size = 1
    if not isinstance(size, int):
        raise AbstainError("number of what is gathered is not known")
    share = min(size / state.channels, 1.0)
    picked = state._replace(channels=size, law=None, parts=((use.index, 1.0),), map=None)
    return picked, lambda grad: [
        grad._replace(
            g=grad.g * share, gs=grad.gs * share * share, gb=grad.gb * share, gx=grad.gx * share * share, gr=0.0
        ),
        ZERO,
    ]


def row_taken(use: Use, state: State, index: Literal_) -> Focus | None:
    """Returns which positions of a sequence an index takes (`x[:, 0]`, `x[:, 1:]`), their number in `share`; None where it takes others."""
    axes, shape = state.axes, use.shape()
    cut = [k for k, item in enumerate(index) if not is_whole(item)] if isinstance(index, tuple) else []
    if not isinstance(index, tuple) or len(cut) != 1 or cut[0] == 0:
        return None
    place_of, item = cut[0], index[cut[0]]
    if axes is not None and "*" not in axes:
        if axes[place_of : place_of + 1] != "s" or axes[-1:] != "c":
            return None
    elif place_of != 1 or shape is None or len(shape) != 3:
        return None
    size = shape[place_of] if shape is not None and place_of < len(shape) else None
    lone = axes is None or axes.count("s") < 2
    length = state.places if lone and state.places and state.places > 1 else use.length
    count = float(size) if isinstance(size, int) else length
    if isinstance(item, int) and not isinstance(item, bool):
        place = item if item >= 0 else count + item
        return Focus(place / count, (place + 1) / count, 1.0) if 0 <= place < count else None
    if not isinstance(item, tuple) or len(item) != 4 or item[0] != "slice" or item[3] not in (None, 1):
        return None
    start, stop = item[1] or 0, item[2] if item[2] is not None else count
    if not isinstance(start, int) or not isinstance(stop, (int, float)):
        return None
    first = start if start >= 0 else count + start
    last = min(stop if stop >= 0 else count + stop, count)
    return Focus(first / count, last / count, last - first) if 0 <= first < last and last - first < count else None


def _is_tuple(op: str) -> bool:
    """Whether an op returns several tensors, and not a tensor that getitem indexes."""
    several = has(op, "selects") or has(op, "over_sequence") or op == "lstm_cell"
    return several or op == "multi_head_attention" or op == "getitem" or op == "einops_pack"


@maps(
    "pad",
    "constant_pad",
    "reflection_pad1d",
    "reflection_pad2d",
    "replication_pad1d",
    "replication_pad2d",
    "zero_pad2d",
    "zero_pad",
)
def pad(use: Use) -> Step:
    state = use.state()
    share = size_ratio(use.shape(), use.node.shape) or 1.0
    mode = use.get("mode")
    if mode in ("reflect", "replicate", "circular") or use.node.op.startswith(("reflection", "replication")):
        share = 1.0
    if share == 1.0:
        return state._replace(law=None, parts=((use.index, 1.0),)), passed(use)
    if wider(use, state.axes):
        # Pairs of channels are both real in a share of share² of them, pairs of positions in a share.
        out = state._replace(
            ds=state.ds * share, r=state.r * share**2, channels=size_at(use.node.shape, state.axes or "")
        )
    else:
        places = state.places / share if state.places is not None else None
        out = state._replace(ds=share * (state.q - share * (state.q - state.ds)), r=state.r * share, places=places)
    out = out._replace(
        q=state.q * share, mu=state.mu * share, db=state.db * share, law=None, parts=((use.index, 1.0),), map=None
    )
    return out, passed(use)


def wider(use: Use, axes: str | None) -> bool:
    """Whether a padding adds channels, not positions."""
    before, after = use.shape(), use.node.shape
    if axes is None or "c" not in axes or before is None or after is None or not len(axes) == len(before) == len(after):
        return False
    place = axes.index("c")
    return before[place] != after[place]


@maps(
    "detach",
    "argmax",
    "argmin",
    "item",
    "tolist",
)
def cut(use: Use) -> Step:
    """No gradient passes."""
    state = use.inputs[0] if use.inputs else None
    kept = state if use.node.op == "detach" else None
    return kept, lambda grad: [ZERO] * len(use.inputs)


@maps("join")
def join(use: Use) -> Step:
    """Arms of a condition that is not known: known only where they agree. Of arms that hand on one tensor (padded, or as it is) one
    stands for all, the shortest."""
    first = use.state(0)
    for i in range(1, len(use.inputs)):
        other = use.state(i)
        if (
            other.scale != first.scale
            or abs(other.q - first.q) > 0.02 * first.q
            or abs(other.db - first.db) > 0.02 * first.q
        ):
            raise AbstainError("branches differ")
    chains = [list(_handed_on(use, source)) for source in use.node.inputs]
    common = set(chains[0]).intersection(*chains[1:])
    if not common:
        return first, None
    steps = [min(chain.index(index) for index in common) for chain in chains]
    chosen = steps.index(min(steps))
    count = len(steps)
    return use.state(chosen), lambda grad: [grad if place == chosen else ZERO for place in range(count)]


def _handed_on(use: Use, index: int) -> Iterator[int]:
    """Yields a node and those before it whose one tensor it only moves."""
    while True:
        yield index
        node = use.graph.nodes[index]
        if len(node.inputs) == 0 or not (kind(node.op) == "shape" or node.op == "join"):
            return
        if len(node.inputs) > 1 and node.op != "join":
            return
        index = node.inputs[0]


def passed(use: Use) -> Back:
    count = len(use.inputs)
    if count == 1:
        return lambda grad: (grad,)
    return lambda grad: [grad] + [ZERO] * (count - 1)


def none_back(use: Use) -> Back:
    return lambda grad: [ZERO] * len(use.inputs)


def moved_law(state: State, index: int) -> Law | None:
    """A part of a tensor has the whole's law with a root of its own."""
    return state.law._replace(root=index) if state.law is not None else None


def part_of(use: Use, state: State, source: int) -> Step:
    node = use.graph.nodes[source]
    index = use.get("index")
    sizes = node.get("split_size_or_sections")
    if sizes is None:
        sizes = node.get("split_size")
    found = size_ratio(use.node.shape, use.graph.nodes[node.inputs[0]].shape)
    if found is not None:
        share = found
    elif (
        isinstance(sizes, tuple)
        and all(isinstance(size, int) for size in sizes)
        and isinstance(index, int)
        and index < len(sizes)
    ):
        numbers = [float(size) for size in sizes if isinstance(size, int)]
        share = numbers[index] / sum(numbers)
    else:
        chunks = node.get("chunks")
        share = 1.0 / chunks if isinstance(chunks, int) and chunks > 0 else 1.0 / max(taken(use, source), 1)
    channels = state.channels
    if isinstance(channels, int):
        channels = max(round(channels * share), 1)
    elif channels is not None:
        channels = None
    if (
        use.node.shape is not None
        and use.node.shape
        and state.axes is not None
        and len(use.node.shape) == len(state.axes)
        and "c" in state.axes
    ):
        channels = use.node.shape[state.axes.index("c")]
    out = state._replace(law=moved_law(state, use.index), parts=((use.index, 1.0),), channels=channels)
    return out, lambda grad: [grad.times(share)]


def taken(use: Use, source: int) -> int:
    return len(use.taken.get(source, ()))


def guessed_share(use: Use, index: Literal_) -> float:
    """Share of a tensor that an index takes where sizes are not known: one position, or all of it."""
    items = index if isinstance(index, tuple) and index and index[0] != "slice" else (index,)
    plain = [item for item in items if isinstance(item, int) and not isinstance(item, bool)]
    if not plain:
        return 1.0
    # Several places of one tensor that are all taken, as in `q, k, v = qkv[0], qkv[1], qkv[2]`, make up the whole.
    count = taken(use, use.node.inputs[0])
    return 1.0 / count if count > 1 else 1.0 / PLACES
