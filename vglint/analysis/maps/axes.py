"""Which dimensions of a tensor are the batch, the channels and the places, after an op that moves or regroups them."""

from __future__ import annotations

from vglint.analysis.use import Use
from vglint.shape import Dim, Shape
from vglint.value import Literal_


def axes_left(index: Literal_, axes: str | None) -> str | None:
    """Returns the roles of the dimensions that an index leaves, None where it makes or picks any in another way."""
    if axes is None or "*" in axes:
        return axes
    items = list(index) if isinstance(index, tuple) and index[:1] != ("slice",) else [index]
    if "..." in items:
        gap = items.index("...")
        items[gap : gap + 1] = [("slice", None, None, None)] * (len(axes) - len(items) + 1)
    if len(items) > len(axes) or any(item is None or isinstance(item, bool) for item in items):
        return axes
    kept = [role for item, role in zip(items, axes, strict=False) if not isinstance(item, int)]
    return "".join(kept) + axes[len(items) :]


def size_at(shape: Shape | None, axes: str) -> Dim:
    return shape[axes.index("c")] if shape is not None and "c" in axes else None


def permutation(use: Use, rank: int | None) -> list[int] | None:
    op = use.node.op
    if op == "permute":
        dims = use.get("dims")
        if not isinstance(dims, tuple) or not all(isinstance(dim, int) for dim in dims):
            return None
        return [int(dim) % len(dims) for dim in dims if isinstance(dim, int)]
    if rank is None:
        return None
    order = list(range(rank))
    if op in ("T", "t"):
        return order[::-1]
    one, other = (-2, -1) if op in ("mT", "adjoint") else (use.get("dim0"), use.get("dim1"))
    if not isinstance(one, int) or not isinstance(other, int) or not (-rank <= one < rank and -rank <= other < rank):
        return None
    order[one], order[other] = order[other], order[one]
    return order


def regroup(before: Shape | None, axes: str | None, after: Shape | None) -> str | None:
    """Returns the roles of the new dimensions by matching runs of equal size, None where sizes do not tell."""
    if before is None or after is None or axes is None or "*" in axes or len(axes) != len(before):
        return None
    roles, i, j = "", 0, 0
    while i < len(before) or j < len(after):
        if i < len(before) and j < len(after) and before[i] == after[j] and before[i] is not None:
            roles += axes[i]
            i, j = i + 1, j + 1
            continue
        if i < len(before) and before[i] == 1:
            i += 1
            continue
        if j < len(after) and after[j] == 1:
            roles += "s" if roles else "b"
            j += 1
            continue
        if i == 0 and j == 0 and before[0] is None and after[0] is None:
            roles += axes[0]
            i, j = 1, 1
            continue
        # A run of dimensions becomes another run with the same product.
        left, right, start = i, j, j
        one = other = 1
        while True:
            if one == other and left > i and right > start:
                break
            here = before[left] if left < len(before) else None
            there = after[right] if right < len(after) else None
            if one <= other and isinstance(here, int):
                one *= here
                left += 1
            elif isinstance(there, int):
                other *= there
                right += 1
            else:
                return None
        taken_roles = axes[i:left]
        merged = "c" if "c" in taken_roles else "s" if "s" in taken_roles else "b"
        count = right - j
        roles += (
            merged * count
            if len(set(taken_roles)) == 1 or count == 1
            else ("b" if "b" in taken_roles else "s") + merged * (count - 1)
        )
        i, j = left, right
    return roles
