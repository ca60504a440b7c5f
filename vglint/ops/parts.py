"""Operations that take tensors apart: splitting, indexing, gathering, diagonals."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.ops.entry import Entry
from vglint.ops.indexing import getitem_result
from vglint.ops.shapes import (
    add,
    axis,
    broadcast,
    divide,
    first,
    integer,
    merge,
    multiply,
    replace,
    same,
    sizes,
    tensor,
    whole,
)
from vglint.ops.spec import Call, Many, Result, Tensor
from vglint.shape import Dim, Shape
from vglint.value import Unknown, divided


def narrowed(call: Call) -> Result:
    shape = first(call)
    if shape is None:
        return Tensor()
    return Tensor(replace(shape, axis(call.config["dim"], len(shape)), integer(call.config.get("length"))))


def selected(call: Call) -> Result:
    shape = first(call)
    if shape is None:
        return Tensor()
    place = axis(call.config["dim"], len(shape))
    return Tensor((*shape[:place], *shape[place + 1 :]))


def chunked(call: Call) -> Result:
    """At most `chunks` pieces of equal size, the last one smaller."""
    shape, count, dim = first(call), call.config["chunks"], call.config.get("dim", 0)
    if not isinstance(count, int):
        return Many()
    if shape is None:
        return _times(Tensor(), count)
    place = axis(dim, len(shape))
    size = shape[place]
    if isinstance(size, int):
        return _pieces(shape, place, _equal(size, -(-size // count)))
    return _times(Tensor(replace(shape, place, divide(size, count))), count)


def split_result(call: Call) -> Result:
    """Pieces of the given size, or one of each given size."""
    config, shape = call.config, first(call)
    wanted = config.get("split_size_or_sections", config.get("split_size", config.get("split_sizes")))
    if isinstance(wanted, tuple):
        each = sizes(wanted)
        if each is None or (len(wanted) == 1 and isinstance(wanted[0], Unknown)):
            return Many()
        if shape is None:
            return _times(Tensor(), len(each))
        return _pieces(shape, axis(config.get("dim", 0), len(shape)), each)
    size = integer(wanted)
    if shape is None or size is None:
        return Many()
    place = axis(config.get("dim", 0), len(shape))
    whole_size = shape[place]
    if isinstance(size, int) and isinstance(whole_size, int):
        return _pieces(shape, place, _equal(whole_size, size))
    count = None if whole_size is None else divided(whole_size, size)
    if isinstance(count, int):
        return _times(Tensor(replace(shape, place, size)), count)
    return Many(Tensor(replace(shape, place, size)))


def parted(call: Call) -> Result:
    """tensor_split: that many nearly equal parts, or cuts at indices."""
    shape, wanted = first(call), call.config["indices_or_sections"]
    count = len(wanted) + 1 if isinstance(wanted, tuple) else wanted
    if not isinstance(count, int):
        return Many()
    if shape is None:
        return _times(Tensor(), count)
    place = axis(call.config.get("dim", 0), len(shape))
    size = shape[place]
    if isinstance(wanted, tuple):
        cuts = [0, *(whole(item) for item in wanted)]
        last = [integer(item) for item in (*wanted, None)]
        return _pieces(
            shape,
            place,
            [add(end, -begin) if end is not None else add(size, -begin) for begin, end in zip(cuts, last, strict=True)],
        )
    if not isinstance(size, int):
        return _times(Tensor(replace(shape, place, divide(size, count))), count)
    return _pieces(shape, place, [size // count + (part < size % count) for part in range(min(count, MOST + 1))])


def unbound(call: Call) -> Result:
    """One tensor per place along `dim`."""
    shape = first(call)
    if shape is None:
        return Many()
    place = axis(call.config.get("dim", 0), len(shape))
    each, size = Tensor((*shape[:place], *shape[place + 1 :])), shape[place]
    return _times(each, size) if isinstance(size, int) else Many(each)


def by_index(call: Call) -> Result:
    """gather: the index's shape."""
    return Tensor(tensor(call, "index"))


def taken_along(call: Call) -> Result:
    shape, indices = first(call), tensor(call, "indices")
    dim = call.config.get("dim")
    if dim is None:
        return Tensor((multiply(indices) if indices is not None else None,))
    if shape is None or indices is None:
        return Tensor()
    place = axis(dim, len(shape))
    together = broadcast((replace(shape, place, 1), replace(indices, place, 1)))
    return Tensor(None if together is None else replace(together, place, indices[place]))


def index_selected(call: Call) -> Result:
    shape, index = first(call), tensor(call, "index")
    if shape is None:
        return Tensor()
    return Tensor(replace(shape, axis(call.config["dim"], len(shape)), index[0] if index else None))


def vector(call: Call) -> Result:
    """Selected values in a row: their number depends on the data."""
    return Tensor((None,))


def windows(call: Call) -> Result:
    """x.unfold: windows along one dimension, stacked last."""
    shape, config = first(call), call.config
    if shape is None:
        return Tensor()
    place, size, step = axis(config["dimension"], len(shape)), integer(config["size"]), whole(config["step"])
    return Tensor((*replace(shape, place, add(_floor(add(shape[place], multiply((-1, size))), step), 1)), size))


def diagonal_of(call: Call) -> Result:
    """The diagonal of two dimensions, last."""
    shape, config = first(call), call.config
    if shape is None:
        return Tensor()
    default = (0, 1) if config.get("dim1", 0) == 0 else (-2, -1)
    one, two = axis(config.get("dim1", default[0]), len(shape)), axis(config.get("dim2", default[1]), len(shape))
    rest = tuple(size for place, size in enumerate(shape) if place not in (one, two))
    return Tensor((*rest, _diagonal(shape[one], shape[two], whole(config.get("offset", 0)))))


def diag_result(call: Call) -> Result:
    """A vector becomes a matrix, a matrix its diagonal."""
    shape, offset = first(call), whole(call.config.get("diagonal", 0))
    if shape is None:
        return Tensor()
    if len(shape) == 1:
        size = add(shape[0], abs(offset))
        return Tensor((size, size))
    return Tensor((_diagonal(shape[0], shape[1], offset),))


def diag_embedded(call: Call) -> Result:
    shape, config = first(call), call.config
    if shape is None:
        return Tensor()
    size = add(shape[-1], abs(whole(config.get("offset", 0))))
    rank = len(shape) + 1
    places = {axis(config.get("dim1", -2), rank), axis(config.get("dim2", -1), rank)}
    rest = iter(shape[:-1])
    return Tensor(tuple(size if place in places else next(rest) for place in range(rank)))


def diag_flat(call: Call) -> Result:
    shape = first(call)
    size = None if shape is None else add(multiply(shape), abs(whole(call.config.get("offset", 0))))
    return Tensor((size, size))


def _diagonal(rows: Dim, columns: Dim, offset: int) -> Dim:
    if isinstance(rows, int) and isinstance(columns, int):
        return max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    return merge(rows, columns) if offset == 0 and rows == columns else None


def _floor(size: Dim, step: int) -> Dim:
    return size // step if isinstance(size, int) else None


MOST = 1_024
"""Results of one call that are told apart."""


def _equal(size: int, piece: int) -> list[int]:
    """Returns the sizes of equal pieces and of the rest, no more of them than one above the most that are told apart."""
    full, rest = divmod(size, piece) if piece else (1, 0)
    return [piece] * min(full, MOST + 1) + ([rest] if rest else [])


def _pieces(shape: Shape, place: int, each: Sequence[Dim]) -> Result:
    if len(each) > MOST:
        return Many(Tensor(replace(shape, place, each[0])))
    return tuple(Tensor(replace(shape, place, size)) for size in each)


def _times(each: Tensor, count: int) -> Result:
    return (each,) * count if count <= MOST else Many(each)


def _keep(name: str, summary: str, spellings: str) -> Entry:
    return Entry(name, "shape", summary, same, spellings)


ENTRIES = (
    _keep("tril", "lower triangle, zeros above", "torch.tril x.tril x.tril_ (%input, diagonal=0, *, -out=None)").having(
        "triangle"
    ),
    _keep("triu", "upper triangle, zeros below", "torch.triu x.triu x.triu_ (%input, diagonal=0, *, -out=None)").having(
        "triangle"
    ),
    Entry(
        "diag",
        "shape",
        "diagonal of a matrix, or matrix of a diagonal",
        diag_result,
        "torch.diag x.diag (%input, diagonal=0, *, -out=None)",
    ),
    Entry(
        "diagonal",
        "shape",
        "diagonal of two dimensions",
        diagonal_of,
        "torch.diagonal x.diagonal (%input, offset=0, dim1=0, dim2=1)\ntorch.linalg.diagonal(%A, *, offset=0, dim1=-2, dim2=-1)",
    ).having("shares"),
    Entry(
        "diag_embed",
        "shape",
        "vectors as diagonals",
        diag_embedded,
        "torch.diag_embed x.diag_embed (%input, offset=0, dim1=-2, dim2=-1)",
    ),
    Entry(
        "diagflat", "shape", "all elements as one diagonal", diag_flat, "torch.diagflat x.diagflat (%input, offset=0)"
    ),
    Entry("trace", "reduce", "sum of the diagonal", lambda call: Tensor(()), "torch.trace x.trace (%input)"),
    Entry(
        "narrow", "shape", "a range of one dimension", narrowed, "torch.narrow x.narrow (%input, dim, start, length)"
    ).having("picks", "map_parting", "shares"),
    Entry(
        "select", "shape", "one place of one dimension", selected, "torch.select x.select (%input, dim, index)"
    ).having("picks", "map_parting", "shares"),
    Entry(
        "chunk", "shape", "that many pieces", chunked, "torch.chunk torch.unsafe_chunk x.chunk (%input, chunks, dim=0)"
    ).having("splits", "map_places", "shares"),
    Entry(
        "split",
        "shape",
        "pieces of given size",
        split_result,
        """torch.split(%tensor, split_size_or_sections, dim=0)
        x.split(%self, split_size, dim=0)
        torch.split_with_sizes x.split_with_sizes (%input, split_sizes, dim=0)""",
    ).having("splits", "map_places", "shares"),
    Entry(
        "tensor_split",
        "shape",
        "nearly equal parts",
        parted,
        "torch.tensor_split x.tensor_split (%input, indices_or_sections, dim=0)",
    ).having("splits", "shares"),
    Entry(
        "unbind", "shape", "one tensor per place of a dimension", unbound, "torch.unbind x.unbind (%input, dim=0)"
    ).having("splits", "shares"),
    Entry(
        "gather",
        "shape",
        "values at an index along a dimension",
        by_index,
        "torch.gather x.gather (%input, dim, %index, *, sparse_grad=False, -out=None)",
    ).having("gathers"),
    Entry(
        "take_along_dim",
        "shape",
        "values at indices along a dimension",
        taken_along,
        "torch.take_along_dim x.take_along_dim (%input, %indices, dim=None, *, -out=None)",
    ).having("gathers"),
    Entry("take", "shape", "values at flat indices", by_index, "torch.take x.take (%input, %index)"),
    Entry(
        "index_select",
        "shape",
        "places of one dimension",
        index_selected,
        "torch.index_select x.index_select (%input, dim, %index, *, -out=None)",
    ).having("gathers"),
    Entry(
        "masked_select",
        "shape",
        "values where a mask holds",
        vector,
        "torch.masked_select x.masked_select (%input, %mask, *, -out=None)",
    ),
    Entry("getitem", "shape", "indexing: see vglint.ops.indexing", getitem_result, "").having(
        "picks", "map_parts", "map_parting", "shares"
    ),
    Entry(
        "tensor_unfold",
        "shape",
        "sliding windows along one dimension",
        windows,
        "x.unfold(%self, dimension, size, step)",
    ).having("shares"),
)
