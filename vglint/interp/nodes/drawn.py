"""How the entries of tensors are distributed that are computed of draws by more than entry by entry: orthonormal columns, norms, scaled rows."""

from __future__ import annotations

import math
from collections.abc import Mapping

from vglint.graph import Init
from vglint.interp.values.objects import ListV, TensorV, Value
from vglint.ops import has
from vglint.ops.init import Spread, spread
from vglint.ops.spec import Spelling

DIAGONAL = "diagonal"
"""The scheme of a square matrix with a drawn vector on its diagonal, and zeros elsewhere: no parameter starts so, but products do."""


def computed(spelling: Spelling, bound: Mapping[str, Value], args: list[Value]) -> Init | None:
    """Returns the distribution of what a call makes of draws; None where this does not say."""
    op, first = spelling.op, args[0] if args else None
    if has(op, "joins") and isinstance(first, (tuple, ListV)):
        return _of_all(first if isinstance(first, tuple) else first.items)
    if not isinstance(first, TensorV) or first.init is None:
        return None
    if op == "norm":
        return _norm(first, bound)
    if op == "diag":
        shape, found = first.shape, spread(first.init, first.shape)
        alone = shape is not None and len(shape) == 1 and bound.get("diagonal") in (None, 0)
        return _moments(found, DIAGONAL) if alone else None
    return product_of(op, first, args[1]) if len(args) > 1 else None


def product_of(op: str, left: Value, right: Value) -> Init | None:
    """Returns the distribution of a matrix each of whose rows a diagonal matrix multiplies by a number of its own."""
    if (
        not has(op, "matrix_product")
        or not isinstance(left, TensorV)
        or left.init is None
        or left.init.scheme != DIAGONAL
    ):
        return None
    return _scaled_rows(left.init, right)


def note_parts(spelling: Spelling, args: list[Value], made: tuple[Value, ...]) -> None:
    """Notes the distribution of the results of a call that returns several: of q and r, q's columns are orthonormal."""
    source, columns = args[0] if args else None, made[0] if made else None
    if spelling.op != "qr" or not isinstance(source, TensorV) or not isinstance(columns, TensorV):
        return
    found = spread(source.init, source.shape) if source.init is not None else None
    rows = source.shape[-2] if source.shape is not None and len(source.shape) > 1 else None
    if found is None or found.mean != 0.0 or not found.variance() or not isinstance(rows, int) or rows < 1:
        return
    # The columns have length 1, whatever the draws were, and as often one sign as the other.
    columns.init = Init("computed", (("mean", 0.0), ("std", 1.0 / math.sqrt(rows))))


def _of_all(items: list[Value] | tuple[Value, ...]) -> Init | None:
    """Returns the distribution that all of some tensors have, where it does not depend on their shapes."""
    known = [item.init for item in items if isinstance(item, TensorV)]
    first = known[0] if known else None
    if first is None or len(known) != len(items) or any(each != first for each in known):
        return None
    return first if first.scheme in _OF_ANY_SHAPE and not first.parts and first.blocks == 1 else None


_OF_ANY_SHAPE = frozenset({"normal", "computed", "trunc_normal", "uniform"})
"""Schemes whose entries do not depend on the shape that they fill."""


def _norm(value: TensorV, bound: Mapping[str, Value]) -> Init | None:
    """Returns the distribution of the lengths of Gaussian vectors: those of a chi distribution."""
    dim, shape = bound.get("dim"), value.shape
    if isinstance(dim, tuple) and len(dim) == 1:
        dim = dim[0]
    if bound.get("p", bound.get("ord", 2)) not in (2, None, "fro") or not isinstance(dim, int) or shape is None:
        return None
    size = shape[dim] if -len(shape) <= dim < len(shape) else None
    found = spread(value.init, shape) if value.init is not None and value.init.scheme == "normal" else None
    variance = found.variance() if found is not None else None
    if found is None or variance is None or found.mean != 0.0 or not isinstance(size, int) or size < 1:
        return None
    mean = math.sqrt(2.0 * variance) * math.exp(math.lgamma((size + 1) / 2) - math.lgamma(size / 2))
    return Init("computed", (("mean", mean), ("std", math.sqrt(max(size * variance - mean * mean, 0.0)))))


def _moments(found: Spread | None, scheme: str) -> Init | None:
    variance = found.variance() if found is not None else None
    if found is None or variance is None:
        return None
    return Init(scheme, (("mean", found.mean), ("std", math.sqrt(variance))))


def _scaled_rows(diagonal: Init, value: Value) -> Init | None:
    found = spread(value.init, value.shape) if isinstance(value, TensorV) and value.init is not None else None
    variance = found.variance() if found is not None else None
    given = dict(diagonal.args)
    mean, std = given.get("mean"), given.get("std")
    if found is None or variance is None or found.mean != 0.0 or found.form == "identity":
        return None
    if not isinstance(mean, (int, float)) or not isinstance(std, (int, float)):
        return None
    size = abs(diagonal.scale) * math.sqrt((mean * mean + std * std) * variance)
    return Init("computed", (("mean", 0.0), ("std", size)))
