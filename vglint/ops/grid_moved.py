"""Grids that are views, parts and rows of others: what moves entries and computes none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from vglint.ops.curves import Get
from vglint.ops.einops import groups
from vglint.ops.grid import Grid, Maker, common, permuted, reshaped, sizes_of, stretched
from vglint.value import Literal_


def _view(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    wanted = sizes_of(get("size") if get("size") is not None else get("shape"))
    return None if wanted is None else reshaped(inputs[0], wanted)


def _flatten(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    source = inputs[0]
    start, end = get("start_dim") or 0, get("end_dim")
    end = -1 if end is None else end
    if not isinstance(start, int) or not isinstance(end, int):
        return None
    rank = max(len(source.shape), 1)
    first, last = start % rank, end % rank
    shape = (*source.shape[:first], math.prod(source.shape[first : last + 1]), *source.shape[last + 1 :])
    return reshaped(source, shape)


def _unsqueeze(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    source, dim = inputs[0], get("dim")
    if not isinstance(dim, int):
        return None
    place = dim % (len(source.shape) + 1)
    return reshaped(source, (*source.shape[:place], 1, *source.shape[place:]))


def _squeeze(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    source, dim = inputs[0], get("dim")
    if dim is None:
        return reshaped(source, tuple(size for size in source.shape if size != 1))
    dims = sizes_of(dim)
    if dims is None:
        return None
    gone = {one % len(source.shape) for one in dims}
    return reshaped(source, tuple(size for i, size in enumerate(source.shape) if i not in gone or size != 1))


def _transpose(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    source = inputs[0]
    one, other = get("dim0"), get("dim1")
    order = list(range(len(source.shape)))
    if one is None and other is None:
        return permuted(source, order[::-1])
    if not isinstance(one, int) or not isinstance(other, int):
        return None
    order[one], order[other] = order[other], order[one]
    return permuted(source, order)


def _permute(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    dims = sizes_of(get("dims"))
    return None if dims is None else permuted(inputs[0], [dim % len(dims) for dim in dims])


def _expand(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    source, wanted = inputs[0], sizes_of(get("sizes") if get("sizes") is not None else get("size"))
    if wanted is None:
        return None
    extra = len(wanted) - len(source.shape)
    shape = tuple(source.shape[i - extra] if size == -1 else size for i, size in enumerate(wanted))
    return stretched(source, shape) if common(source.shape, shape) == shape else None


def _repeat(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    source, counts = inputs[0], sizes_of(get("repeats") if get("repeats") is not None else get("dims"))
    if counts is None:
        return None
    own = (1,) * (len(counts) - len(source.shape)) + source.shape
    counts = (1,) * (len(own) - len(counts)) + counts
    wide = reshaped(source, own)

    def at(index: tuple[int, ...]) -> float:
        return wide.at(tuple(place % size for place, size in zip(index, own, strict=True)))

    return Grid(tuple(size * count for size, count in zip(own, counts, strict=True)), at)


def _repeat_interleave(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    source, count, dim = inputs[0], get("repeats"), get("dim")
    if not isinstance(count, int) or count < 1 or not (dim is None or isinstance(dim, int)):
        return None
    wide = reshaped(source, (math.prod(source.shape),)) if dim is None else source
    place = 0 if dim is None else dim % len(wide.shape)

    def at(index: tuple[int, ...]) -> float:
        return wide.at((*index[:place], index[place] // count, *index[place + 1 :]))

    return Grid((*wide.shape[:place], wide.shape[place] * count, *wide.shape[place + 1 :]), at)


def _cat(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    dim = get("dim")
    dim = 0 if dim is None else dim
    if not isinstance(dim, int) or not inputs:
        return None
    place = dim % len(inputs[0].shape)
    ends = list(itertools.accumulate(each.shape[place] for each in inputs))

    def at(index: tuple[int, ...]) -> float:
        part = next(i for i, end in enumerate(ends) if index[place] < end)
        start = ends[part - 1] if part else 0
        return inputs[part].at((*index[:place], index[place] - start, *index[place + 1 :]))

    shape = inputs[0].shape
    return Grid((*shape[:place], ends[-1], *shape[place + 1 :]), at)


def _stack(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    dim = get("dim")
    dim = 0 if dim is None else dim
    if not isinstance(dim, int) or not inputs or any(each.shape != inputs[0].shape for each in inputs):
        return None
    place = dim % (len(inputs[0].shape) + 1)
    shape = inputs[0].shape
    return Grid(
        (*shape[:place], len(inputs), *shape[place:]),
        lambda index: inputs[index[place]].at((*index[:place], *index[place + 1 :])),
    )


def _meshgrid(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    """All coordinates, one grid for each input, side by side along a first dimension."""
    shape = tuple(each.shape[0] if each.shape else 1 for each in inputs)
    order = list(range(len(inputs)))
    if get("indexing") == "xy" and len(order) > 1:
        order[0], order[1] = 1, 0
    sizes = tuple(shape[dim] for dim in order)
    return Grid((len(inputs), *sizes), lambda index: inputs[index[0]].at((index[1:][order[index[0]]],)))


def _unbind(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    dim = get("dim") or 0
    source = inputs[0]
    if not isinstance(dim, int):
        return None
    place = dim % len(source.shape)
    return permuted(source, [place, *(i for i in range(len(source.shape)) if i != place)])


def _chunk(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    """Equal parts, side by side along a first dimension."""
    source, dim, count = inputs[0], get("dim") or 0, get("chunks")
    if not isinstance(dim, int) or not isinstance(count, int):
        return None
    place = dim % len(source.shape)
    each, rest = divmod(source.shape[place], count)
    if rest:
        return None
    cut = reshaped(source, (*source.shape[:place], count, each, *source.shape[place + 1 :]))
    return permuted(cut, [place, *(i for i in range(len(cut.shape)) if i != place)])


def _getitem(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    if len(inputs) != 1:
        return None
    found = selected(get("index"), inputs[0].shape)
    if found is None:
        return None
    shape, place = found
    source = inputs[0]
    return Grid(shape, lambda index: source.at(place(index)))


def _setitem(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    source = inputs[0]
    index = get("index")
    found = selected(index, source.shape)
    if found is None or len(inputs) != 2:
        return None
    shape, _ = found
    written = stretched(inputs[1], shape) if common(inputs[1].shape, shape) == shape else None
    if written is None:
        return None
    inside = _inverse(index, source.shape)
    if inside is None:
        return None
    own, new = source, written

    def at(spot: tuple[int, ...]) -> float:
        at_ = inside(spot)
        return own.at(spot) if at_ is None else new.at(at_)

    return Grid(source.shape, at)


def _inverse(index: Literal_, shape: tuple[int, ...]) -> Callable[[tuple[int, ...]], tuple[int, ...] | None] | None:
    """Returns which place of a written part a place of the whole is, None where it is not written."""
    items = list(index) if isinstance(index, tuple) and index[:1] != ("slice",) else [index]
    if "..." in items:
        gap = items.index("...")
        items[gap : gap + 1] = [("slice", None, None, None)] * (len(shape) - len(items) + 1)
    items += [("slice", None, None, None)] * (len(shape) - len(items))
    ranges: list[range | int] = []
    for item, size in zip(items, shape, strict=True):
        if isinstance(item, int) and not isinstance(item, bool):
            ranges.append(item % size)
        elif isinstance(item, tuple) and item[:1] == ("slice",):
            cut = _cut(size, item)
            if cut is None:
                return None
            ranges.append(cut)
        else:
            return None

    def at(spot: tuple[int, ...]) -> tuple[int, ...] | None:
        found = []
        for place, span in zip(spot, ranges, strict=True):
            if isinstance(span, int):
                if place != span:
                    return None
            elif place in span:
                found.append(span.index(place))
            else:
                return None
        return tuple(found)

    return at


def _patterned(get: Get, inputs: Sequence[Grid]) -> Grid | None:
    """einops: dimensions split, joined, moved and repeated."""
    pattern, source = get("pattern"), inputs[0]
    if not isinstance(pattern, str) or "->" not in pattern:
        return None
    before, _, after = pattern.partition("->")
    if "(...)" in before.replace(" ", ""):
        return None
    if "..." in before:
        held = range(len(source.shape) - len(groups(before.replace("...", ""))))
        names = " ".join(f"_{number}" for number in held)
        before, after = before.replace("...", names), after.replace("...", names)
    elif "..." in after:
        return None
    left, right = groups(before), groups(after)
    sizes: dict[str, int] = {}
    for name in {name for group in (*left, *right) for name in group if not name.isdigit()}:
        if isinstance(given := get(name), int):
            sizes[name] = given
    for group, size in zip(left, source.shape, strict=True):
        missing = [name for name in group if not name.isdigit() and name not in sizes]
        if len(missing) == 1:
            sizes[missing[0]] = size // math.prod(sizes[name] for name in group if name in sizes)

    def length(name: str) -> int:
        return int(name) if name.isdigit() else sizes[name]

    shape = tuple(math.prod(map(length, group)) for group in right)

    def at(index: tuple[int, ...]) -> float:
        place: dict[str, int] = {}
        for group, spot in zip(right, index, strict=True):
            for name in reversed(group):
                spot, place[name] = divmod(spot, length(name))
        found = []
        for group in left:
            flat = 0
            for name in group:
                flat = flat * length(name) + (0 if name.isdigit() else place[name])
            found.append(flat)
        return source.at(tuple(found))

    return Grid(shape, at)


def selected(
    index: Literal_, shape: tuple[int, ...]
) -> tuple[tuple[int, ...], Callable[[tuple[int, ...]], tuple[int, ...]]] | None:
    """Returns the sizes of `x[index]`, and which place of x each of its places is; None for an index that is not plain."""
    items = list(index) if isinstance(index, tuple) and index[:1] not in (("slice",), ("list",)) else [index]
    consumed = sum(item is not None and item != "..." for item in items)
    if "..." not in items:
        items.append("...")
    gap = items.index("...")
    items[gap : gap + 1] = [("slice", None, None, None)] * (len(shape) - consumed)
    sizes: list[int] = []
    steps: list[Callable[[tuple[int, ...]], int]] = []
    dims = iter(shape)
    for item in items:
        at = len(sizes)
        if item is None:
            sizes.append(1)
            continue
        size = next(dims, None)
        if size is None:
            return None  # more indices than dimensions
        if isinstance(item, int) and not isinstance(item, bool):
            steps.append(lambda index, fixed=item % size: fixed)  # type: ignore[misc]
            continue
        if not isinstance(item, tuple):
            return None
        if item[0] == "slice":
            cut = _cut(size, item)
            if cut is None:
                return None
            places: Sequence[int] = cut
        else:
            numbers = item[1:] if item[0] == "list" else item
            if not all(isinstance(one, int) for one in numbers):
                return None
            places = [int(one) % size for one in numbers if isinstance(one, int)]
        sizes.append(len(places))
        steps.append(lambda index, at=at, places=places: places[index[at]])  # type: ignore[misc]
    return tuple(sizes), lambda index: tuple(step(index) for step in steps)


def _cut(size: int, item: tuple[Literal_, ...]) -> range | None:
    """Returns the places that a slice takes of a dimension."""
    start, stop, step = item[1:]
    if not (start is None or isinstance(start, int)) or not (stop is None or isinstance(stop, int)):
        return None
    return range(size)[slice(start, stop, step)] if step is None or isinstance(step, int) else None


MOVED: Mapping[str, Maker] = {
    "view": _view, "reshape": _view, "flatten": _flatten, "ravel": lambda get, inputs: reshaped(inputs[0], (-1,)),
    "unsqueeze": _unsqueeze, "squeeze": _squeeze, "transpose": _transpose, "t": _transpose, "T": _transpose, "permute": _permute,
    "expand": _expand, "broadcast_to": _expand, "repeat": _repeat, "tile": _repeat, "repeat_interleave": _repeat_interleave,
    "cat": _cat, "concat": _cat, "stack": _stack, "meshgrid": _meshgrid, "unbind": _unbind, "chunk": _chunk,
    "getitem": _getitem, "select": _getitem, "setitem": _setitem, "rearrange": _patterned, "einops_repeat": _patterned,
}  # fmt: skip
"""By op."""
