"""The shape of `x[index]`.

Config `index` is a tuple of items, as Python hands it to `__getitem__` (a lone index is a tuple of one):
an integer (plain, symbolic or Unknown), None, "..." for Ellipsis, ("slice", start, stop, step) for a slice, True/False,
("list", i, j, …) for a list of integers (inside a longer index also a bare tuple), "tensor" for the next tensor input: a single number, or, where it
is the whole index, integers. An index that is Unknown as a whole gives an unknown shape.
"""

from __future__ import annotations

from collections.abc import Iterator

from vglint import origin
from vglint.ops.shapes import add, broadcast, floor_divide, multiply
from vglint.ops.spec import Call, Result, Tensor
from vglint.shape import Dim, Shape
from vglint.value import Expr, Literal_, Unknown


def getitem_result(call: Call) -> Result:
    index = call.config.get("index")
    if index == "tensor" and len(call.inputs) == 2:
        rows, places = call.inputs
        return Tensor((*places, *rows[1:]) if rows and places is not None else None)
    return Tensor(indexed(call.inputs[0], index if isinstance(index, tuple) else (index,), tuple(call.inputs[1:])))


def indexed(shape: Shape | None, index: tuple[Literal_, ...], tensors: tuple[Shape | None, ...] = ()) -> Shape | None:
    """Returns the shape of x[index]; a tensor among the indices may be a mask, so only one that is a single number is followed."""
    if shape is None or any(tensor != () for tensor in tensors):
        return None
    if index and index[0] in ("slice", "list"):
        # A lone slice or list that was not wrapped.
        index = (index,)
    consumed = sum(1 for item in index if not (item is None or item == "..." or isinstance(item, bool)))
    if "..." not in index:
        index = (*index, "...")
    left = len(shape) - consumed
    if left < 0:
        raise ValueError(f"{consumed} indices into {len(shape)} dimensions")
    sizes = iter(shape)
    out: list[Dim] = []
    lists: list[Shape] = []
    places: list[int] = []
    for position, item in enumerate(index):
        if item is None:
            out.append(1)
        elif item == "...":
            out += _take(sizes, left)
        elif isinstance(item, bool):
            raise ValueError("a bool as index")
        elif isinstance(item, tuple) and item[:1] == ("slice",):
            out.append(sliced(next(sizes), item[1:]))
        elif isinstance(item, tuple):
            next(sizes)
            lists.append((len(item) - (item[:1] == ("list",)),))
            places.append(position)
            if len(lists) == 1:
                out.append(-1)
        elif (
            item == "tensor"
            or isinstance(item, (int, Expr))
            or (isinstance(item, Unknown) and isinstance(item.origin, origin.Length))
        ):
            next(sizes)
        elif isinstance(item, Unknown):
            # It may be an integer, a slice or a tensor.
            return None
        else:
            raise ValueError(f"an index {item!r}")
    if not lists:
        return tuple(out)
    if places[-1] - places[0] >= len(places):
        # Lists that do not stand side by side put their dimension first.
        out.remove(-1)
        out.insert(0, -1)
    together = broadcast(lists)
    return tuple(together[0] if together and size == -1 else size for size in out)


def sliced(size: Dim, bounds: tuple[Literal_, ...]) -> Dim:
    """Returns the length of size[start:stop:step]; a symbolic size is taken to be larger than its bounds."""
    start, stop, step = (*bounds, None, None, None)[:3]
    if any(isinstance(bound, Unknown) for bound in (start, stop, step)):
        return None
    if step not in (None, 1):
        if (
            isinstance(size, int)
            and isinstance(step, int)
            and all(bound is None or isinstance(bound, int) for bound in (start, stop))
        ):
            return len(range(*slice(start, stop, step).indices(size)))
        if isinstance(size, Expr) and start in (None, 0, 1) and stop is None and isinstance(step, int) and step > 0:
            return floor_divide(size, step)
        return None
    if isinstance(size, int) and all(bound is None or isinstance(bound, int) for bound in (start, stop)):
        return len(range(*slice(start, stop).indices(size)))
    if (start is None or start == 0) and stop is None:
        return size
    end = _place(size, stop, size)
    begin = _place(size, start, 0)
    if size is None and (end is None or begin is None or not _both(start, stop)):
        return None
    return None if end is None or begin is None else add(end, _negative(begin))


def _place(size: Dim, bound: Literal_, default: Dim) -> Dim:
    if bound is None:
        return default
    if isinstance(bound, int):
        return add(size, bound) if bound < 0 else bound
    return bound if isinstance(bound, Expr) else None


def _both(start: Literal_, stop: Literal_) -> bool:
    """Whether two bounds alone say a length: `x[:3]` of an unknown size may be shorter, but a program that means it has three."""
    return (start is None or isinstance(start, Expr) or (isinstance(start, int) and start >= 0)) and (
        isinstance(stop, Expr) or (isinstance(stop, int) and stop >= 0)
    )


def _negative(size: Dim) -> Dim:
    return multiply((-1, size))


def _take(sizes: Iterator[Dim], count: int) -> list[Dim]:
    return [next(sizes) for _ in range(count)]
