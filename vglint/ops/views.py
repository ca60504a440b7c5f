"""Operations that move values whole: views, permutations, repetition, casts that keep the gradient."""

from __future__ import annotations

from collections.abc import Callable

from vglint.ops.entry import Entry
from vglint.ops.shapes import (
    axis,
    divide,
    first,
    given,
    integer,
    multiply,
    replace,
    same,
    sizes,
    unknown,
    whole,
)
from vglint.ops.spec import Call, Result, Tensor
from vglint.shape import Dim, Shape
from vglint.value import Unknown


def viewed(call: Call) -> Result:
    """The sizes given, -1 worked out from the number of elements."""
    wanted = call.config.get("size", call.config.get("shape"))
    if isinstance(wanted, str) or (isinstance(wanted, tuple) and wanted and isinstance(wanted[0], str)):
        return Tensor()
    return Tensor(completed(first(call), sizes(wanted)))


def completed(shape: Shape | None, wanted: Shape | None) -> Shape | None:
    """Returns `wanted` with its -1, or its one unknown size, worked out."""
    if wanted is None:
        return None
    holes = [place for place, size in enumerate(wanted) if size == -1]
    if not holes and shape is not None and wanted.count(None) == 1:
        holes = [wanted.index(None)]
    if len(holes) != 1:
        return tuple(None if size == -1 else size for size in wanted)
    return replace(wanted, holes[0], _quotient(shape, (*wanted[: holes[0]], *wanted[holes[0] + 1 :])))


def _quotient(shape: Shape | None, known: Shape) -> Dim:
    """Product of `shape` over product of `known`; sizes that stand in both cancel, also unknown ones in the same place."""
    if shape is None:
        return None
    above, below = list(shape), list(known)
    if len(above) > 1 and below and above[0] is None and below[0] is None:
        # `x.view(x.size(0), -1)`: the batch size is unknown, but the same. A lone unknown size is a product of what it is split into.
        above, below = above[1:], below[1:]
    for size in list(below):
        if size is not None and size in above:
            above.remove(size)
            below.remove(size)
    top, bottom = multiply(above), multiply(below)
    if isinstance(top, int) and isinstance(bottom, int) and bottom and top % bottom:
        raise ValueError(f"{top} elements do not divide by {bottom}")
    return divide(top, bottom)


def like_other(call: Call) -> Result:
    return Tensor(call.inputs[1] if len(call.inputs) > 1 else None)


def flattened(call: Call) -> Result:
    """The dimensions from start_dim to end_dim become one."""
    shape = first(call)
    if shape is None:
        return (
            Tensor((None,))
            if (call.config.get("start_dim", 0), call.config.get("end_dim", -1)) == (0, -1)
            else Tensor()
        )
    if not shape:
        return Tensor((1,))
    start, end = (
        axis(call.config.get(name, default), len(shape)) for name, default in (("start_dim", 0), ("end_dim", -1))
    )
    return Tensor((*shape[:start], multiply(shape[start : end + 1]), *shape[end + 1 :]))


def unflattened(call: Call) -> Result:
    """One dimension becomes several."""
    shape, wanted = first(call), sizes(call.config.get("sizes", call.config.get("unflattened_size")))
    if shape is None or wanted is None:
        return Tensor()
    dim = axis(call.config["dim"], len(shape))
    parts = completed((shape[dim],), wanted)
    return Tensor(None if parts is None else (*shape[:dim], *parts, *shape[dim + 1 :]))


def permuted(call: Call) -> Result:
    shape, dims = first(call), call.config["dims"]
    if isinstance(dims, tuple) and len(dims) == 1 and isinstance(dims[0], Unknown):
        dims = dims[0]
    if not isinstance(dims, tuple):
        return Tensor(None if shape is None else (None,) * len(shape))
    if shape is None:
        return Tensor((None,) * len(dims))
    if len(dims) != len(shape):
        raise ValueError(f"permute of {len(shape)} dimensions by {dims}")
    return Tensor(tuple(None if isinstance(dim, Unknown) else shape[axis(dim, len(shape))] for dim in dims))


def transposed(call: Call) -> Result:
    shape, config = first(call), call.config
    if shape is None:
        return Tensor()
    one = axis(config.get("dim0", config.get("axis0")), len(shape))
    two = axis(config.get("dim1", config.get("axis1")), len(shape))
    out = list(shape)
    if out:
        out[one], out[two] = out[two], out[one]
    return Tensor(tuple(out))


def reversed_dims(call: Call) -> Result:
    shape = first(call)
    return Tensor(None if shape is None else shape[::-1])


def last_two_swapped(call: Call) -> Result:
    shape = first(call)
    return Tensor(None if shape is None else (*shape[:-2], shape[-1], shape[-2]))


def moved(call: Call) -> Result:
    shape, source, destination = first(call), call.config["source"], call.config["destination"]
    if shape is None:
        return Tensor()
    froms = [axis(dim, len(shape)) for dim in (source if isinstance(source, tuple) else (source,))]
    tos = [axis(dim, len(shape)) for dim in (destination if isinstance(destination, tuple) else (destination,))]
    rest = [place for place in range(len(shape)) if place not in froms]
    order = dict(zip(tos, froms, strict=True))
    waiting = iter(rest)
    return Tensor(tuple(shape[order[place] if place in order else next(waiting)] for place in range(len(shape))))


def squeezed(call: Call) -> Result:
    """Dimensions of size 1 go; without `dim` an unknown size makes the rank unknown."""
    shape, dim = first(call), call.config.get("dim")
    if shape is None:
        return Tensor()
    if dim is None:
        if any(not isinstance(size, int) for size in shape):
            return Tensor()
        return Tensor(tuple(size for size in shape if size != 1))
    dims = {axis(item, len(shape)) for item in (dim if isinstance(dim, tuple) else (dim,))}
    if any(shape[place] is None for place in dims if shape):
        return Tensor()
    return Tensor(tuple(size for place, size in enumerate(shape) if place not in dims or size != 1))


def unsqueezed(call: Call) -> Result:
    shape = first(call)
    if shape is None:
        return Tensor()
    place = axis(call.config["dim"], len(shape) + 1)
    return Tensor((*shape[:place], 1, *shape[place:]))


def expanded(call: Call) -> Result:
    """Sizes of 1 grow; -1 keeps a size; new dimensions stand in front."""
    shape, wanted = first(call), sizes(call.config.get("size", call.config.get("shape")))
    if wanted is None:
        return Tensor()
    if shape is None:
        return Tensor(tuple(None if size == -1 else size for size in wanted))
    old: tuple[Dim, ...] = (None,) * (len(wanted) - len(shape)) + shape
    return Tensor(tuple(was if size == -1 else size for was, size in zip(old, wanted, strict=True)))


def repeated(call: Call) -> Result:
    """Each dimension as often as said; more numbers than dimensions add dimensions in front."""
    shape, times = first(call), sizes(call.config.get("repeats", call.config.get("dims")))
    if shape is None or times is None:
        return Tensor()
    rank = max(len(shape), len(times))
    pairs = zip((1,) * (rank - len(shape)) + shape, (1,) * (rank - len(times)) + times, strict=True)
    return Tensor(tuple(multiply(pair) for pair in pairs))


def interleaved(call: Call) -> Result:
    shape, dim = first(call), call.config.get("dim")
    count = None if given(call, "repeats") else integer(call.config.get("repeats"))
    if dim is None:
        return Tensor((multiply((*shape, count)) if shape is not None else None,))
    if shape is None:
        return Tensor()
    place = axis(dim, len(shape))
    return Tensor(replace(shape, place, multiply((shape[place], count))))


def rotated(call: Call) -> Result:
    shape, count, dims = first(call), whole(call.config.get("k", 1)), call.config.get("dims", (0, 1))
    if shape is None or not isinstance(dims, tuple):
        return Tensor()
    if count % 2 == 0:
        return Tensor(shape)
    one, two = (axis(dim, len(shape)) for dim in dims)
    return Tensor(replace(replace(shape, one, shape[two]), two, shape[one]))


def at_least(rank: int) -> Callable[[Call], Result]:
    """Dimensions of size 1 are added up to `rank`; several tensors give several."""

    def rule(call: Call) -> Result:
        out = tuple(Tensor(None if shape is None else _raised(shape, rank)) for shape in call.inputs)
        return out[0] if len(out) == 1 else out

    return rule


def _raised(shape: Shape, rank: int) -> Shape:
    if len(shape) >= rank:
        return shape
    if rank == 3 and shape:
        return (1, *shape, 1) if len(shape) == 1 else (*shape, 1)
    return (1,) * (rank - len(shape)) + shape


def _keep(name: str, summary: str, spellings: str) -> Entry:
    return Entry(name, "shape", summary, same, spellings)


ENTRIES = (
    _keep(
        "identity",
        "x itself",
        "nn.Identity(*-args, **-kwargs)(%input)\ntorch.autograd.Variable(%data, requires_grad=False, -volatile=False)",
    ).having("copies", "map_places", "rearranges"),
    _keep(
        "to",
        "another device or floating type",
        """x.to(%self, device=None, dtype=None, -non_blocking=False, -copy=False, *, %other=None, -memory_format=None)
        x.type(%self, dtype=None, -non_blocking=False)
        x.type_as(%self, %other)
        x.cuda(%self, -device=None, -non_blocking=False, -memory_format=None)
        x.cpu(%self, -memory_format=None)
        x.xpu x.ipu (%self, -device=None, -non_blocking=False, -memory_format=None)
        x.pin_memory x.share_memory_ (%self)"""
        + "".join(
            f"\nx.{name}(%self, -memory_format=None) | dtype='torch.{dtype}'"
            for name, dtype in (
                ("float", "float32"),
                ("double", "float64"),
                ("half", "float16"),
                ("bfloat16", "bfloat16"),
                ("cfloat", "complex64"),
                ("cdouble", "complex128"),
            )
        ),
    ).having("copies", "shape_of_other", "map_places", "rearranges"),
    _keep("contiguous", "the same values in one block", "x.contiguous(%self, -memory_format=None)").having(
        "copies", "map_along", "map_places", "rearranges"
    ),
    _keep("clone", "a copy", "torch.clone x.clone (%input, *, -memory_format=None)").having(
        "copies", "map_places", "rearranges"
    ),
    Entry(
        "view", "shape", "the same elements in another shape", viewed, "x.view(%self, *size)\nx.resize(%self, *sizes)"
    ).having("reshapes", "map_along", "map_places", "rearranges", "shares"),
    Entry(
        "reshape",
        "shape",
        "the same elements in another shape",
        viewed,
        "torch.reshape(%input, shape)\nx.reshape(%self, *shape)",
    ).having("reshapes", "map_along", "map_places", "rearranges", "shares"),
    Entry(
        "view_as", "shape", "the same elements in another's shape", like_other, "x.view_as x.reshape_as (%self, %other)"
    ).having("shape_of_other", "rearranges", "shares"),
    Entry(
        "flatten",
        "shape",
        "several dimensions become one",
        flattened,
        """nn.Flatten(start_dim=1, end_dim=-1)(%input)
        torch.flatten x.flatten (%input, start_dim=0, end_dim=-1)
        torch.ravel x.ravel (%input)""",
    ).having("map_along", "rearranges", "shares"),
    Entry(
        "unflatten",
        "shape",
        "one dimension becomes several",
        unflattened,
        "nn.Unflatten(dim, unflattened_size)(%input)\ntorch.unflatten x.unflatten (%input, dim, sizes)",
    ).having("map_along", "rearranges", "shares"),
    Entry(
        "permute",
        "shape",
        "dimensions in another order",
        permuted,
        "torch.permute(%input, dims)\nx.permute(%self, *dims)",
    ).having("transposes", "map_along", "map_places", "rearranges", "shares"),
    Entry(
        "transpose",
        "shape",
        "two dimensions swapped",
        transposed,
        """torch.transpose torch.swapdims x.transpose x.transpose_ x.swapdims x.swapdims_ (%input, dim0, dim1)
        torch.swapaxes x.swapaxes x.swapaxes_ (%input, axis0, axis1)""",
    ).having("transposes", "map_along", "map_places", "rearranges", "shares"),
    Entry("t", "shape", "a matrix transposed", reversed_dims, "torch.t x.t x.t_ x:T (%input)").having(
        "transposes", "rearranges", "shares"
    ),
    Entry(
        "mT", "shape", "matrices transposed", last_two_swapped, "x:mT x:H x:mH torch.adjoint x.adjoint (%input)"
    ).having("transposes", "rearranges", "shares"),
    Entry(
        "movedim",
        "shape",
        "dimensions moved",
        moved,
        "torch.movedim torch.moveaxis x.movedim x.moveaxis (%input, source, destination)",
    ).having("rearranges", "shares"),
    Entry(
        "squeeze",
        "shape",
        "dimensions of size 1 removed",
        squeezed,
        "torch.squeeze x.squeeze x.squeeze_ (%input, dim=None)",
    ).having("map_along", "map_places", "rearranges", "shares"),
    Entry(
        "unsqueeze",
        "shape",
        "a dimension of size 1 added",
        unsqueezed,
        "torch.unsqueeze x.unsqueeze x.unsqueeze_ (%input, dim)",
    ).having("map_along", "map_places", "rearranges", "shares"),
    Entry(
        "expand",
        "shape",
        "dimensions of size 1 repeated without copying",
        expanded,
        "x.expand(%self, *size, -implicit=False)\ntorch.broadcast_to(%input, size)\nx.broadcast_to(%self, *size)",
    ).having("map_places", "repeats", "shares"),
    Entry("expand_as", "shape", "repeated to another's shape", like_other, "x.expand_as(%self, %other)").having(
        "shape_of_other", "repeats", "shares"
    ),
    Entry(
        "repeat",
        "shape",
        "copies along each dimension",
        repeated,
        "x.repeat(%self, *repeats)\ntorch.tile(%input, dims)\nx.tile(%self, *dims)",
    ).having("map_places", "repeats"),
    Entry(
        "repeat_interleave",
        "shape",
        "each element repeated",
        interleaved,
        "torch.repeat_interleave x.repeat_interleave (%input, %repeats, dim=None, *, output_size=None)",
    ).having("repeats"),
    _keep(
        "flip",
        "reversed along dimensions",
        "torch.flip(%input, dims)\nx.flip(%self, *dims)\ntorch.fliplr torch.flipud x.fliplr x.flipud (%input)",
    ).having("rearranges"),
    _keep("roll", "moved round", "torch.roll x.roll (%input, shifts, dims=())").having("rearranges"),
    Entry("rot90", "shape", "turned by right angles", rotated, "torch.rot90 x.rot90 (%input, k=1, dims=(0, 1))"),
    Entry(
        "as_strided",
        "shape",
        "a view by strides",
        lambda call: Tensor(sizes(call.config["size"])),
        "torch.as_strided x.as_strided x.as_strided_ (%input, size, stride, storage_offset=None)",
    ).having("shares"),
    Entry("atleast_1d", "shape", "at least one dimension", at_least(1), "torch.atleast_1d(*%%tensors)").having(
        "rearranges"
    ),
    Entry("atleast_2d", "shape", "at least two dimensions", at_least(2), "torch.atleast_2d(*%%tensors)").having(
        "rearranges"
    ),
    Entry("atleast_3d", "shape", "at least three dimensions", at_least(3), "torch.atleast_3d(*%%tensors)").having(
        "rearranges"
    ),
    Entry(
        "resize",
        "shape",
        "another size, contents undefined where it grows",
        unknown,
        "x.resize_(%self, *size, -memory_format=None)\nx.resize_as_(%self, the_template, -memory_format=None)\nx.set_(%self, -source=None, -storage_offset=0, -size=None, -stride=None)",
    ),
)
