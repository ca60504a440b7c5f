"""Where tensors come from: inputs, parameters, tensors made of numbers."""

from __future__ import annotations

from vglint.analysis.maps import maps
from vglint.analysis.maps.shape import none_back, passed
from vglint.analysis.state import AbstainError, Scale, State, Step, whole
from vglint.analysis.use import Use
from vglint.ops.init import Spread
from vglint.shape import Shape


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


@maps("input")
def entry_input(use: Use) -> Step:
    """An input is standardised: independent N(0, 1) entries; one of whole numbers low ≤ x < high has their mean and variance."""
    shape = use.node.shape
    axes = None
    if shape is not None:
        rank = len(shape)
        axes = "bc" + "s" * (rank - 2) if rank in (2, 4, 5) else "bsc" if rank == 3 else None
    channels = (
        shape[1]
        if shape is not None and axes in ("bc", "bcss", "bcsss")
        else shape[-1]
        if shape is not None and axes == "bsc"
        else None
    )
    places = whole(shape, axes, "s")
    low, high = use.node.get("low"), use.node.get("high")
    mean, var = 0.0, 1.0
    if isinstance(low, int) and isinstance(high, int):
        mean, var = (low + high - 1) / 2, ((high - low) ** 2 - 1) / 12
    return State(
        mean * mean + var, mean, var, var, mean * mean, (), channels, axes, places, parts=((use.index, 1.0),)
    ), lambda grad: []
