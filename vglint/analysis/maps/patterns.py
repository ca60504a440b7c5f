"""einops: dimensions moved, copied and reduced by a pattern, which says what becomes of each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vglint.analysis.maps import maps
from vglint.analysis.maps.axes import size_at
from vglint.analysis.maps.concat import cat, in_a_row
from vglint.analysis.maps.pool import average, flattened, in_windows, maximum
from vglint.analysis.maps.reduce import narrowed
from vglint.analysis.maps.shape import passed
from vglint.analysis.state import PLACES, AbstainError, Grad, State, Step, whole
from vglint.analysis.use import Use
from vglint.ops.einops import groups
from vglint.shape import size_ratio

Group = list[str]


@maps("rearrange")
def rearrange(use: Use) -> Step:
    state = use.state()
    left, right = sides(use)
    roles = named_roles(left, "bcs" if use.given() and cuts_patches(left, right) else state.axes)
    roles = roles and {**roles, **dict.fromkeys(made_places(left, right, roles), "s")}
    axes = joined_roles(right, roles or {})
    if roles is None or axes is None:
        return state._replace(axes=None), passed(use)
    out = state._replace(axes=axes)
    if "s" in roles_in(left, roles) and "s" not in axes:
        out = flattened(out, None)._replace(channels=size_at(use.node.shape, axes), places=1.0)
    else:
        places = whole(use.node.shape, axes, "s")
        out = out._replace(places=places if places is not None else out.places, map=None)
        out = flattened(out, None) if merges(right, roles) else out
        if axes.count("c") == 1 and (width := size_at(use.node.shape, axes)) is not None:
            out = out._replace(channels=width)
    if out.spread is not None and out.spread.form != "iid":
        out = out._replace(spread=None)
    if state.places and out.places and 1.0 < out.places < state.places and merges(right, roles):
        return out, in_windows(out.places / state.places)
    return out, passed(use)


@maps("einops_repeat")
def repeat(use: Use) -> Step:
    """Copies along new dimensions: behind the samples they are positions, and the gradients of all copies add up."""
    state = use.state()
    left, right = sides(use)
    roles = named_roles(left, state.axes) or {}
    if state.spread is not None:
        # A parameter has no samples: what stands before its channels are positions.
        roles = {name: "s" if role == "b" else role for name, role in roles.items()}
    new = {name for group in right for name in group if name not in roles and not name.isdigit()}
    first = next((name for group in right for name in group), "")
    for name in new:
        roles[name] = "b" if name == first else "s"
    axes = joined_roles(right, roles)
    sizes = [use.get(name) for name in new if not (name == first and "b" not in named_roles_of(state))]
    count = 1.0
    for size in sizes:
        count *= float(size) if isinstance(size, (int, float)) else float(PLACES)
    constant = state.db == 0.0 and state.spread is None
    if count > 1.0 and state.spread is None and not constant and not all(isinstance(size, int) for size in sizes):
        raise AbstainError("number of copies is not known")
    out = state._replace(law=None, axes=axes, places=whole(use.node.shape, axes, "s"), map=None)
    if state.spread is not None:
        # Every sample reads the same entries.
        out = out._replace(db=0.0)
    return out, lambda grad: [copies(grad, count)]


def copies(grad: Grad, count: float) -> Grad:
    if count <= 1.0:
        return grad
    return grad._replace(
        g=count * grad.g + count * (count - 1) * max(grad.gs, 0.0),
        gb=count * grad.gb + count * (count - 1) * max(grad.gx, 0.0),
    )


@maps("einops_reduce")
def reduce(use: Use) -> Step:
    state = use.state()
    left, right = sides(use)
    roles = named_roles(left, state.axes)
    kept = {name for group in right for name in group}
    gone = [name for group in left for name in group if name not in kept and not name.isdigit()]
    if roles is None or not gone or "..." in gone:
        raise AbstainError("dimensions of the reduction are not known")
    over = {roles[name] for name in gone}
    kind = use.get("reduction")
    axes = joined_roles(right, roles)
    if over == {"s"}:
        count = size_ratio(use.shape(), use.node.shape) or state.places or float(PLACES)
        if kind == "max":
            found, back = maximum(use, count, 1.0 / count)
        else:
            found, back = average(use, count, 1.0 / count)
    elif over == {"c"} and kind in ("mean", "sum"):
        count = size_ratio(use.shape(), use.node.shape) or 0.0
        if not count:
            raise AbstainError("width of the mean is not known")
        found, back = narrowed(use, state, count)
    else:
        raise AbstainError("a reduction over what is not known")
    if found is None or back is None or kind not in ("mean", "sum", "max"):
        raise AbstainError(f"reduction {kind}")
    places = whole(use.node.shape, axes, "s")
    found = found._replace(
        axes=axes, places=places if places is not None else 1.0 if "s" not in (axes or "s") else None
    )
    found = found._replace(channels=size_at(use.node.shape, axes or "") if axes else found.channels)
    if kind != "sum":
        return found, back
    inner, factor = back, count * count
    grown = found._replace(
        q=found.q * factor, mu=found.mu * count, db=found.db * factor, ds=found.ds * factor, r=found.r * factor
    )
    return grown, lambda grad: [one.times(factor) if one is not None else None for one in inner(grad)]


@maps("einops_pack")
def pack(use: Use) -> Step:
    """Joins tensors along the dimension that the star names; one tensor alone is only flattened there."""
    state = use.state()
    pattern = use.get("pattern")
    if len(use.inputs) == 1:
        return state._replace(axes=flat_role(use, state), law=None), passed(use)
    if not isinstance(pattern, str) or "*" not in pattern.split():
        raise AbstainError("the pattern is not known")
    names = pattern.split()
    states = [use.state(i) for i in range(len(use.inputs))]
    dim = names.index("*")
    lone = [(shape := use.shape(i)) is not None and len(shape) < len(names) for i in range(len(states))]
    found = in_a_row(use, [aligned(use, i, one, len(names)) for i, one in enumerate(states)], dim, lone)
    return found if found is not None else cat(use)


def aligned(use: Use, position: int, state: State, rank: int) -> State:
    """Returns the state of one packed tensor: a tensor of one dimension less is one position."""
    shape = use.shape(position)
    if shape is not None and len(shape) < rank:
        return state._replace(axes=None, places=1.0)
    return state if state.axes is None or len(state.axes) == rank else state._replace(axes=None)


@maps("einops_unpack")
def unpack(use: Use) -> Step:
    """The parts are taken by getitem."""
    return use.state(), passed(use)


def sides(use: Use) -> tuple[list[Group], list[Group]]:
    pattern = use.get("pattern")
    if not isinstance(pattern, str) or "->" not in pattern:
        raise AbstainError("the pattern is not known")
    left, _, right = pattern.partition("->")
    return groups(left), groups(right)


def named_roles(left: Sequence[Group], axes: str | None) -> dict[str, str] | None:
    """Returns the role of each name on the left; where roles are not known, the first dimension counts samples and the last channels."""
    if ["..."] in left:
        place = left.index(["..."])
        if axes is None or "*" in axes:
            axes = None
            found = ["b"] + ["s"] * (len(left) - 2) + ["c"]
        else:
            extra = len(axes) - len(left) + 1
            if extra < 0:
                return None
            inner = axes[place : place + extra]
            found = [*axes[:place], "s" if "s" in inner else inner[-1:] or "s", *axes[place + extra :]]
    elif axes is not None and "*" not in axes and len(axes) == len(left):
        found = list(axes)
    elif len(left) in (1, 2, 3) or axes == "*c":
        found = ["b"] + ["s"] * (len(left) - 2) + ["c"] if len(left) > 1 else ["c"]
    else:
        return None
    return {
        name: ("s" if role == "b" and place else role)
        for group, role in zip(left, found, strict=True)
        for place, name in enumerate(group)
        if not name.isdigit()
    }


def cuts_patches(left: Sequence[Group], right: Sequence[Group]) -> bool:
    """Whether series of some channels, `b c (n p)`, are cut into patches, whose entries and channels are joined behind the places: `b n (p c)`."""
    if len(left) != 3 or len(left[1]) != 1 or len(left[2]) < 2 or "..." in left[1]:
        return False
    last = right[-1] if right else []
    return left[1][0] in last and 0 < sum(name in last for name in left[2]) < len(left[2])


def made_places(left: Sequence[Group], right: Sequence[Group], roles: dict[str, str]) -> Iterator[str]:
    """Yields the parts of split channels that are joined with positions: `b n (k d) -> b (n k) d` makes k tokens of one."""
    alone = {group[0] for group in right if len(group) == 1}
    for group in left:
        if len(group) > 1 and all(roles.get(name) == "c" for name in group) and alone & set(group):
            for name in group:
                beside = next((other for other in right if name in other), ())
                if any(roles.get(other) == "s" for other in beside) and not any(
                    roles.get(other) == "c" and other not in group for other in beside
                ):
                    yield name


def roles_in(side: Sequence[Group], roles: dict[str, str]) -> set[str]:
    return {roles[name] for group in side for name in group if name in roles}


def joined_roles(right: Sequence[Group], roles: dict[str, str]) -> str | None:
    """Returns the role of each dimension on the right: of joined ones, channels before positions before samples."""
    found = ""
    for group in right:
        own = {roles[name] for name in group if name in roles}
        if "..." in group and len(right) > 1 and roles.get("...") == "b":
            own.add("b")
        found += "c" if "c" in own else "b" if "b" in own else "s"
    return found


def merges(right: Sequence[Group], roles: dict[str, str]) -> bool:
    """Whether positions become channels."""
    return any({"c", "s"} <= {roles.get(name, "") for name in group} for group in right)


def named_roles_of(state: State) -> str:
    return "" if state.spread is not None or state.axes is None else state.axes


def flat_role(use: Use, state: State) -> str | None:
    pattern = use.get("pattern")
    axes = state.axes
    if not isinstance(pattern, str) or axes is None or "*" in axes:
        return None
    names = pattern.split()
    if "*" not in names or len(axes) < len(names) - 1:
        return None
    before = names.index("*")
    after = len(names) - before - 1
    return axes[:before] + "s" + (axes[len(axes) - after :] if after else "")
