"""Ops that join tensors: residual add, gate, concatenation, product with a number.

add    q = q_a + q_b + 2·cov(a, b)     the covariance counts shared terms and the means
gate   q = q_a·q_b                     each side's gain is the other side's second moment
cat    channel-weighted average
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vglint.analysis.maps import maps
from vglint.analysis.maps.activation import evaluated, slope_back, through
from vglint.analysis.maps.attention import is_causal
from vglint.analysis.maps.gate import folds, gated, gathered
from vglint.analysis.maps.handmade_norm import handmade, minus_mean
from vglint.analysis.maps.low_rank import beside_zero, sum_of_weights
from vglint.analysis.maps.made_weight import made_weight
from vglint.analysis.maps.neighbours import weighed
from vglint.analysis.maps.plain_product import inverse_of
from vglint.analysis.maps.softmax import normalised
from vglint.analysis.maps.weight import swapped, turned_grad
from vglint.analysis.state import ZERO, AbstainError, Grad, Law, State, Step, law_of, mixed
from vglint.analysis.streams import Mixture, gaussian_points, mixture_points
from vglint.analysis.use import Use
from vglint.ops import has
from vglint.ops.curves import affine, composed, product, rays, total
from vglint.ops.init import Spread

_TERMS = 24
"""Uncorrelated terms that a sum remembers."""


@maps("add", "sub", "rsub")
def add(use: Use) -> Step:
    alpha = use.number("alpha", 1.0)
    sign = -alpha if use.node.op == "sub" else alpha
    if len(use.inputs) == 1:
        return shifted(use, sign)
    if (logs := normalised(use)) is not None:
        return logs
    if (weight := made_weight(use)) is not None:
        return weight
    if (masked := with_mask(use)) is not None:
        return masked
    left, right = use.state(0), use.state(1)
    if use.node.op == "rsub":
        left, right, sign = right, left, -alpha
    if is_turned(left, right):
        joined = summed(use, left, swapped(right), sign)
        parted = joined_back(use, left, right, sign)
        return joined, lambda grad: [parted(grad)[0], turned_grad(parted(grad)[1])]
    back = joined_back(use, left, right, sign)
    if (centred := minus_mean(use, left)) is not None:
        return centred
    if (zero := beside_zero(left, right)) is not None and left.scale != right.scale:
        return zero._replace(parts=((use.index, 1.0),)), back
    if left.scale != right.scale:
        raise AbstainError("widths that are not known do not cancel")
    if (both := composite(use, left, right, sign)) is not None:
        return both
    return summed(use, left, right, sign)._replace(spread=sum_of_weights(use, left, right, sign)), back


def is_turned(left: State, right: State) -> bool:
    """Whether what one tensor has as channels, the other has as positions."""
    if left.axes is None or right.axes is None or left.axes == right.axes:
        return False
    return len(left.axes) == len(right.axes) and "s" in left.axes and swapped(right).axes == left.axes


def with_mask(use: Use) -> Step | None:
    """Returns the map of scores plus a mask or a bias of numbers, None where the sum is none."""
    for position in (0, 1):
        state = use.inputs[position]
        if state is None or state.scores is None or state.scores.soft:
            continue
        other = use.inputs[1 - position]
        if other is None or other.q == 0.0 or is_causal(use, 1 - position):
            state = state._replace(scores=state.scores._replace(causal=is_causal(use, 1 - position)))
            return state, one_sided(position)
    return None


def one_sided(position: int) -> Callable[[Grad], Sequence[Grad]]:
    return lambda grad: [grad, ZERO] if position == 0 else [ZERO, grad]


def summed(use: Use, left: State, right: State, sign: float) -> State:
    """Returns the state of left + sign·right."""
    shared = var = db = ds = r = 0.0
    mine = dict(left.parts)
    for key, coefficient in right.parts:
        if key in mine:
            term = use.term(key)
            if term is not None:
                both = 2.0 * sign * coefficient * mine[key]
                var += both * (term.q - term.mu**2)
                db, ds, r = db + both * term.db, ds + both * term.ds, r + both * (term.r - term.mu**2)
        mine[key] = mine.get(key, 0.0) + sign * coefficient
    shared = 2.0 * sign * left.mu * right.mu
    square = sign * sign
    q = max(left.q + square * right.q + shared + var, 0.0)
    parts = tuple(mine.items()) if len(mine) <= _TERMS else ((use.index, 1.0),)
    axes, places = left.axes or right.axes, left.places if left.places is not None else right.places
    if places is not None and places < 1.0 and (known := use.places(axes)) is not None:
        places = known  # what was made of sizes that are not known was too small
    fresh = (left.fresh * left.q + square * right.fresh * right.q) / q if q > 0 else 0.0
    wide = left if (left.places or 0) >= (right.places or 0) and left.channels is not None else right
    law = stream(use, left, right, sign, q) if var == 0.0 else None
    return State(
        q,
        left.mu + sign * right.mu,
        max(left.db + square * right.db + db, 0.0),
        max(left.ds + square * right.ds + ds, 0.0),
        left.r + square * right.r + shared + r,
        left.scale,
        wide.channels if wide.channels is not None else left.channels,
        axes,
        places,
        law,
        parts,
        min(fresh, 1.0),
        None,
        left.scores or right.scores,
        mixed(left.map, right.map, left.q / q) if q > 0 else None,
        near=weighed(left.near, left.ds, right.near, square * right.ds),
    )


def stream(use: Use, left: State, right: State, sign: float, q: float) -> Law | None:
    """Returns the law of a sum of an activation's output and something Gaussian, None where it is Gaussian itself."""
    for cut, other, factor in ((left, right, sign), (right, left, 1.0)):
        law = cut.law
        if law is None or (law.curve.linear is not None and law.curve.linear[0] == law.curve.linear[1]):
            continue
        if (
            other.law is not None
            or cut.scale
            or law.among != 1.0
            or other.spread is not None
            or (factor < 0 and cut is left)
        ):
            return None
        if factor != 1.0 or (cut is right and sign != 1.0):
            return None
        if law.mixture is None:
            points = gaussian_points(law.curve, law.mu, law.v)
        else:
            points = mixture_points(law.curve, law.mixture)
        moved = tuple(centre + other.mu for centre in points.centres) if other.mu else points.centres
        mu = left.mu + right.mu
        mixture = Mixture(moved, points.weights, max(other.q - other.mu**2, 0.0))
        return Law(
            use.index,
            mu,
            max(q - mu * mu, 0.0),
            left.db + right.db,
            left.ds + right.ds,
            left.r + right.r + 2 * left.mu * right.mu,
            mixture=mixture,
        )
    return None


def joined_back(use: Use, left: State, right: State, sign: float) -> Callable[[Grad], Sequence[Grad]]:
    square = sign * sign
    fold_left, fold_right = folds(use, 0), folds(use, 1)
    swap = use.node.op == "rsub"

    def back(grad: Grad) -> Sequence[Grad]:
        one, other = gathered(grad, fold_left), gathered(grad, fold_right).times(square)
        if grad.units is not None:
            # What varies over the points of a stream varies over that side of the sum alone.
            cut = 0 if left.law is not None else 1
            one, other = (one, other._replace(units=None)) if cut == 0 else (one._replace(units=None), other)
        if swap:
            one, other = gathered(grad, fold_left).times(square), gathered(grad, fold_right)
        return [one, other]

    return back


def shifted(use: Use, sign: float) -> Step:
    """x + c, x − c and c − x."""
    name = "other" if use.get("other") is not None else "input"
    value = use.get(name)
    if not isinstance(value, (int, float)):
        raise AbstainError("a summand is not known")
    if name == "other":
        return moved(use, 1.0, sign * float(value)) if use.node.op != "rsub" else moved(use, -sign, float(value))
    return moved(use, sign, float(value)) if use.node.op != "rsub" else moved(use, 1.0, -float(value))


@maps("logical_not", "bitwise_not")
def turned_over(use: Use) -> Step:
    """1 where a mask is 0, and 0 where it is 1; no gradient passes."""
    truths = use.graph.nodes[use.node.inputs[0]] if use.node.inputs else None
    while truths is not None and truths.op == use.node.op and truths.inputs:
        truths = use.graph.nodes[truths.inputs[0]]
    if truths is None or not has(truths.op, "gives_truths"):
        raise AbstainError("what is turned over is no mask")
    return moved(use, -1.0, 1.0)[0], lambda grad: [ZERO]


@maps("mul")
def mul(use: Use) -> Step:
    if len(use.inputs) == 1:
        value = use.get("other") if use.get("other") is not None else use.get("input")
        if not isinstance(value, (int, float)):
            return unknown_factor(use)
        return moved(use, float(value), 0.0)
    for position in (0, 1):
        zero, other = use.inputs[position], use.inputs[1 - position]
        if zero is not None and zero.spread is not None and zero.q == 0.0 and other is None:
            # A branch whose scale starts at zero, whatever it computes.
            return zero._replace(law=None, parts=((use.index, 1.0),), spread=None), lambda grad: [ZERO, ZERO]
    if (weight := made_weight(use)) is not None:
        return weight
    for top in (0, 1):
        if (norm := handmade(use, top, 1 - top, inverse=True)) is not None:
            return norm
    left, right = use.state(0), use.state(1)
    if left.scores is not None and right.scores is None and _is_one_number(right):
        found, back = moved(use, right.mu, 0.0)  # a temperature that is learned
        return found, lambda grad: [*(back(grad) if back is not None else ()), ZERO]
    if (both := composite(use, left, right, 0.0)) is not None:
        return both
    return gated(use, left, right)


def _is_one_number(state: State) -> bool:
    """Whether all entries of a tensor are nearly the same number."""
    return not state.scale and state.mu != 0.0 and state.q - state.mu**2 <= 0.01 * state.mu**2 and state.db == 0.0


@maps("div", "true_divide")
def div(use: Use) -> Step:
    if len(use.inputs) == 1:
        value, top = use.get("other"), use.get("input")
        if isinstance(top, (int, float)):
            return inverse_of(use, float(top))
        if not isinstance(value, (int, float)) or value == 0:
            return unknown_factor(use)
        return moved(use, 1.0 / float(value), 0.0)
    if (weight := made_weight(use)) is not None:
        return weight
    if (norm := handmade(use, 0, 1, inverse=False)) is not None:
        return norm
    left, right = use.state(0), use.state(1)
    if right.scale or right.mu == 0.0 or right.q - right.mu**2 > 0.1 * right.mu**2:
        raise AbstainError("division by a signal")
    if _is_made_of_a_factor(use):
        raise AbstainError("a product is divided by what is made of one of its factors")
    if right.q - right.mu**2 <= 1e-12 * right.q and right.spread is None:
        found, back = moved(use, 1.0 / right.mu, 0.0)  # a tensor of ones and its like
        return found, lambda grad: [*(back(grad) if back is not None else ()), ZERO]
    factor = 1.0 / right.mu**2
    state = left._replace(
        q=left.q * factor,
        mu=left.mu / right.mu,
        db=left.db * factor,
        ds=left.ds * factor,
        r=left.r * factor,
        law=None,
        parts=((use.index, 1.0),),
    )
    return state, lambda grad: [grad.times(factor), ZERO]


_NEAR = 40
"""Nodes before a divisor that are looked through for what it is made of."""


def _is_made_of_a_factor(use: Use) -> bool:
    """Whether x·y / f(x) is computed, as updates of a factorisation do: what x is cancels in part, and no moment of each alone tells in which."""
    top = use.graph.nodes[use.node.inputs[0]]
    factors = set(top.inputs) if top.op == "mul" and len(top.inputs) == 2 else set()
    waiting, seen = [use.node.inputs[1]], set[int]()
    while factors and waiting and len(seen) < _NEAR:
        number = waiting.pop()
        if number in factors:
            return True
        if number not in seen:
            seen.add(number)
            waiting += use.graph.nodes[number].inputs
    return False


@maps("masked_fill", "masked_scatter")
def masked_fill(use: Use) -> Step:
    """A mask hides entries: scores lose keys, a signal is taken to keep its moments."""
    state = use.state()
    if state.scores is not None:
        state = state._replace(scores=state.scores._replace(causal=is_causal(use, 1)))
    return state, lambda grad: [grad] + [ZERO] * (len(use.inputs) - 1)


def composite(use: Use, left: State, right: State, sign: float) -> Step | None:
    """Returns the map of a sum (sign ≠ 0) or product of two curves of one Gaussian tensor, None where they do not share one."""
    if left.spread is not None or right.spread is not None or left.scores is not None or right.scores is not None:
        return None
    one, other = law_of(left, use.node.inputs[0]), law_of(right, use.node.inputs[1])
    if one.root != other.root or one.among != 1.0 or other.among != 1.0:
        return None
    if (
        sign
        and one.curve.linear is not None
        and other.curve.linear is not None
        and one.curve.linear[0] == one.curve.linear[1]
        and other.curve.linear[0] == other.curve.linear[1]
    ):
        return None
    whole = total(one.curve, other.curve, sign) if sign else product(one.curve, other.curve)
    state, after = evaluated(left, one, whole, use.index)
    # Both paths lead to the same Gaussian: the whole slope goes down the first of them, none down the second.
    if left.law is None or right.law is None:
        plain = 0 if left.law is None else 1
        law, source = (one, left) if plain == 0 else (other, right)
        back = slope_back(law, after, use, source)
        return state, lambda grad: [back(grad), ZERO] if plain == 0 else [ZERO, back(grad)]
    back = slope_back(one, after, use, left)
    return state, lambda grad: [back(grad), ZERO]


def moved(use: Use, scale: float, shift: float) -> Step:
    """x → scale·x + shift; parts and weights follow."""
    state = use.state()
    if state.spread is not None and shift == 0.0:
        step = scaled_state(state, scale)._replace(spread=state.spread.scaled(scale))
        return step, lambda grad: [grad.times(scale * scale)]
    if shift == 0.0:
        law = law_of(state, use.node.inputs[0])
        out = scaled_state(state, scale)
        curve = composed(law.curve, rays(scale, scale))
        square = scale * scale
        after = law._replace(
            curve=curve,
            slope2=law.slope2 * square,
            slope4=law.slope4 * square**2,
            kb=law.kb * square,
            ks=law.ks * square,
            kr=law.kr * square,
        )
        scores = state.scores._replace(factor=state.scores.factor * scale) if state.scores is not None else None
        parts = tuple((key, coefficient * scale) for key, coefficient in state.parts)
        return out._replace(law=after, parts=parts, scores=scores), lambda grad: [
            grad.times(square) if grad.rho >= 0 else grad
        ]
    if state.spread is not None:
        spread = Spread(state.spread.mean * scale + shift, state.spread.var * scale**2, state.spread.over)
        mean = spread.mean
        out = state._replace(
            q=mean * mean + (spread.variance() or 0.0), mu=mean, r=mean * mean, spread=spread, law=None
        )
        return out, lambda grad: [grad.times(scale * scale)]
    return through(use, affine(scale, shift))


def unknown_factor(use: Use) -> Step:
    """A factor that is not known passes on products of queries and keys only."""
    state = use.state()
    if state.scores is None or state.scores.soft:
        raise AbstainError("a factor is not known")
    state = state._replace(scores=state.scores._replace(factor=0.0, width=None), law=None)
    return state, lambda grad: [grad] if grad.rho < 0 else [None]


def scaled_state(state: State, scale: float) -> State:
    square = scale * scale
    return state._replace(
        q=state.q * square, mu=state.mu * scale, db=state.db * square, ds=state.ds * square, r=state.r * square
    )
