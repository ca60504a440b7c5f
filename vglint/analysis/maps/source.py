"""Where tensors come from: inputs, parameters, tensors made of numbers."""

from __future__ import annotations

from vglint.analysis.maps import maps
from vglint.analysis.maps.axes import size_at
from vglint.analysis.maps.shape import none_back, passed
from vglint.analysis.state import AbstainError, Scale, State, Step, whole
from vglint.analysis.use import Use
from vglint.ops import has
from vglint.ops.curves import ELEMENTWISE
from vglint.ops.init import Spread
from vglint.shape import Shape
from vglint.value import Literal_


@maps("parameter")
def parameter(use: Use) -> Step:
    found = use.parameter("value")
    if found is None:
        raise AbstainError("the parameter is not known")
    spread = use.spread_of(found, found.shape)
    return parameter_state(use, spread, found.shape), lambda grad: []


def parameter_state(use: Use, spread: Spread, shape: Shape | None) -> State:
    variance = spread.variance()
    if spread.form == "identity":
        side = shape[0] if shape and isinstance(shape[0], int) else None
        variance = spread.var / side if side else 0.0
    mean = spread.mean
    lone = shape is not None and len([dim for dim in shape if dim != 1]) <= 1
    var = variance if variance is not None else 0.0
    scale: Scale = ()
    return State(
        mean * mean + var,
        mean,
        0.0,
        0.0 if lone else var,
        mean * mean,
        scale,
        shape[-1] if shape else None,
        None,
        1.0 if lone else None,
        None,
        ((use.index, 1.0),),
        0.0,
        spread,
    )


@maps("tril", "triu")
def triangle(use: Use) -> Step:
    """Half of the entries of a mask or a matrix."""
    state = use.inputs[0]
    return state, passed(use)


@maps(
    "zeros",
    "zeros_like",
    "new_zeros",
    "ones",
    "ones_like",
    "new_ones",
    "full",
    "full_like",
    "randn",
    "randn_like",
    "rand",
    "rand_like",
    "normal",
)
def created(use: Use) -> Step:
    """Tensors made of numbers: constants, or noise that differs between samples."""
    name, shape = use.node.op, use.node.shape
    width = shape[-1] if shape else None
    if "zeros" in name or "ones" in name:
        value = 1.0 if "ones" in name else 0.0
    elif "full" in name:
        value = use.number("fill_value", 0.0)
    else:
        mean, var = (0.5, 1 / 12) if name.startswith("rand") and not name.startswith("randn") else (0.0, 1.0)
        return State(mean**2 + var, mean, var, var, mean**2, channels=width, parts=((use.index, 1.0),)), none_back(use)
    return State(value * value, value, 0.0, 0.0, value * value, channels=width, parts=((use.index, 1.0),)), none_back(
        use
    )


@maps("uniform_", "normal_")
def drawn(use: Use) -> Step:
    """Noise that overwrites a tensor, whatever was in it."""
    if use.node.op == "normal_":
        mean, spread = use.number("mean", 0.0), use.number("std", 1.0)
        var = spread**2
    else:
        low, high = use.number("from", 0.0), use.number("to", 1.0)
        mean, var = (low + high) / 2, (high - low) ** 2 / 12
    width = use.node.shape[-1] if use.node.shape else None
    return State(mean**2 + var, mean, var, var, mean**2, channels=width, parts=((use.index, 1.0),)), none_back(use)


@maps("one_hot")
def one_hot(use: Use) -> Step:
    """1 at one of n places, 0 elsewhere; no gradient passes."""
    return marked(use), none_back(use)


@maps("scatter")
def scatter(use: Use) -> Step:
    """Ones that are put into zeros at one place of each row."""
    zeros = use.inputs[0] if use.inputs else None
    written = use.get("value") if use.get("value") is not None else use.get("src")
    if zeros is None or zeros.q != 0.0 or written != 1 or use.get("dim") not in (1, -1):
        raise AbstainError("scattered values are not known")
    return marked(use), none_back(use)


def marked(use: Use) -> State:
    shape, count = use.node.shape, use.get("num_classes")
    last = shape[-1] if shape else None
    size = last if isinstance(last, int) else count
    if not isinstance(size, int) or size < 2:
        raise AbstainError("classes are not known")
    share = 1.0 / size
    apart = share - share * share
    return State(share, share, apart, apart, 0.0, channels=size, axes="*c", parts=((use.index, 1.0),))


@maps("bernoulli")
def bernoulli(use: Use) -> Step:
    """A coin for each sample, as stochastic depth tosses it."""
    p = use.number("p", 0.5)
    return State(p, p, p - p * p, 0.0, p, parts=((use.index, 1.0),)), none_back(use)


_NEAR = 40
"""Nodes behind an input among which the first that mixes its features is looked for."""


def has_features_last(use: Use) -> bool:
    """Whether what first mixes an input's features, or normalises over them, takes its last dimension for them: channels-last pictures."""
    nodes, index = use.graph.nodes, use.index
    reached = {index}
    for node in nodes[index + 1 : index + _NEAR]:
        source = next((one for one in node.inputs if one in reached), None)
        if source is None:
            continue
        before = nodes[source].shape
        if node.op == "linear" or has(node.op, "over_features"):
            sizes = node.get("normalized_shape")
            return not (isinstance(sizes, tuple) and len(sizes) > 1)
        if node.params or before is None or node.shape is None or not before or not node.shape:
            return False
        joined = has(node.op, "joins") and node.get("dim") in (-1, len(before) - 1) and len(before) == len(node.shape)
        merged = node.op == "rearrange" and _keeps_last(node.get("pattern"))
        if joined or merged or node.op in ELEMENTWISE or (has(node.op, "adds") and node.shape == before):
            reached.add(node.index)
    return False


def _keeps_last(pattern: Literal_) -> bool:
    """Whether a pattern of einops leaves the last dimension where it is, as it is."""
    before, _, after = pattern.partition("->") if isinstance(pattern, str) else ("", "", "")
    last = before.split()[-1:]
    return bool(last) and last == after.split()[-1:] and last[0].isidentifier()


@maps("input")
def entry_input(use: Use) -> Step:
    """An input is standardised: independent N(0, 1) entries; one of whole numbers low ≤ x < high has their mean and variance."""
    shape = use.node.shape
    axes = None
    if shape is not None:
        rank = len(shape)
        axes = "bc" + "s" * (rank - 2) if rank in (2, 4, 5) else "bsc" if rank == 3 else None
        if rank in (4, 5) and has_features_last(use):
            axes = "b" + "s" * (rank - 2) + "c"
    channels = size_at(shape, axes) if axes is not None else None
    places = whole(shape, axes, "s")
    low, high = use.node.get("low"), use.node.get("high")
    mean, var = 0.0, 1.0
    if isinstance(low, int) and isinstance(high, int):
        mean, var = (low + high - 1) / 2, ((high - low) ** 2 - 1) / 12
    return State(
        mean * mean + var, mean, var, var, mean * mean, (), channels, axes, places, parts=((use.index, 1.0),)
    ), lambda grad: []
