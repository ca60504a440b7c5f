"""einops: rearrange, reduce, repeat by pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from vglint.ops.entry import Entry
from vglint.ops.shapes import add, divide, first, integer, merge, multiply, unknown
from vglint.ops.spec import Call, Many, Result, Tensor
from vglint.regex import regex
from vglint.shape import Dim, Shape
from vglint.value import Literal_

_TOKEN = regex(r"\(|\)|\.\.\.|…|\w+")


def patterned(call: Call) -> Result:
    """The right side of the pattern, its axes sized by the left side and by the axis lengths given in config."""
    pattern = call.config["pattern"]
    if not isinstance(pattern, str):
        return Tensor()
    return Tensor(rearranged(pattern, first(call), call.config))


def rearranged(pattern: str, shape: Shape | None, lengths: Mapping[str, Literal_]) -> Shape | None:
    """Returns the shape that the pattern gives; raises ValueError where it does not fit."""
    left, arrow, right = pattern.partition("->")
    if not arrow:
        raise ValueError(f"no -> in {pattern!r}")
    before, after = groups(left), groups(right)
    sizes: dict[str, Dim] = {
        name: integer(lengths[name])
        for group in (*before, *after)
        for name in group
        if name in lengths and name not in _OWN
    }
    if any("..." in group and len(group) > 1 for group in before):
        raise ValueError(f"an ellipsis in parentheses on the left of {pattern!r}")
    dots: Shape | None = ()
    if ["..."] in before:
        place = before.index(["..."])
        if shape is None:
            dots = None
        else:
            extra = len(shape) - len(before) + 1
            dots = shape[place : place + extra]
            shape = (*shape[:place], *shape[place + extra :])
        before = [*before[:place], *before[place + 1 :]]
    if shape is not None and len(shape) != len(before):
        raise ValueError(f"{pattern!r} does not fit {len(shape)} dimensions")
    for position, group in enumerate(before):
        _solve(group, None if shape is None else shape[position], sizes)
    out: list[Dim] = []
    for group in after:
        if group == ["..."]:
            if dots is None:
                return None
            out += dots
        elif "..." in group:
            out.append(
                None if dots is None else multiply((*dots, *(_size(name, sizes) for name in group if name != "...")))
            )
        else:
            out.append(multiply(_size(name, sizes) for name in group))
    return tuple(out)


def pair(call: Call) -> Result:
    """The packed tensor, and the shapes that `unpack` needs."""
    return (Tensor(packed(call.config["pattern"], call.inputs)), Tensor())


def packed(pattern: Literal_, shapes: Sequence[Shape | None]) -> Shape | None:
    """Returns the shape of tensors joined along the star of a pattern (`b * c`), each with the dimensions there flattened."""
    if not isinstance(pattern, str) or (place := starred(pattern)) is None:
        return None
    behind = len(pattern.split()) - place - 1
    known = [shape for shape in shapes if shape is not None]
    if not known:
        return None
    if any(len(shape) < place + behind for shape in known):
        raise ValueError(f"{pattern!r} needs at least {place + behind} dimensions")
    around = [(*shape[:place], *shape[len(shape) - behind :]) for shape in known]
    merged = tuple(reduce(merge, column) for column in zip(*around, strict=True))
    length = (
        add(*(multiply(shape[place : len(shape) - behind]) for shape in known)) if len(known) == len(shapes) else None
    )
    return (*merged[:place], length, *merged[place:])


def unpacked(pattern: Literal_, whole: Shape | None, part: Shape | None) -> Shape | None:
    """Returns the shape of one tensor that `unpack` takes out of `whole`, which was packed with the shape `part`."""
    if not isinstance(pattern, str) or whole is None or part is None or (place := starred(pattern)) is None:
        return None
    behind = len(pattern.split()) - place - 1
    if len(whole) != place + behind + 1 or len(part) < place + behind:
        return None
    return (*whole[:place], *part[place : len(part) - behind], *whole[place + 1 :])


def starred(pattern: str) -> int | None:
    """Returns where the star of the pattern of a `pack` stands."""
    names = pattern.split()
    return names.index("*") if names.count("*") == 1 else None


def many(call: Call) -> Result:
    return Many()


_OWN = frozenset({"pattern", "reduction"})


def _solve(group: list[str], size: Dim, sizes: dict[str, Dim]) -> None:
    missing = [name for name in group if not name.isdigit() and sizes.get(name) is None]
    if len(missing) == 1:
        rest = multiply(_size(name, sizes) for name in group if name != missing[0])
        sizes[missing[0]] = divide(size, rest)
    elif not missing and len(group) == 1:
        sizes[group[0]] = merge(sizes.get(group[0]), size)


def _size(name: str, sizes: Mapping[str, Dim]) -> Dim:
    return int(name) if name.isdigit() else sizes.get(name)


def groups(side: str) -> list[list[str]]:
    groups: list[list[str]] = []
    inside = False
    for token in _TOKEN.findall(side):
        if token == "(":
            groups.append([])
            inside = True
        elif token == ")":
            inside = False
            if groups[-1] == ["..."]:
                groups[-1].append("1")  # `(...)` is one dimension, `...` as many as there are
        elif inside:
            groups[-1].append("..." if token == "…" else token)
        else:
            groups.append(["..." if token == "…" else token])
    return groups


ENTRIES = (
    Entry(
        "rearrange",
        "shape",
        "dimensions split, joined and permuted by a pattern",
        patterned,
        """einops.rearrange(%tensor, pattern, **axes_lengths)
        einops.layers.torch.Rearrange(pattern, **axes_lengths)(%input)""",
    ).having("map_places"),
    Entry(
        "einops_reduce",
        "reduce",
        "dimensions split, permuted and reduced by a pattern",
        patterned,
        """einops.reduce(%tensor, pattern, reduction, **axes_lengths)
        einops.layers.torch.Reduce(pattern, reduction, **axes_lengths)(%input)""",
    ),
    Entry(
        "einops_repeat",
        "shape",
        "dimensions repeated by a pattern",
        patterned,
        "einops.repeat(%tensor, pattern, **axes_lengths)",
    ),
    Entry(
        "einops_einsum",
        "combine",
        "sums of products by axis names",
        unknown,
        "einops.einsum(*%%tensors_and_pattern)",
    ),
    Entry(
        "einops_pack", "combine", "tensors flattened and joined along one axis", pair, "einops.pack(%%tensors, pattern)"
    ).having("map_parting", "refits"),
    Entry(
        "einops_unpack", "shape", "the inverse of pack", many, "einops.unpack(%tensor, packed_shapes, pattern)"
    ).having("map_places", "refits"),
)
