"""Binds the arguments of a call to a signature of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from vglint.ops.spec import REQUIRED, Arg

V = TypeVar("V")

_OTHER_NAMES = {
    **{"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"},
    **{"indices": "indices_or_sections", "sections": "indices_or_sections"},
}
"""Names of numpy's that torch's functions take too, and of overloads that are one entry of the table."""


class BindError(ValueError):
    """A call that does not fit the signature."""


def bind(
    args: Sequence[Arg],
    positional: Sequence[V],
    keywords: Mapping[str, V],
    *,
    constant: Callable[[object], V] | None = None,
    pack: Callable[[tuple[V, ...]], V] | None = None,
    is_sequence: Callable[[V], bool] | None = None,
) -> dict[str, V]:
    """Returns every argument by name in signature order, defaults filled in.

    `constant` makes a value of a default, `pack` one of the positionals that a star argument takes (without them: the default itself, a tuple);
    a star argument given a single sequence (`is_sequence`; without it a tuple or list) takes that sequence itself. What `**name` takes stands under its own keywords. Raises BindError for too many, unknown, repeated or missing arguments.
    """
    sequence = is_sequence or (lambda value: isinstance(value, (tuple, list)))
    packed = pack or (lambda values: cast(V, values))
    lifted = constant or (lambda value: cast(V, value))
    given: dict[str, V] = {}
    places = [arg for arg in args if not arg.keyword_only]
    for index, arg in enumerate(places):
        if index >= len(positional):
            break
        if arg.star:
            rest = tuple(positional[index:])
            given[arg.name] = rest[0] if len(rest) == 1 and sequence(rest[0]) else packed(rest)
        else:
            given[arg.name] = positional[index]
    if len(positional) > len(places) and not any(arg.star for arg in places):
        raise BindError(f"takes {len(places)} positional arguments but {len(positional)} were given")
    others = next((arg for arg in args if arg.star and arg.keyword_only), None)
    known = {arg.name for arg in args if arg is not others}
    for keyword, value in keywords.items():
        name = keyword if keyword in known else _OTHER_NAMES.get(keyword, keyword)
        if name not in known:
            if others is not None:
                continue
            raise BindError(f"got an unexpected keyword argument '{keyword}'")
        if name in given:
            raise BindError(f"got multiple values for argument '{name}'")
        given[name] = value
    missing = [arg.name for arg in args if arg.default is REQUIRED and arg.name not in given]
    if missing:
        raise BindError("misses " + ", ".join(f"'{name}'" for name in missing))
    bound = {
        arg.name: given[arg.name] if arg.name in given else lifted(arg.default) for arg in args if arg is not others
    }
    if others is not None and others.role != "ignored":
        bound.update((keyword, value) for keyword, value in keywords.items() if keyword not in known)
    return bound
