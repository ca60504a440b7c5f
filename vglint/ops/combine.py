"""Operations that join tensors: arithmetic of two, concatenation, selection, scattering."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.ops.entry import Entry
from vglint.ops.shapes import (
    add,
    axis,
    broadcast,
    broadcast_all,
    first,
    given,
    merge,
    multiply,
    replace,
    same,
    scalar,
    unknown,
)
from vglint.ops.spec import Call, Result, Tensor
from vglint.shape import Dim, Shape
from vglint.value import Literal_, Unknown


def concatenated(call: Call) -> Result:
    """Sizes add up along `dim`, and agree elsewhere."""
    return Tensor(_joined(call.inputs, call.config.get("dim", 0)))


def stacked(call: Call) -> Result:
    """A new dimension as long as there are tensors."""
    shape = _agreed(call.inputs)
    if shape is None:
        return Tensor()
    place = axis(call.config.get("dim", 0), len(shape) + 1)
    return Tensor((*shape[:place], len(call.inputs), *shape[place:]))


def side_by_side(call: Call) -> Result:
    """hstack: along dimension 1, vectors along 0."""
    shapes = [None if shape is None else shape or (1,) for shape in call.inputs]
    rank = next((len(shape) for shape in shapes if shape is not None), None)
    return Tensor() if rank is None else Tensor(_joined(shapes, 0 if rank == 1 else 1))


def one_below_another(call: Call) -> Result:
    """vstack: along dimension 0, vectors as rows."""
    return Tensor(_joined([_at_least_2d(shape) for shape in call.inputs], 0))


def one_behind_another(call: Call) -> Result:
    """dstack: along dimension 2."""
    return Tensor(_joined([_at_least_3d(shape) for shape in call.inputs], 2))


def columns(call: Call) -> Result:
    """column_stack: along dimension 1, vectors as columns."""
    return Tensor(
        _joined([None if shape is None else (*shape, 1)[:2] if len(shape) < 2 else shape for shape in call.inputs], 1)
    )


def chosen(call: Call) -> Result:
    """`where(condition)` alone is a tuple of indices."""
    if call.names and not given(call, "input") and "input" in call.config and call.config["input"] is None:
        shape = first(call)
        return Tensor() if shape is None else tuple(Tensor((None,)) for _ in shape)
    return broadcast_all(call)


def distances(call: Call) -> Result:
    """(…, P, M) and (…, R, M) give (…, P, R)."""
    left, right = call.inputs[0], call.inputs[1]
    if left is None or right is None:
        return Tensor()
    lead = broadcast((left[:-2], right[:-2]))
    return Tensor() if lead is None else Tensor((*lead, left[-2], right[-2]))


def all_pairs(call: Call) -> Result:
    shape = first(call)
    if shape is None or not isinstance(shape[0], int):
        return Tensor((None,))
    return Tensor((shape[0] * (shape[0] - 1) // 2,))


def broadcast_each(call: Call) -> Result:
    """Every tensor in the common shape."""
    together = broadcast(call.inputs)
    return tuple(Tensor(together) for _ in call.inputs)


def grid(call: Call) -> Result:
    """Every tensor in the shape of the grid; `indexing='xy'` swaps the first two."""
    sizes: list[Dim] = [None if shape is None else (shape[0] if shape else 1) for shape in call.inputs]
    indexing = call.config.get("indexing")
    if isinstance(indexing, Unknown):
        sizes = [None] * len(sizes)
    elif indexing == "xy" and len(sizes) > 1:
        sizes[:2] = sizes[1::-1]
    return tuple(Tensor(tuple(sizes)) for _ in call.inputs)


def block_diagonal(call: Call) -> Result:
    shapes = [_at_least_2d(shape) for shape in call.inputs]
    known = [shape for shape in shapes if shape is not None]
    return (
        Tensor((add(*(s[0] for s in known)), add(*(s[1] for s in known))))
        if len(known) == len(shapes)
        else Tensor((None, None))
    )


def product(call: Call) -> Result:
    """Cartesian product of vectors: one row per combination."""
    lengths = [None if shape is None else shape[0] for shape in call.inputs]
    return Tensor((multiply(lengths),) if len(lengths) == 1 else (multiply(lengths), len(lengths)))


def _joined(shapes: Sequence[Shape | None], dim: Literal_) -> Shape | None:
    # An empty vector joins anything: torch's old rule, still in use for lists that start with torch.tensor([]).
    tensors = [shape for shape in shapes if shape != (0,)] or list(shapes)
    agreed = _agreed([None if shape is None else replace(shape, axis(dim, len(shape)), 0) for shape in tensors])
    if agreed is None:
        return None
    place = axis(dim, len(agreed))
    return replace(agreed, place, add(*(None if shape is None else shape[place] for shape in tensors)))


def _agreed(shapes: Sequence[Shape | None]) -> Shape | None:
    known = [shape for shape in shapes if shape is not None]
    if not known or any(len(shape) != len(known[0]) for shape in known):
        return None
    agreed = known[0]
    for shape in known[1:]:
        agreed = tuple(map(merge, agreed, shape))
    return agreed


def _at_least_2d(shape: Shape | None) -> Shape | None:
    return None if shape is None else shape if len(shape) >= 2 else (1, *(shape or (1,)))


def _at_least_3d(shape: Shape | None) -> Shape | None:
    flat = _at_least_2d(shape)
    return None if flat is None else flat if len(flat) >= 3 else (*flat, 1)


def _arithmetic(name: str, summary: str, aliases: str, extra: str = "") -> Entry:
    names = " ".join(f"torch.{alias} x.{alias} x.{alias}_" for alias in (name, *aliases.split()))
    return Entry(name, "combine", summary, broadcast_all, f"{names} (%input, %other, *, {extra}-out=None)")


def _two(name: str, summary: str, *, method: bool = True, in_place: bool = True, special: str = "") -> Entry:
    names = f"torch.{name} {special}" + (f" x.{name}" if method else "") + (f" x.{name}_" if in_place else "")
    return Entry(name, "combine", summary, broadcast_all, f"{names} (%input, %other, *, -out=None)")


def _into(name: str, summary: str, args: str, *, in_place: bool = True) -> Entry:
    names = f"torch.{name} x.{name}" + (f" x.{name}_" if in_place else "")
    return Entry(name, "combine", summary, same, f"{names} (%input, {args})")


ENTRIES = (
    _arithmetic("add", "x + alpha y", "", "alpha=1, ").having(
        "adds", "affine", "carries_terms", "map_along", "map_places"
    ),
    _arithmetic("sub", "x - alpha y", "subtract", "alpha=1, ").having("adds", "subtracts", "affine", "map_places"),
    _arithmetic("mul", "x y", "multiply").having(
        "scales", "affine", "multiplies", "rescales", "squares", "carries_terms", "keeps_positive", "map_places"
    ),
    Entry(
        "div",
        "combine",
        "x / y",
        broadcast_all,
        """torch.div torch.divide x.div x.div_ x.divide x.divide_ (%input, %other, *, rounding_mode=None, -out=None)
        torch.true_divide x.true_divide x.true_divide_ (%input, %other, *, -out=None)""",
    ).having("scales", "affine", "rescales", "keeps_positive", "map_places"),
    Entry("rsub", "combine", "y - alpha x", broadcast_all, "torch.rsub(%input, %other, *, alpha=1)").having(
        "subtracts", "affine"
    ),
    _two("remainder", "x modulo y, with the sign of y"),
    _two("fmod", "x modulo y, with the sign of x"),
    _two("maximum", "larger of two", in_place=False).having("takes_largest", "floors"),
    _two("minimum", "smaller of two", in_place=False).having("caps"),
    _two("fmax", "larger of two, NaN ignored", in_place=False),
    _two("fmin", "smaller of two, NaN ignored", in_place=False),
    _two("atan2", "angle of the point (y, x)"),
    Entry(
        "hypot", "combine", "√(x² + y²)", broadcast_all, "torch.hypot x.hypot x.hypot_ (%input, %other, *, -out=None)"
    ),
    _two("copysign", "|x| with the sign of y"),
    _two("logaddexp", "log(eˣ + eʸ)", in_place=False),
    _two("logaddexp2", "log2(2ˣ + 2ʸ)", in_place=False),
    _two("xlogy", "x log y", special="torch.special.xlogy").having("logs"),
    Entry("xlog1py", "combine", "x log(1 + y)", broadcast_all, "torch.special.xlog1py(%input, %other, *, -out=None)"),
    _two("ldexp", "x 2ʸ"),
    Entry("complex", "combine", "x + i y", broadcast_all, "torch.complex(%real, %imag, *, -out=None)"),
    Entry("polar", "combine", "x (cos y + i sin y)", broadcast_all, "torch.polar(%abs, %angle, *, -out=None)"),
    Entry(
        "lerp",
        "combine",
        "x + weight (end - x)",
        broadcast_all,
        "torch.lerp x.lerp x.lerp_ (%input, %end, %weight, *, -out=None)",
    ).having("multiplies"),
    Entry(
        "addcmul",
        "combine",
        "x + value tensor1 tensor2",
        broadcast_all,
        "torch.addcmul x.addcmul x.addcmul_ (%input, %tensor1, %tensor2, *, value=1, -out=None)",
    ).having("multiplies"),
    Entry(
        "addcdiv",
        "combine",
        "x + value tensor1 / tensor2",
        broadcast_all,
        "torch.addcdiv x.addcdiv x.addcdiv_ (%input, %tensor1, %tensor2, *, value=1, -out=None)",
    ),
    Entry(
        "where",
        "combine",
        "one tensor where a condition holds, another elsewhere",
        chosen,
        """torch.where(%condition, %input=None, %other=None, *, -out=None)
        x.where(%input, %condition, %other)""",
    ).having("masks", "carries_terms", "map_places"),
    Entry(
        "cat",
        "combine",
        "one after another along a dimension",
        concatenated,
        "torch.cat torch.concat torch.concatenate (%%tensors, dim=0, *, -out=None)",
    ).having("joins", "carries_terms", "map_along", "map_parts", "map_parting"),
    Entry("stack", "combine", "along a new dimension", stacked, "torch.stack(%%tensors, dim=0, *, -out=None)").having(
        "joins", "carries_terms"
    ),
    Entry("hstack", "combine", "side by side", side_by_side, "torch.hstack(%%tensors, *, -out=None)").having("joins"),
    Entry(
        "vstack",
        "combine",
        "one below another",
        one_below_another,
        "torch.vstack torch.row_stack (%%tensors, *, -out=None)",
    ).having("joins"),
    Entry(
        "dstack", "combine", "one behind another", one_behind_another, "torch.dstack(%%tensors, *, -out=None)"
    ).having("joins"),
    Entry("column_stack", "combine", "as columns", columns, "torch.column_stack(%%tensors, *, -out=None)"),
    Entry("block_diag", "combine", "as blocks of a diagonal", block_diagonal, "torch.block_diag(*%%tensors)"),
    Entry("cartesian_prod", "combine", "all combinations", product, "torch.cartesian_prod(*%%tensors)"),
    Entry(
        "combinations",
        "combine",
        "all combinations of one tensor's elements",
        unknown,
        "torch.combinations(%input, r=2, with_replacement=False)",
    ),
    Entry("meshgrid", "shape", "coordinates of a grid", grid, "torch.meshgrid(*%%tensors, indexing=None)"),
    Entry(
        "broadcast_tensors", "shape", "all in their common shape", broadcast_each, "torch.broadcast_tensors(*%%tensors)"
    ),
    Entry(
        "cross",
        "combine",
        "vector product",
        broadcast_all,
        "torch.cross x.cross (%input, %other, dim=None, *, -out=None)\ntorch.linalg.cross(%input, %other, *, dim=-1, -out=None)",
    ),
    Entry(
        "cdist",
        "combine",
        "distances between all pairs of rows of two tensors",
        distances,
        "torch.cdist(%x1, %x2, p=2.0, compute_mode='use_mm_for_euclid_dist_if_necessary')",
    ),
    Entry("pdist", "combine", "distances between all pairs of rows", all_pairs, "torch.pdist F.pdist (%input, p=2.0)"),
    Entry("dist", "combine", "norm of the difference", scalar, "torch.dist x.dist (%input, %other, p=2)"),
    _into("masked_fill", "value where a mask holds", "%mask, %value").having("masks", "carries_terms", "map_places"),
    _into("masked_scatter", "source's elements where a mask holds", "%mask, %source"),
    _into(
        "scatter",
        "src written at an index along a dimension",
        "dim, %index, %src=None, *, value=None, reduce=None, -out=None",
    ),
    _into("scatter_add", "src added at an index along a dimension", "dim, %index, %src, *, -out=None").having("puts"),
    _into(
        "scatter_reduce",
        "src reduced at an index along a dimension",
        "dim, %index, %src, reduce, *, include_self=True, -out=None",
    ),
    _into("index_add", "source added at an index", "dim, %index, %source, *, alpha=1, -out=None").having("puts"),
    _into("index_copy", "source copied to an index", "dim, %index, %source, *, -out=None"),
    _into("index_fill", "value at an index", "dim, %index, %value"),
    _into(
        "index_reduce", "source reduced at an index", "dim, %index, %source, reduce, *, include_self=True, -out=None"
    ),
    _into("index_put", "values at indices", "%%indices, %values, accumulate=False").having("puts"),
    _into("put", "source at flat indices", "%index, %source, accumulate=False"),
    _into("select_scatter", "src in the place of one slice", "%src, dim, index", in_place=False),
    _into("slice_scatter", "src in the place of a range", "%src, dim=0, start=None, end=None, step=1", in_place=False),
    _into("diagonal_scatter", "src in the place of a diagonal", "%src, offset=0, dim1=0, dim2=1", in_place=False),
    Entry("copy_", "combine", "overwritten by another", same, "x.copy_(%self, %src, -non_blocking=False)"),
    Entry(
        "fill_diagonal_",
        "combine",
        "diagonal overwritten by a number",
        same,
        "x.fill_diagonal_(%self, fill_value, wrap=False)",
    ),
    Entry("setitem", "combine", "values written at an index: config `index` as in getitem", same, "").having("puts"),
)
