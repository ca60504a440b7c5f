"""Attention: softmax of query-key products, weighted averages of values; matrix products of two signals.

With scores of variance s² over T keys:
    A₂ = E Σp²      out q' = q − ds·(1 − A₂)      (Noci et al. 2022: attention averages positions)
    gradients: values A₂·g + (1 − A₂)·gs, scores J₂ = E Σp²(1 − 2p + Σp²) of the values' differences
Of N queries over T keys, a key and its value get the sum over the queries: r = N/T times what is not common to them, r² times what is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from vglint.analysis.maps import maps
from vglint.analysis.maps.gate import gated
from vglint.analysis.maps.low_rank import product_of_weights
from vglint.analysis.maps.plain_product import (
    averaged_axes,
    over_letters,
    over_rows,
    scaled_by,
    size_by_letter,
    weighed_axes,
)
from vglint.analysis.maps.weight import Fans, affine
from vglint.analysis.state import ZERO, AbstainError, Grad, Scores, State, Step, merged, sized
from vglint.analysis.use import Use
from vglint.ops import has
from vglint.ops.init import Spread
from vglint.ops.softmax import softness
from vglint.shape import Dim, Shape
from vglint.value import Expr, Unknown

ROW = -1.0
"""`rho` of a gradient that counts a whole row of scores, not one entry."""


class Flatness(NamedTuple):
    """`own` = E Σp², `overlap` = E Σ p·p' of two rows, `jacobian` = E Σp²(1 − 2p + Σp²)."""

    own: float
    overlap: float
    jacobian: float


@maps("scaled_dot_product_attention")
def scaled_dot_product_attention(use: Use) -> Step:
    query, key, value = use.state(0), use.state(1), use.state(2)
    width = last_size(use.shape(0)) or (float(query.channels) if isinstance(query.channels, int) else None)
    scale = use.get("scale")
    if isinstance(scale, Unknown):
        scale = None
    factor = float(scale) ** 2 * (width or 1.0) if isinstance(scale, (int, float)) else 1.0
    length = key_length(use, use.shape(1), value)
    causal = use.get("is_causal") is True or is_causal(use, 3)
    return attended(use, query, key, value, factor, length, causal)


def attended(use: Use, query: State, key: State, value: State, factor: float, length: float, causal: bool) -> Step:
    """`factor` is width · scale²: 1 for the usual 1/√width."""
    if query.scale or key.scale:
        raise AbstainError("a width is not known")
    flat = flatness(factor * query.q * key.ds, factor * (query.q - query.ds) * key.ds, length, causal)
    out = averaged(use.index, value, flat)
    ratio = queries_per_key(use.shape(0), length)

    def back(grad: Grad) -> Sequence[Grad]:
        scores = flat.jacobian * value.ds * grad.g * factor
        rest = [ZERO] * (len(use.inputs) - 3)
        return [
            grad._replace(g=scores * key.ds, gs=0.0, gb=0.0, gx=0.0, gr=0.0),
            grad._replace(g=scores * query.q * ratio, gs=0.0, gb=0.0, gx=0.0, gr=0.0),
            to_values(grad, flat, length, ratio),
            *rest,
        ]

    return out, back


def flatness(variance: float, shared: float, length: float, causal: bool = False) -> Flatness:
    """Returns how flat the softmax of `length` Gaussian scores is; `shared` is their covariance between two queries.

    Under a causal mask the first queries see few keys: the mean over queries counts.
    """
    if causal and length > 1:
        return _causal(float(f"{variance:.3g}"), float(f"{shared:.3g}"), length)
    own, jacobian = softness(variance, length)
    return Flatness(own, overlap(variance, shared, length), jacobian)


@lru_cache(maxsize=1024)
def _causal(variance: float, shared: float, length: float) -> Flatness:
    """Query t sees t keys: a mean over some of them, each for those around it."""
    count = int(min(length, 4096))
    seen = sorted({max(round(count * (k / _QUERIES) ** 2), 1) for k in range(1, _QUERIES + 1)})
    own = both = jacobian = before = 0.0
    for keys in seen:
        one = softness(variance, keys)
        share, before = (keys - before) / count, keys
        own += share * one.own
        both += share * min(overlap(variance, shared, max(keys, count / 2)), one.own)
        jacobian += share * one.jacobian
    return Flatness(own, both, jacobian)


_QUERIES = 10


def overlap(variance: float, shared: float, length: float) -> float:
    """Returns nearly E Σ p·p' of two rows whose scores have the covariance `shared`: between independent and equal."""
    if shared <= 0.0 or variance <= 0.0:
        return 1.0 / length
    flat = 1.0 / length
    part = min(shared / variance, 1.0)
    return min(softness(shared, length).own, flat + (softness(variance, length).own - flat) * part)


def is_causal(use: Use, position: int) -> bool:
    """Whether the mask at that input comes from a triangle."""
    if use.shapes is not None or position >= len(use.node.inputs):
        return False
    wanted, seen = [use.node.inputs[position]], 0
    while wanted and seen < 24:
        node = use.graph.nodes[wanted.pop()]
        seen += 1
        if has(node.op, "triangle"):
            return True
        if not (node.op == "linear" or node.op == "softmax" or node.op == "parameter"):
            wanted += node.inputs
    return False


def averaged(index: int, value: State, flat: Flatness) -> State:
    q = max(value.q - value.ds * (1.0 - flat.own), 0.0)
    common = max(value.q - max(value.db, value.ds), 0.0)
    db = q - common - flat.own * max(value.ds - value.db, 0.0)
    return value._replace(
        q=q,
        db=min(max(db, 0.0), q),
        ds=(flat.own - flat.overlap) * value.ds,
        law=None,
        parts=((index, 1.0),),
        fresh=0.0,
        scores=None,
    )


def to_values(grad: Grad, flat: Flatness, length: float, ratio: float = 1.0) -> Grad:
    both = ratio * ratio
    g = ratio * flat.own * grad.g + both * (1.0 - flat.own) * grad.gs
    gs = ratio * grad.g / length + both * (1.0 - 1.0 / length) * grad.gs
    gb = ratio * flat.own * grad.gb + both * (1.0 - flat.own) * grad.gx
    return grad._replace(g=g, gs=min(gs, g), gb=gb)


def queries_per_key(shape: Shape | None, keys: float) -> float:
    """Returns the number of queries, the last but one size, over that of keys; 1 where it is not known."""
    count = shape[-2] if shape is not None and len(shape) >= 2 else None
    return count / keys if isinstance(count, int) and count > 0 and keys > 0 else 1.0


@maps("matmul", "bmm", "mm", "mv")
def matmul(use: Use) -> Step:
    return multiplied(use, 0, 1)


@maps("addmm", "baddbmm", "addbmm")
def added_product(use: Use) -> Step:
    """bias + x @ W."""
    bias = use.inputs[0]
    if bias is None or bias.spread is None or use.get("beta") not in (None, 1) or use.get("alpha") not in (None, 1):
        raise AbstainError("a product that is added")
    found, back = multiplied(use, 1, 2)
    variance = bias.spread.variance()
    if found is None or back is None or found.scale or variance is None:
        raise AbstainError("a product that is added")
    mean, inner = bias.spread.mean, back
    out = found._replace(q=found.q + mean * mean + variance, mu=found.mu + mean, r=found.r + mean * mean)
    return out, lambda grad: [ZERO, *inner(grad)]


@maps("einsum")
def einsum(use: Use) -> Step:
    """Two operands: scores, averages and weights are told by the letters that vanish. A third may scale their product."""
    equation = use.get("equation")
    if not isinstance(equation, str) or "->" not in equation:
        raise AbstainError("the einsum is not understood")
    operands, result = equation.replace(" ", "").split("->")
    names = operands.split(",")
    if len(names) == len(use.inputs) == 3 and set(names[2]) <= set(result):
        return scaled_by(use, pair(use, names[0], names[1], result), use.state(2))
    if len(names) != 2 or len(use.inputs) != 2:
        raise AbstainError("the einsum is not understood")
    return pair(use, names[0], names[1], result)


def pair(use: Use, left: str, right: str, result: str) -> Step:
    gone = [letter for letter in left if letter in right and letter not in result and letter != "."]
    if not gone and set(result) == set(left) | set(right):
        return gated(use, use.state(0), use.state(1))
    if not gone:
        raise AbstainError("the einsum is not understood")
    width = contracted(use, left, gone, 0) or contracted(use, right, gone, 1)
    fresh = [letter for letter in right if letter not in left and letter in result]
    weight = 1 if use.state(1).spread is not None else 0 if use.state(0).spread is not None else None
    if weight is not None:
        letters = (left, right)[weight]
        shape = use.shape(weight)
        state = use.inputs[1 - weight]
        spread = use.state(weight).spread
        assert spread is not None
        new = [
            letter
            for letter in letters
            if letter not in gone and letter in result and letter not in (left, right)[1 - weight]
        ]
        inside, outside = contracted(use, letters, gone, weight), contracted(use, letters, new, weight)
        if inside is None or outside is None or shape is None:
            raise AbstainError("sizes of the einsum are not known")
        axes = weighed_axes((left, right)[1 - weight], state, result)
        step, back = affine(use, state, spread, Fans(inside, outside), (0.0, 0.0), outside, axes or "*c", None)
        assert back is not None
        return step, lambda grad: [back(grad)[0], ZERO] if weight == 1 else [ZERO, back(grad)[0]]
    soft = [each.scores is not None and each.scores.soft for each in (use.state(0), use.state(1))]
    if not any(soft) and (rows := over_letters(use, (left, right), result)) is not None:
        return rows
    if any(soft):
        return average_over(use, (left, right), 1 if soft[0] else 0, result, gone)
    return joined_product(use, use.state(0), use.state(1), width, contracted(use, right, fresh, 1), None)


def average_over(use: Use, letters: tuple[str, str], value: int, result: str, gone: list[str]) -> Step:
    """Returns the map of an average that an einsum takes: of one operand's entries, weighed by the other's."""
    scores = use.state(1 - value).scores
    assert scores is not None
    known = size_by_letter(use, 1 - value, letters[1 - value])
    keys = known.get(gone[0]) if len(gone) == 1 else None
    rows = set(letters[1 - value]) & set(result) - set(letters[value])
    queries = math.prod(known[letter] for letter in rows) if rows <= known.keys() else None
    state = use.state(value)
    length = keys or key_length(use, None, state)
    out, back = average_of(use, scores, state, length, value, queries / length if queries else 1.0)
    return out._replace(axes=averaged_axes(letters, state, value, result)) if out is not None else None, back


def contracted(use: Use, letters: str, wanted: list[str], position: int) -> int | Expr | None:
    shape = use.shape(position)
    plain = letters.replace("...", "")
    if shape is None or len(shape) < len(plain):
        return None
    from vglint.value import times

    size: int | Expr = 1
    tail = shape[len(shape) - len(plain) :]
    for letter, dim in zip(plain, tail, strict=True):
        if letter in wanted:
            if dim is None:
                return None
            product = times(size, dim)
            if not isinstance(product, (int, Expr)):
                return None
            size = product
    return size


def multiplied(use: Use, one: int, other: int) -> Step:
    left, right = use.inputs[one], use.inputs[other]
    shape_left, shape_right = use.shape(one), use.shape(other)
    if right is not None and right.spread is not None and (left is None or left.spread is None):
        # x @ W with W of shape (in, out).
        if shape_right is None or len(shape_right) < 2 or shape_right[-2] is None or shape_right[-1] is None:
            raise AbstainError("shape of the weight is not known")
        return weighted(use, left, right.spread, shape_right[-2], shape_right[-1], one)
    if left is not None and left.spread is not None and (right is None or right.spread is None):
        if shape_left is None or len(shape_left) < 2 or shape_left[-2] is None or shape_left[-1] is None:
            raise AbstainError("shape of the weight is not known")
        return weighted(use, right, left.spread, shape_left[-1], shape_left[-2], other)
    if left is None or right is None:
        raise AbstainError("")
    if left.spread is not None and right.spread is not None:
        return product_of_weights(use, left.spread, right.spread, shape_left[-1] if shape_left else None)
    width: Dim = shape_left[-1] if shape_left else None
    outside = last_size(shape_right)
    is_average = any(each.scores is not None and each.scores.soft for each in (left, right))
    if outside is not None and not is_average and (found := over_rows(use, left, right, outside)) is not None:
        return found
    return joined_product(use, left, right, width, shape_right[-1] if shape_right else None, shape_right)


def weighted(
    use: Use, state: State | None, spread: Spread, inside: int | Expr, outside: int | Expr, position: int
) -> Step:
    axes = "*c" if state is None or state.axes is None else state.axes
    places = state.places if state is not None else None
    found, back = affine(use, state, spread, Fans(inside, outside), (0.0, 0.0), outside, axes, places)
    assert back is not None
    return found, lambda grad: [back(grad)[0], ZERO] if position == 0 else [ZERO, back(grad)[0]]


def joined_product(use: Use, left: State, right: State, width: Dim, outside: Dim, shape_right: Shape | None) -> Step:
    """Scores of queries and keys, an average of values under scores, or a plain product of signals."""
    if left.scores is not None and left.scores.soft:
        return average_of(use, left.scores, right, key_length(use, shape_right, right), 1)
    if right.scores is not None and right.scores.soft:
        return average_of(use, right.scores, left, key_length(use, None, left), 0)
    number, scale = sized(width) if width is not None else (1.0, ((f"?width[{use.index}]", 1),))
    pair = number * (number - 1) * left.r * right.r if number > 1 and not scale else 0.0
    known = not scale and not left.scale and not right.scale
    scores = Scores(left.q, left.ds, right.q, right.ds, number if known else None)
    out = State(
        number * left.q * right.q + pair,
        number * left.mu * right.mu,
        number * (left.q * right.q - (left.q - left.db) * (right.q - right.db)),
        number * left.q * right.ds,
        number * (left.q - left.ds) * right.q,
        merged(merged(left.scale, right.scale), scale),
        parts=((use.index, 1.0),),
        scores=scores,
    )
    side_out, side_scale = sized(outside) if outside is not None else (1.0, ((f"?width[{use.index}]'", 1),))

    def back(grad: Grad) -> Sequence[Grad | None]:
        if grad.rho == ROW:
            plain = grad._replace(rho=0.0)
            keys = use.node.shape[-1] if use.node.shape else None
            ratio = queries_per_key(use.node.shape, float(keys)) if isinstance(keys, int) else 1.0
            return [plain.times(right.ds, right.scale), plain.times(left.q * ratio, left.scale)]
        one = grad.times(side_out * right.q, merged(side_scale, right.scale))
        return [one, one._replace(g=grad.g * side_out * left.q)]

    return out, back


def average_of(
    use: Use, scores: Scores, value: State, length: float, position: int, ratio: float | None = None
) -> Step:
    strength = scores.strength
    flat = flatness(
        strength * scores.query * scores.key_distance,
        strength * (scores.query - scores.query_distance) * scores.key_distance,
        length,
        scores.causal,
    )
    out = averaged(use.index, value, flat)
    per_key = ratio if ratio is not None else queries_per_key(use.shape(0), length) if position == 1 else 1.0

    def back(grad: Grad) -> Sequence[Grad]:
        if scores.plain:
            width = float(value.channels) if isinstance(value.channels, int) else 1.0
            weight = Grad(
                width * grad.g * value.q,
                width * grad.g * max(value.q - value.ds, 0.0),
                scale=grad.scale,
                lv=grad.lv,
                rho=grad.rho,
            )
            inner = to_values(grad, flat, length, per_key)
            return [weight, inner] if position == 1 else [inner, weight]
        # The gradient of a whole row of scores, as queries and keys see it: the scaling on the way is already in it.
        row = Grad(flat.jacobian * strength * grad.g * value.ds, scale=grad.scale, lv=grad.lv, rho=ROW)
        inner = to_values(grad, flat, length, per_key)
        return [row, inner] if position == 1 else [inner, row]

    return out, back


def key_length(use: Use, shape: Shape | None, value: State) -> float:
    if shape is not None and len(shape) >= 2 and isinstance(shape[-2], int) and shape[-2] > 0:
        return float(shape[-2])
    return value.places if value.places is not None and value.places > 1 else use.length


def last_size(shape: Shape | None) -> float | None:
    return float(shape[-1]) if shape and isinstance(shape[-1], int) else None
