"""Choices: comparisons with a number, masks that are tossed, and tensors that are put together by a mask."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vglint.analysis.maps import maps
from vglint.analysis.maps.activation import evaluated, slope_back, through
from vglint.analysis.state import ZERO, AbstainError, Back, Grad, Law, State, Step, law_of
from vglint.analysis.use import Use
from vglint.ops import expressions, has
from vglint.ops.curves import Curve, curve, product, total
from vglint.shape import size_ratio


@maps("lt", "le", "gt", "ge")
def comparison(use: Use) -> Step:
    """1 where a signal lies on one side of a number, 0 elsewhere; no gradient passes."""
    at = _number(use, "other")
    if len(use.inputs) != 1 or at is None:
        raise AbstainError("a comparison of two signals")
    state = use.state()
    if is_even_noise(use.graph.nodes[use.node.inputs[0]].op):
        share = min(max(at, 0.0), 1.0)
        return tossed(use, state, share if use.node.op.startswith("l") else 1.0 - share)
    step = _step(at, use.node.op.startswith("g"))
    law = law_of(state, use.node.inputs[0])
    if state.scale or law.among != 1.0 or law.mixture is not None:
        raise AbstainError("a comparison of what is not known")
    whole = Curve(
        ("of", *step.key, "(", *law.curve.key, ")"), lambda x: step.value(law.curve.value(x)), lambda x: 0.0,
        tuple(sorted({*law.curve.bends, at})), None, False,
    )  # fmt: skip
    found, _ = evaluated(state, law, whole, use.index)
    return found, lambda grad: [ZERO]


def is_even_noise(op: str) -> bool:
    """Whether an op draws numbers that lie anywhere between 0 and 1 alike."""
    return has(op, "draws") and has(op, "never_negative")


def _step(at: float, above: bool) -> Curve:
    return Curve(("step", repr(at), str(above)), lambda x: float((x > at) is above), lambda x: 0.0, (at,), None, False)


@maps("floor", "round", "ceil", "bool", "long", "int", "to_integer", "sign")
def rounded(use: Use) -> Step:
    """No gradient passes; of a number plus uniform noise, floor makes a coin, as stochastic depth tosses it."""
    none = [ZERO] * len(use.inputs)
    source = use.graph.nodes[use.node.inputs[0]] if use.node.inputs else None
    if source is not None and source.op == "add" and use.node.op == "floor":
        other = [use.graph.nodes[i] for i in source.inputs]
        keep = source.get("other") if source.get("other") is not None else source.get("input")
        noise = [node for node in other if is_even_noise(node.op)]
        state = use.inputs[0]
        if len(other) == 2 and len(noise) == 1 and state is not None:
            # The number is a tensor of its own: what the noise's mean of one half leaves.
            keep = state.mu - 0.5
        if noise and state is not None and isinstance(keep, (int, float)) and 0.0 <= keep <= 1.0:
            return tossed(use, state, float(keep))
    if use.node.op == "bool":
        return use.inputs[0] if use.inputs else None, lambda grad: none
    return stairs(use), lambda grad: none


def stairs(use: Use) -> State | None:
    """The moments of a signal whose entries are rounded, or of its signs."""
    state = use.inputs[0] if use.inputs else None
    step = expressions.function((use.node.op, (), "x"))
    if state is None or state.scale or step is None or state.spread is not None:
        return None
    law = law_of(state, use.node.inputs[0])
    if law.among != 1.0 or law.mixture is not None or state.pieces:
        return None
    inner = law.curve
    bends = tuple(sorted({*inner.bends, *(0.5 * k for k in range(-8, 9))})) if inner.linear is not None else inner.bends
    whole = Curve(
        ("of", use.node.op, "(", *inner.key, ")"),
        lambda x: step(inner.value(x), 1.0),
        lambda x: 0.0,
        bends,
        None,
        False,
    )
    return evaluated(state, law, whole, use.index)[0]._replace(law=None)


def tossed(use: Use, state: State, share: float) -> Step:
    """A coin of its own for each entry of noise: 1 with the chance `share`."""
    apart = share - share * share
    lone = all(size == 1 for size in (use.node.shape or ())[1:])
    out = State(
        share, share, apart, 0.0 if lone else apart, share if lone else share * share, channels=state.channels,
        parts=((use.index, 1.0),),
    )  # fmt: skip
    return out, lambda grad: [ZERO] * len(use.inputs)


@maps("where")
def where(use: Use) -> Step:
    """A mask of a signal's own sign makes a curve of it; another mask takes each tensor in its share."""
    arms: list[State | float] = []
    places = list(range(1, len(use.inputs)))
    for name in ("input", "other"):
        value = _number(use, name)
        if value is not None:
            arms.append(value)
        elif places:
            arms.append(use.state(places.pop(0)))
        else:
            raise AbstainError("a choice between what is not known")
    mask = use.inputs[0]
    if len(use.inputs) == 2:
        lone = next(one for one in arms if isinstance(one, State))
        number = next(one for one in arms if isinstance(one, float))
        if mask is None or mask.law is None or lone.scores is not None or abs(number) > _HIDES:
            # One tensor beside a number, by a mask that is not known: hidden scores, padding.
            return lone, lambda grad: [ZERO, grad]
    for place, arm in enumerate(arms):
        other = arms[1 - place]
        if isinstance(arm, State) and isinstance(other, State) and abs(arm.mu) > _HIDES and arm.db == arm.ds == 0.0:
            return other, _to_one(2 - place)
    if mask is None:
        raise AbstainError("a choice between two signals")
    if (found := _piecewise(use, mask, arms)) is not None:
        return found
    share = min(max(mask.mu, 0.0), 1.0)
    return _mixed(use, share, arms)


@maps("setitem")
def written(use: Use) -> Step:
    """Values written into a part of a tensor: a number, and the tensor's own values, moved by a mask or a bias (`scores[:, :k] += mask`), leave it as it
    is; others take the share of it that they fill."""
    state, count = use.state(), len(use.node.inputs)
    none = [ZERO] * (count - 1)
    if count == 1 or use.get("value") is not None or _holds_part(use, use.node.inputs[1], use.node.inputs[0]):
        return state, lambda grad: [grad, *none]
    share = size_ratio(use.shape(1), use.node.shape)
    value = use.state(1)
    if share is None or share > 1.0 or value.scale != state.scale:
        raise AbstainError("which part is written to is not known")
    rest = 1.0 - share
    mixed = State(
        share * value.q + rest * state.q,
        share * value.mu + rest * state.mu,
        share * value.db + rest * state.db,
        share * value.ds + rest * state.ds,
        share * value.r + rest * state.r,
        state.scale,
        state.channels,
        state.axes,
        state.places,
        parts=((use.index, 1.0),),
    )
    return mixed, lambda grad: [grad.times(rest), grad, *none[1:]]


def _holds_part(use: Use, index: int, whole: int) -> bool:
    """Whether a node is a part of another, or made of one and of numbers."""
    todo, seen = [index], 0
    while todo and seen < 8:
        node = use.graph.nodes[todo.pop()]
        seen += 1
        if has(node.op, "picks") or node.op == "getitem":
            if node.inputs[0] == whole:
                return True
        elif has(node.op, "affine") or has(node.op, "masks"):
            todo += node.inputs
    return False


_HIDES = 1e3
"""A number that stands for nothing, so that a softmax or a maximum leaves it out."""


def _to_one(position: int) -> Back:
    return lambda grad: [grad if i == position else ZERO for i in range(3)]


def _piecewise(use: Use, mask: State, arms: Sequence[State | float]) -> Step | None:
    """Returns the map of `where(y > 0, f(y), g(y))`: a curve of y."""
    test = mask.law
    if test is None:
        return None
    curves: list[Curve] = []
    lead: tuple[int, State, Law] | None = None
    place = 0
    for arm in arms:
        if isinstance(arm, float):
            curves.append(_constant(arm))
            continue
        place += 1
        law = law_of(arm, use.node.inputs[place])
        if law.root != test.root or law.among != 1.0 or law.mixture is not None:
            return None
        curves.append(law.curve)
        lead = lead or (place, arm, law)
    if lead is None:
        return None
    rest = total(_constant(1.0), test.curve, -1.0)
    whole = total(product(test.curve, curves[0]), product(rest, curves[1]))
    position, state, law = lead
    out, after = evaluated(state, law, whole, use.index)
    back = slope_back(law, after, use, state)
    count = len(use.inputs)
    return out, lambda grad: [back(grad) if i == position else ZERO for i in range(count)]


def _constant(value: float) -> Curve:
    return Curve(("constant", repr(value)), lambda x: value, lambda x: 0.0, (), None, False)


def _mixed(use: Use, share: float, arms: Sequence[State | float]) -> Step:
    """Returns the map of a choice that has nothing to do with what it chooses from."""
    parts = [State(arm * arm, arm, r=arm * arm) if isinstance(arm, float) else arm for arm in arms]
    shares = (share, 1.0 - share)
    if any(part.scale for part in parts):
        raise AbstainError("a width is not known")

    def mean(name: str) -> float:
        return sum(part_share * float(getattr(part, name)) for part_share, part in zip(shares, parts, strict=True))

    lead = next((part for arm, part in zip(arms, parts, strict=True) if isinstance(arm, State)), parts[0])
    q, mu = mean("q"), mean("mu")
    out = lead._replace(
        q=q, mu=mu, db=min(mean("db") + (q - mu * mu) * share * (1.0 - share), q), ds=min(mean("ds"), q), r=mu * mu,
        law=None, parts=((use.index, 1.0),), spread=None, scores=None,
    )  # fmt: skip
    weights = [part_share for part_share, arm in zip(shares, arms, strict=True) if isinstance(arm, State)]

    def back(grad: Grad) -> Sequence[Grad]:
        return [
            ZERO,
            *(grad._replace(g=grad.g * one, gs=grad.gs * one * one, gb=grad.gb * one * one) for one in weights),
        ]

    return out, back


@maps("maximum", "minimum")
def larger(use: Use) -> Step:
    """The larger of a signal and a number, or of two signals that have nothing to do with each other."""
    if len(use.inputs) != 2:
        raise AbstainError("the largest entry")
    states = [use.state(0), use.state(1)]
    for position in (0, 1):
        other = states[1 - position]
        if other.spread is not None and other.q <= other.mu**2 * (1 + 1e-9) + 1e-12:
            bound = {"min" if use.node.op == "maximum" else "max": other.mu}
            found = curve("clamp", bound.get)
            assert found is not None
            return through(use, found, position)
    raise AbstainError("the larger of two signals")


@maps("lerp")
def lerp(use: Use) -> Step:
    """start + weight · (end − start), the weight a number or a gate."""
    weight = _number(use, "weight")
    start, end = use.state(0), use.state(1)
    if start.scale or end.scale:
        raise AbstainError("a width is not known")
    gate = State(weight * weight, weight, r=weight * weight) if weight is not None else use.state(2)
    closed = 1.0 - 2.0 * gate.mu + gate.q
    between = gate.mu - gate.q

    def mean(name: str) -> float:
        return closed * float(getattr(start, name)) + gate.q * float(getattr(end, name))

    q = mean("q") + 2.0 * between * start.mu * end.mu
    out = start._replace(
        q=q, mu=(1.0 - gate.mu) * start.mu + gate.mu * end.mu, db=min(mean("db"), q), ds=min(mean("ds"), q),
        r=min(mean("r"), q), law=None, parts=((use.index, 1.0),), spread=None,
    )  # fmt: skip
    apart = max(start.q + end.q - 2.0 * start.mu * end.mu, 0.0)
    sent = [closed, gate.q, apart][: len(use.inputs)]
    return out, lambda grad: [grad.times(one) for one in sent]


def _number(use: Use, name: str) -> float | None:
    value = use.get(name)
    return float(value) if isinstance(value, (int, float)) and not math.isnan(float(value)) else None
