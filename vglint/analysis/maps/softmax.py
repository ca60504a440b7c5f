"""Softmax over channels, over the positions of a sequence, over several stacked tensors, and of scores of queries and keys."""

from __future__ import annotations

import math

from vglint.analysis.maps import maps
from vglint.analysis.maps.reduce import left_of
from vglint.analysis.state import ZERO, AbstainError, Choices, Scores, State, Step
from vglint.analysis.use import Use
from vglint.ops.softmax import softness


@maps("softmax", "softmin", "gumbel_softmax")
def softmax(use: Use) -> Step:
    state = use.state()
    if state.scores is not None:
        return state._replace(
            scores=weighed(state.scores), scale=(), law=None, parts=((use.index, 1.0),)
        ), lambda grad: [grad]
    if state.scale:
        raise AbstainError("a width is not known")
    role = soft_role(use, state)
    if role == "s":
        return over_positions(use, state)
    if role == "k" and state.choices is not None:
        return over_choices(use, state, state.choices)
    width = soft_width(use, state)
    if width is None:
        raise AbstainError("classes of the softmax are not known")
    own, squared_slope = softness(max(state.q - state.r, 0.0), width)
    mean = 1.0 / width
    q = own / width
    apart = max(q - mean * mean, 0.0)
    spreads = max(state.q - state.r, 1e-300)
    out = state._replace(
        q=q,
        mu=mean,
        db=apart * min(state.db / spreads, 1.0),
        ds=apart * min(state.ds / spreads, 1.0),
        r=(1.0 - own) / (width * (width - 1.0)) if width > 1 else 0.0,
        law=None,
        parts=((use.index, 1.0),),
        fresh=0.0,
    )
    jacobian = squared_slope / width
    # A softmax passes only differences between classes.
    return out, lambda grad: [
        grad._replace(
            g=max(grad.g - max(grad.gr, grad.alike), 0.0) * jacobian,
            alike=0.0,
            gs=grad.gs * jacobian,
            gb=grad.gb * jacobian,
            gx=grad.gx * jacobian,
            gr=0.0,
        )
    ]


def soft_role(use: Use, state: State) -> str | None:
    """Returns what the dimension is that a softmax is taken over."""
    dim, axes = use.get("dim"), state.axes
    if not isinstance(dim, int) or axes is None or "*" in axes or not -len(axes) <= dim < len(axes):
        return None
    return axes[dim]


def over_positions(use: Use, state: State) -> Step:
    """Weights of the positions of a sequence, from one score for each: attention pooling."""
    dim, shape = use.get("dim"), use.node.shape
    size = shape[dim] if shape is not None and isinstance(dim, int) and -len(shape) <= dim < len(shape) else None
    length = float(size) if isinstance(size, int) else state.places if (state.places or 0.0) > 1.0 else use.length
    if length is None or length < 2:
        raise AbstainError("a softmax over one position")
    own, squared_slope = softness(state.ds, length)
    q, mean, common = own / length, 1.0 / length, (1.0 - own) / (length * (length - 1.0))
    between = (q - mean * mean) * min(state.db / state.ds if state.ds > 0 else 1.0, 1.0)
    scores = Scores(1.0, 1.0, state.q, state.ds, 1.0, soft=True, plain=True)
    out = state._replace(
        q=q, mu=mean, db=max(between, 0.0), ds=max(q - common, 0.0), r=mean * mean if state.channels != 1 else q, law=None,
        parts=((use.index, 1.0),), fresh=0.0, scores=scores, map=None,
    )  # fmt: skip
    jacobian = squared_slope / length
    return out, lambda grad: [
        grad._replace(
            g=max(grad.g - grad.gs, 0.0) * jacobian, gs=0.0, gb=max(grad.gb - grad.gx, 0.0) * jacobian, gx=0.0,
            gr=grad.gr * jacobian, alike=0.0,
        )
    ]  # fmt: skip


def over_choices(use: Use, state: State, choices: Choices) -> Step:
    """Weights of tensors that are stacked: those of experts, scales, branches."""
    count = choices.number
    own, squared_slope = softness(max(state.q - choices.common, 0.0), count)
    q, mean = own / count, 1.0 / count
    spread = max(q - mean * mean, 0.0)
    before = max(state.q - choices.common, 1e-300)
    out = state._replace(
        q=q, mu=mean, db=spread * min(state.db / before, 1.0), ds=spread * min(state.ds / before, 1.0), r=mean * mean, law=None,
        parts=((use.index, 1.0),), fresh=0.0, choices=Choices(count, (1.0 - own) / (count * (count - 1.0))),
    )  # fmt: skip
    jacobian = squared_slope / count
    return out, lambda grad: [grad.times(jacobian)._replace(g=max(grad.g - grad.alike, 0.0) * jacobian, alike=0.0)]


def weighed(scores: Scores) -> Scores:
    """Returns the scores once a softmax has turned them into weights."""
    if scores.width is not None:
        strength = scores.width * scores.factor**2
    elif scores.factor != 1.0:
        # A width that is not known and a factor: 1/√width is what is written.
        strength = 1.0
    else:
        raise AbstainError("scale of the scores is not known")
    return scores._replace(soft=True, strength=strength)


@maps("log_softmax")
def log_softmax(use: Use) -> Step:
    """x − logsumexp(x): the gradient loses its part along p, 1/classes of it."""
    state = use.state()
    if state.scale:
        raise AbstainError("a width is not known")
    width = soft_width(use, state) or 1e9
    mean = -(math.log(width) + min(max(state.q - state.r, 0.0), 1e3) / 2) if width < 1e9 else 0.0
    out = state._replace(
        q=max(state.q - state.mu**2, 0.0) + mean * mean, mu=mean, r=mean * mean, law=None, parts=((use.index, 1.0),)
    )
    return out, lambda grad: [grad.times(1.0 - 1.0 / width)]


@maps("logsumexp")
def logsumexp(use: Use) -> Step:
    """log Σ eˣ over channels, nearly ln C + s²/2; its gradient is the softmax's p of each."""
    state = use.state()
    width = soft_width(use, state)
    if state.scale or width is None:
        raise AbstainError("width of a logsumexp is not known")
    own, _ = softness(max(state.q - state.r, 0.0), width)
    spreads = max(state.q - state.r, 0.0)
    mean = state.mu + math.log(width) + min(spreads, 1e3) / 2
    noise = own * spreads
    apart = min(state.db / state.q, 1.0) if state.q > 0 else 0.0
    inner = min(state.ds / state.q, 1.0) if state.q > 0 else 0.0
    out = state._replace(
        q=mean * mean + noise, mu=mean, db=noise * apart, ds=noise * inner, r=mean * mean + noise, channels=1, law=None, map=None,
        parts=((use.index, 1.0),), axes=state.axes if use.get("keepdim") is True else left_of(use, state.axes),
    )  # fmt: skip
    gain = own / width
    return out, lambda grad: [grad.times(gain)._replace(gr=grad.g / (width * width))]


def normalised(use: Use) -> Step | None:
    """Returns the map of x − logsumexp(x), a log-softmax that is written out; None for other differences."""
    if use.node.op != "sub" or len(use.node.inputs) != 2:
        return None
    whole = use.graph.nodes[use.node.inputs[1]]
    if whole.op != "logsumexp" or whole.inputs[:1] != use.node.inputs[:1] or whole.get("keepdim") is not True:
        return None
    found, back = log_softmax(use)
    return found, lambda grad: [*(back(grad) if back is not None else ()), ZERO]


def soft_width(use: Use, state: State) -> float | None:
    dim, shape = use.get("dim"), use.node.shape
    size = shape[dim] if shape is not None and isinstance(dim, int) and -len(shape) <= dim < len(shape) else None
    if isinstance(size, int):
        return float(size)
    if isinstance(state.channels, int) and (dim in (-1, None) or (dim == 1 and (state.axes or "bc").startswith("bc"))):
        return float(state.channels)
    return None
